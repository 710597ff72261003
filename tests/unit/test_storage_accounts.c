/* Accounts: their keys and how those change, what bounds them, external keys, and what ends with an account. */
#include "tests/unit/storage_world.h"

VERB(put_bounds, account_bounds_put(tx, c->id, c->row))
VERB(remove_bounds, account_bounds_remove(tx, c->id))
VERB(put_external_key, external_key_insert(tx, c->row))
VERB(use_external_key, external_key_use(tx, c->id, c->number))
VERB(revoke_external_key, external_key_revoke(tx, c->id, c->number))
VERB(deactivate_account, account_deactivate(tx, c->id, c->text))
VERB(change_key, account_change_key_to(tx, c->id, c->row, c->text))
VERB(expire_keys, key_changes_expire(tx, c->number, (unsigned)c->count, &c->deleted))

static void
account_verbs(void **state)
{
	struct account		 a = sample_account('a'), twin = sample_account('a'), got;
	struct storage_tx	*tx;

	(void)state;
	assert_int_equal(CALL(put_account, .row = &a), ERR_OK);
	assert_int_equal(CALL(put_account, .row = &twin), ERR_EXISTS);
	assert_int_equal(CALL(put_contact, a.id, .text = "[\"mailto:a@example.org\"]"), ERR_OK);
	assert_int_equal(CALL(put_contact, twin.id, .text = "[]"), ERR_NOT_FOUND);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(account_get(tx, a.id, &got), ERR_OK);
	assert_true(id_eq(got.id, a.id));
	assert_string_equal(got.thumbprint, a.thumbprint);
	assert_string_equal(got.jwk, "{}");
	assert_string_equal(got.contact, "[\"mailto:a@example.org\"]");
	assert_int_equal(got.status, ACCOUNT_VALID);
	assert_int_equal(got.terms_agreed, 5);
	assert_int_equal(got.created, 7);
	account_free(&got);
	assert_int_equal(account_by_thumbprint(tx, a.thumbprint, &got), ERR_OK);
	account_free(&got);
	assert_int_equal(account_by_thumbprint(tx, "none", &got), ERR_NOT_FOUND);
	assert_int_equal(account_get(tx, twin.id, &got), ERR_NOT_FOUND);
	storage_read_end(tx);
}

/* RFC 8555, 7.3.5: the account has the new key, the row tells how; all or nothing. */
static void
key_change_verbs(void **state)
{
	struct account		 a = sample_account('a'), b = sample_account('b'), got;
	struct key_change_row	 row = { .jwk = (char *)"{}", .created = 100 }, *rows;
	struct storage_tx	*tx;
	size_t			 count;

	(void)state;
	memset(row.thumbprint, 'a', sizeof(row.thumbprint) - 1);
	memset(row.next, 'b', sizeof(row.next) - 1);
	buf_put_str(&row.jws, "signed");
	assert_int_equal(CALL(put_account, .row = &a), ERR_OK);
	assert_int_equal(CALL(put_account, .row = &b), ERR_OK);
	assert_int_equal(CALL(change_key, a.id, .row = &row, .text = "{1}"), ERR_EXISTS);
	for (char c = 'c'; c < 'g'; c++) {	/* a to c, c to d, ... */
		memset(row.next, c, sizeof(row.next) - 1);
		assert_int_equal(CALL(change_key, a.id, .row = &row, .text = "{1}"), ERR_OK);
		assert_int_equal(CALL(change_key, a.id, .row = &row, .text = "{1}"), ERR_CONFLICT);
		memset(row.thumbprint, c, sizeof(row.thumbprint) - 1);
		row.created += 10;
	}
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(account_get(tx, a.id, &got), ERR_OK);
	assert_string_equal(got.thumbprint, row.next);
	assert_string_equal(got.jwk, "{1}");
	account_free(&got);
	assert_int_equal(account_by_thumbprint(tx, a.thumbprint, &got), ERR_NOT_FOUND);
	assert_int_equal(account_key_changes(tx, b.id, 0, 8, &rows, &count), ERR_OK);
	assert_int_equal(count, 0);
	key_changes_free(rows, count);
	assert_int_equal(account_key_changes(tx, a.id, 110, 8, &rows, &count), ERR_OK);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].thumbprint[0], 'c');
	assert_int_equal(rows[0].next[0], 'd');
	assert_int_equal(rows[0].created, 110);
	assert_string_equal(rows[0].jwk, "{}");
	assert_true(slice_eq_str(buf_slice(&rows[0].jws), "signed"));
	assert_int_equal(rows[2].next[0], 'f');
	key_changes_free(rows, count);
	assert_int_equal(account_key_changes(tx, a.id, 0, 2, &rows, &count), ERR_OK);	/* the newest ones */
	assert_int_equal(count, 2);
	assert_int_equal(rows[1].next[0], 'f');
	key_changes_free(rows, count);
	storage_read_end(tx);
	struct call expiry = { .verb = expire_keys, .number = 120, .count = 10 };
	assert_int_equal(call(&expiry), ERR_OK);
	assert_int_equal(expiry.deleted, 2);
	assert_int_equal(CALL(deactivate_account, a.id, .text = "{}"), ERR_OK);
	memset(row.next, 'g', sizeof(row.next) - 1);
	assert_int_equal(CALL(change_key, a.id, .row = &row, .text = "{1}"), ERR_CONFLICT);
	buf_free(&row.jws);
}

static void
account_deactivation(void **state)
{
	struct authorization	first, second;
	struct identifier	names[2];
	struct order		o = make_order(&first, &second, names);
	struct account		a = sample_account('b');

	(void)state;
	a.id = o.account;
	assert_int_equal(CALL(put_account, .row = &a), ERR_OK);
	assert_int_equal(CALL(begin_authorization, first.id), ERR_OK);
	assert_int_equal(CALL(deactivate_account, a.id, .text = "gone"), ERR_OK);
	assert_int_equal(CALL(deactivate_account, a.id, .text = "gone"), ERR_CONFLICT);
	order_check(o.id, ORDER_INVALID, "gone", "");
	authorization_check(second.id, AUTHORIZATION_DEACTIVATED, "-", "-", "");
	assert_int_equal(CALL(validate, first.id), ERR_OK);	/* was under way: not touched */
}

static void
account_walk(void **state)
{
	struct account a[3] = { sample_account('a'), sample_account('b'), sample_account('c') }, got[2];
	struct storage_tx *tx;
	size_t count;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		a[i].id.bytes[5] = (uint8_t)i;
		assert_int_equal(CALL(put_account, .row = &a[i]), ERR_OK);
	}
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(accounts_before(tx, (struct id){ { 0 } }, got, 2, &count), ERR_OK);
	assert_int_equal(count, 2);
	assert_true(id_eq(got[0].id, a[2].id) && id_eq(got[1].id, a[1].id));
	account_free(&got[0]);
	account_free(&got[1]);
	assert_int_equal(accounts_before(tx, a[1].id, got, 2, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_true(id_eq(got[0].id, a[0].id));
	account_free(&got[0]);
	storage_read_end(tx);
}

static void
account_bounds_verbs(void **state)
{
	struct bounds some = { .names = (char *)"a.lan\n10.0.0.0/8", .max_names = 3 };
	struct bounds others = { .deny = (char *)"b.lan", .profiles = (char *)"short", .no_wildcards = true }, got;
	struct id id = id_new(), other = id_new();
	struct storage_tx *tx;

	(void)state;
	assert_int_equal(CALL(put_bounds, id, .row = &some), ERR_OK);
	assert_int_equal(CALL(put_bounds, other, .row = &some), ERR_OK);
	assert_int_equal(CALL(put_bounds, id, .row = &others), ERR_OK);	/* nothing of the first is left */
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(account_bounds_get(tx, id, &got), ERR_OK);
	assert_string_equal(got.names, "");
	assert_string_equal(got.deny, "b.lan");
	assert_string_equal(got.profiles, "short");
	assert_true(got.no_wildcards);
	assert_int_equal(got.max_names, 0);
	bounds_free(&got);
	assert_int_equal(account_bounds_get(tx, other, &got), ERR_OK);
	assert_string_equal(got.names, "a.lan\n10.0.0.0/8");
	assert_int_equal(got.max_names, 3);
	bounds_free(&got);
	storage_read_end(tx);
	assert_int_equal(CALL(remove_bounds, id), ERR_OK);
	assert_int_equal(CALL(remove_bounds, id), ERR_NOT_FOUND);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(account_bounds_get(tx, id, &got), ERR_NOT_FOUND);
	assert_null(got.names);
	storage_read_end(tx);
}

static struct external_key
sample_external_key(int64_t expires, int64_t uses)
{
	struct external_key key = { .id = id_new(), .comment = (char *)"c",
		.bounds = { .names = (char *)"a.lan\n*.b.lan", .profiles = (char *)"", .deny = (char *)"x.b.lan",
		    .no_wildcards = true, .max_names = 7 }, .expires = expires, .uses = uses, .created = 3 };

	buf_put_str(&key.mac_key, "secret");
	return key;
}

static void
external_key_verbs(void **state)
{
	struct external_key keys[3] = { sample_external_key(0, 2), sample_external_key(100, 0),
		sample_external_key(0, 0) }, got[3];
	struct account a = sample_account('a'), b = sample_account('b'), seen;
	struct storage_tx *tx;
	struct id ids[3];
	size_t count;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		keys[i].id.bytes[5] = (uint8_t)i;
		assert_int_equal(CALL(put_external_key, .row = &keys[i]), ERR_OK);
		buf_free(&keys[i].mac_key);
	}
	/* twice and no more; until its end and no longer; and never when revoked */
	assert_int_equal(CALL(use_external_key, keys[0].id, .number = 50), ERR_OK);
	assert_int_equal(CALL(use_external_key, keys[0].id, .number = 50), ERR_OK);
	assert_int_equal(CALL(use_external_key, keys[0].id, .number = 50), ERR_CONFLICT);
	assert_int_equal(CALL(use_external_key, keys[1].id, .number = 99), ERR_OK);
	assert_int_equal(CALL(use_external_key, keys[1].id, .number = 100), ERR_CONFLICT);
	assert_int_equal(CALL(use_external_key, keys[2].id, .number = 50), ERR_OK);
	assert_int_equal(CALL(revoke_external_key, keys[2].id, .number = 60), ERR_OK);
	assert_int_equal(CALL(revoke_external_key, keys[2].id, .number = 61), ERR_CONFLICT);
	assert_int_equal(CALL(use_external_key, keys[2].id, .number = 50), ERR_CONFLICT);
	assert_int_equal(CALL(use_external_key, id_new(), .number = 50), ERR_CONFLICT);
	a.external_key = keys[0].id;
	a.binding = (char *)"{}";
	assert_int_equal(CALL(put_account, .row = &a), ERR_OK);
	assert_int_equal(CALL(put_account, .row = &b), ERR_OK);

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(external_keys_before(tx, (struct id){ { 0 } }, got, 3, &count), ERR_OK);
	assert_int_equal(count, 3);
	assert_true(id_eq(got[2].id, keys[0].id));
	assert_int_equal(got[2].used, 2);
	assert_int_equal(got[2].uses, 2);
	assert_int_equal(got[1].expires, 100);
	assert_int_equal(got[0].revoked, 60);
	assert_string_equal(got[0].bounds.names, "a.lan\n*.b.lan");
	assert_string_equal(got[0].bounds.deny, "x.b.lan");
	assert_string_equal(got[0].bounds.profiles, "");
	assert_true(got[0].bounds.no_wildcards);
	assert_int_equal(got[0].bounds.max_names, 7);
	assert_true(slice_eq_str(buf_slice(&got[0].mac_key), "secret"));
	for (size_t i = 0; i < 3; i++)
		external_key_free(&got[i]);
	assert_int_equal(external_key_accounts(tx, keys[0].id, (struct id){ { 0 } }, ids, 3, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_true(id_eq(ids[0], a.id));
	assert_int_equal(external_key_accounts(tx, keys[0].id, a.id, ids, 3, &count), ERR_OK);
	assert_int_equal(count, 0);
	assert_int_equal(account_get(tx, a.id, &seen), ERR_OK);
	assert_true(id_eq(seen.external_key, keys[0].id));
	assert_string_equal(seen.binding, "{}");
	account_free(&seen);
	assert_int_equal(account_get(tx, b.id, &seen), ERR_OK);
	assert_true(id_is_zero(seen.external_key));
	assert_null(seen.binding);
	account_free(&seen);
	storage_read_end(tx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(account_verbs),
		T(key_change_verbs),
		T(account_deactivation),
		T(account_walk),
		T(account_bounds_verbs),
		T(external_key_verbs),
	};

	return cmocka_run_group_tests_name("storage: accounts", tests, dir_make, dir_remove);
}
