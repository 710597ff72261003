/* The verbs, one by one, and what is refused at open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "storage/query.h"
#include "storage/storage.h"

static char		 dir[] = "/tmp/test_storage.XXXXXX";
static struct storage	*storage;
static unsigned		 made;

/* A fresh database for each test. */
static int
setup(void **state)
{
	char		url[32];
	struct reason	reason = { "" };

	(void)state;
	snprintf(url, sizeof(url), "sqlite:%u.db", ++made);
	assert_int_equal(storage_open(url, dir, 2, &storage, &reason), ERR_OK);
	assert_int_equal(storage_start(storage), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	storage_close(storage);
	return 0;
}

static struct account
sample_account(char first)
{
	struct account account = { .id = id_new(), .jwk = (char *)"{}", .status = ACCOUNT_VALID,
		.contact = (char *)"[]", .terms_agreed = 5, .created = 7 };

	memset(account.thumbprint, first, sizeof(account.thumbprint) - 1);
	return account;
}

static struct authorization
sample_authorization(struct id account, const char *name)
{
	struct authorization a = { .id = id_new(), .account = account, .state = AUTHORIZATION_PENDING,
		.expires = 1000, .offered = 2 };

	a.identifier.type = IDENTIFIER_DNS;
	snprintf(a.identifier.value, sizeof(a.identifier.value), "%s", name);
	memset(a.token, 't', sizeof(a.token) - 1);
	return a;
}

static struct order
sample_order(struct id account, struct identifier *identifiers, size_t count)
{
	return (struct order){ .id = id_new(), .account = account, .state = ORDER_OPEN, .expires = 1000,
		.identifiers = identifiers, .identifier_count = count, .profile = (char *)"default",
		.created = 10 };
}

struct call {
	enum err	(*verb)(struct storage_tx *, struct call *);
	struct id	 id;
	const void	*row;
	const char	*text;
	const struct id	*ids;
	size_t		 count;
	unsigned	 deleted;
	int64_t		 number;
};

static enum err
call_run(struct storage_tx *tx, void *arg)
{
	struct call *call = arg;

	return call->verb(tx, call);
}

static enum err
call(struct call *c)
{
	return storage_write(storage, call_run, c);
}

#define VERB(name, expression)							\
	static enum err								\
	name(struct storage_tx *tx, struct call *c)				\
	{									\
		return expression;						\
	}
VERB(put_account, account_insert(tx, c->row))
VERB(put_bounds, account_bounds_put(tx, c->id, c->row))
VERB(remove_bounds, account_bounds_remove(tx, c->id))
VERB(put_external_key, external_key_insert(tx, c->row))
VERB(use_external_key, external_key_use(tx, c->id, c->number))
VERB(revoke_external_key, external_key_revoke(tx, c->id, c->number))
VERB(put_contact, account_set_contact(tx, c->id, c->text))
VERB(deactivate_account, account_deactivate(tx, c->id, c->text))
VERB(put_authorization, authorization_insert(tx, c->row))
VERB(put_alone, authorization_insert_alone(tx, c->row))
VERB(begin_authorization, authorization_begin(tx, c->id, CHALLENGE_HTTP_01))
VERB(validate, authorization_set_valid(tx, c->id, 50, c->number, c->text, slice_str("evidence"), 40))
VERB(retry, authorization_set_retrying(tx, c->id, "try", c->text, c->number))
VERB(set_votes, authorization_set_votes(tx, c->id, c->text))
VERB(renew_caa, authorization_set_caa(tx, c->id, slice_str(c->text), c->number))
VERB(invalidate, authorization_set_invalid(tx, c->id, "rec", c->text))
VERB(deactivate_authorization, authorization_deactivate(tx, c->id))
VERB(put_order, order_insert(tx, c->row, c->ids, c->count))
VERB(begin_finalize, order_begin_finalize(tx, c->id, slice_str(c->text), (unsigned)c->number))
VERB(reopen, order_reopen(tx, c->id, c->text))
VERB(fail_order, order_set_invalid(tx, c->id, c->text))
VERB(finish_order, order_set_valid(tx, c->id, *c->ids))
VERB(put_star, star_insert(tx, c->id, slice_str("{new}"), c->text))
VERB(begin_star, star_begin(tx, c->id, c->text, slice_str("changes"), (uint32_t)c->number))
VERB(ask_star, star_ask(tx, c->id, (uint32_t)c->count, c->number))
VERB(issue_star, star_issued(tx, c->id, (uint32_t)c->count, c->number))
VERB(renew_order, order_set_renewed(tx, c->id, *c->ids, c->number))
VERB(not_renew_order, order_set_not_renewed(tx, c->id, c->text))
VERB(cancel_order, order_cancel(tx, c->id, c->number))
VERB(cancel_orders, account_cancel_orders(tx, c->id, c->number))
VERB(put_certificate, certificate_insert(tx, c->row))
VERB(put_issuer, issuer_put(tx, c->row, slice_str(c->text)))
VERB(change_key, account_change_key_to(tx, c->id, c->row, c->text))
VERB(expire_keys, key_changes_expire(tx, c->number, (unsigned)c->count, &c->deleted))
VERB(put_revocation, revocation_insert(tx, c->row))
VERB(compromise, revocation_compromise(tx, slice_str(c->text)))
VERB(put_crl_number, crl_number_put(tx, c->row, (unsigned)c->count, (uint64_t)c->number))
VERB(block_key, key_block(tx, c->text, c->number))
VERB(expire_revocations, revocations_expire(tx, c->number, (unsigned)c->count, &c->deleted))
VERB(expire, storage_expire(tx, c->number, (unsigned)c->count, &c->deleted))

#define CALL(...) call(&(struct call){ .verb = __VA_ARGS__ })

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

static struct revocation
sample_revocation(const char *serial, unsigned shard)
{
	struct revocation r = { .certificate = id_new(), .shard = shard, .revoked = 5,
		.reason = REVOCATION_NONE, .not_after = 500 };

	r.serial_len = strlen(serial);
	memcpy(r.serial, serial, r.serial_len);
	memset(r.issuer, 'i', sizeof(r.issuer));
	return r;
}

/* RFC 8555, 7.6; and what the lists are made of, page by page. */
static void
revocation_verbs(void **state)
{
	static const char *const serials[] = { "d", "a", "bbb", "c", "e" };
	struct revocation	 row, rows[4];
	struct storage_tx	*tx;
	uint8_t			 issuer[32];
	size_t			 count;
	struct call		 expiry = { .verb = expire_revocations, .number = 501, .count = 3 };

	(void)state;
	memset(issuer, 'i', sizeof(issuer));
	for (int i = 0; i < 5; i++) {
		row = sample_revocation(serials[i], i == 4 ? 1 : 0);
		assert_int_equal(CALL(put_revocation, .row = &row), ERR_OK);
		assert_int_equal(CALL(put_revocation, .row = &row), ERR_EXISTS);
	}
	assert_int_equal(CALL(compromise, .text = "bbb"), ERR_OK);
	assert_int_equal(CALL(compromise, .text = "bbb"), ERR_CONFLICT);
	assert_int_equal(CALL(compromise, .text = "zzz"), ERR_CONFLICT);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(revocation_get(tx, slice_str("zzz"), &row), ERR_NOT_FOUND);
	assert_int_equal(revocation_get(tx, slice_str("bbb"), &row), ERR_OK);
	assert_int_equal(row.reason, REVOCATION_KEY_COMPROMISE);
	assert_int_equal(row.revoked, 5);
	assert_int_equal(row.not_after, 500);
	assert_int_equal(revocations_of_shard(tx, issuer, 0, (struct slice){ 0 }, rows, 3, &count), ERR_OK);
	assert_int_equal(count, 3);
	assert_memory_equal(rows[0].serial, "a", 1);
	assert_memory_equal(rows[1].serial, "bbb", 3);
	assert_int_equal(rows[0].reason, REVOCATION_NONE);
	assert_int_equal(revocations_of_shard(tx, issuer, 0, slice_str("c"), rows, 3, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_memory_equal(rows[0].serial, "d", 1);
	assert_int_equal(revocations_of_shard(tx, issuer, 1, (struct slice){ 0 }, rows, 3, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(revocations_of_shard(tx, issuer, 2, (struct slice){ 0 }, rows, 3, &count), ERR_OK);
	assert_int_equal(count, 0);
	storage_read_end(tx);
	assert_int_equal(call(&expiry), ERR_OK);
	assert_int_equal(expiry.deleted, 3);
}

static void
crl_number_and_blocked_key_verbs(void **state)
{
	struct storage_tx	*tx;
	uint8_t			 issuer[32] = { 7 };
	uint64_t		 number;
	unsigned		 shards;

	(void)state;
	assert_int_equal(CALL(put_crl_number, .row = issuer, .count = 3, .number = 50), ERR_OK);
	assert_int_equal(CALL(put_crl_number, .row = issuer, .count = 3, .number = 40), ERR_OK); /* never back */
	assert_int_equal(CALL(block_key, .text = "thumb", .number = 1), ERR_OK);
	assert_int_equal(CALL(block_key, .text = "thumb", .number = 2), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(crl_number_get(tx, issuer, 3, &number), ERR_OK);
	assert_int_equal(number, 50);
	assert_int_equal(crl_number_get(tx, issuer, 0, &number), ERR_OK);
	assert_int_equal(number, 0);
	assert_int_equal(crl_shards_known(tx, issuer, &shards), ERR_OK);
	assert_int_equal(shards, 4);
	issuer[0] = 8;
	assert_int_equal(crl_shards_known(tx, issuer, &shards), ERR_OK);
	assert_int_equal(shards, 0);
	assert_int_equal(key_blocked(tx, "thumb"), ERR_OK);
	assert_int_equal(key_blocked(tx, "other"), ERR_NOT_FOUND);
	storage_read_end(tx);
}

/* Only a valid one, that is not over, of that account, for that name; a wildcard's own for a wildcard. */
static void
held_authorizations(void **state)
{
	struct account		 a = sample_account('a');
	struct authorization	 row = sample_authorization(a.id, "a.example");
	struct identifier	 name = row.identifier, wild = { .type = IDENTIFIER_DNS, .value = "*.a.example" };
	struct storage_tx	*tx;

	(void)state;
	for (int step = 0; step < 3; step++) {
		bool held = step == 1;

		if (step == 0)
			assert_int_equal(CALL(put_authorization, .row = &row), ERR_OK);
		if (step == 1) {
			assert_int_equal(CALL(begin_authorization, row.id), ERR_OK);
			assert_int_equal(CALL(validate, row.id, .number = 900, .text = "{}"), ERR_OK);
		}
		if (step == 2)
			assert_int_equal(CALL(deactivate_authorization, row.id), ERR_OK);
		assert_int_equal(storage_read(storage, &tx), ERR_OK);
		assert_int_equal(authorization_held(tx, a.id, &name, 899), held ? ERR_OK : ERR_NOT_FOUND);
		assert_int_equal(authorization_held(tx, a.id, &name, 900), ERR_NOT_FOUND);
		assert_int_equal(authorization_held(tx, a.id, &wild, 899), ERR_NOT_FOUND);
		assert_int_equal(authorization_held(tx, id_new(), &name, 899), ERR_NOT_FOUND);
		storage_read_end(tx);
	}
	row = sample_authorization(a.id, "a.example");
	row.wildcard = true;
	assert_int_equal(CALL(put_authorization, .row = &row), ERR_OK);
	assert_int_equal(CALL(begin_authorization, row.id), ERR_OK);
	assert_int_equal(CALL(validate, row.id, .number = 900, .text = "{}"), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(authorization_held(tx, a.id, &wild, 899), ERR_OK);
	storage_read_end(tx);
}

static void
authorization_check(struct id id, enum authorization_state want, const char *record, const char *error,
    const char *evidence)
{
	struct storage_tx	*tx;
	struct authorization	 got;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(authorization_get(tx, id, &got), ERR_OK);
	storage_read_end(tx);
	assert_int_equal(got.state, want);
	assert_string_equal(got.record != NULL ? got.record : "-", record);
	assert_string_equal(got.error != NULL ? got.error : "-", error);
	assert_true(slice_eq_str(buf_slice(&got.evidence), evidence));
	assert_string_equal(got.identifier.value, "a.example");
	authorization_free(&got);
}

static void
votes_check(struct id id, const char *want)
{
	struct storage_tx *tx;
	char *votes;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(authorization_votes(tx, id, &votes), ERR_OK);
	storage_read_end(tx);
	assert_true(want == NULL ? votes == NULL : votes != NULL && strcmp(votes, want) == 0);
	free(votes);
}

static void
authorization_verbs(void **state)
{
	struct authorization	 a = sample_authorization(id_new(), "a.example"), b, read;
	struct storage_tx	*tx;
	struct id		 ids[4];
	size_t			 count;

	(void)state;
	b = sample_authorization(a.account, "a.example");
	assert_int_equal(CALL(put_authorization, .row = &a), ERR_OK);
	assert_int_equal(CALL(put_authorization, .row = &b), ERR_OK);
	assert_int_equal(CALL(validate, a.id, .text = "rec"), ERR_CONFLICT);
	assert_int_equal(CALL(invalidate, a.id, .text = "err"), ERR_CONFLICT);
	assert_int_equal(CALL(begin_authorization, a.id), ERR_OK);
	assert_int_equal(CALL(begin_authorization, a.id), ERR_CONFLICT);
	assert_int_equal(CALL(begin_authorization, b.id), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(authorizations_processing(tx, ids, 4, &count), ERR_OK);
	assert_int_equal(count, 2);
	assert_int_equal(authorizations_processing(tx, ids, 1, &count), ERR_OK);
	assert_int_equal(count, 1);
	storage_read_end(tx);
	/* RFC 8555, 8.2: a failure that is not final shows, and is forgotten when the next try ends well. */
	assert_int_equal(CALL(retry, id_new(), .text = "err", .number = 70), ERR_CONFLICT);
	assert_int_equal(CALL(retry, a.id, .text = "err", .number = 70), ERR_OK);
	authorization_check(a.id, AUTHORIZATION_PROCESSING, "try", "err", "");
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(authorization_get(tx, a.id, &read), ERR_OK);
	storage_read_end(tx);
	assert_int_equal(read.next_try, 70);
	assert_int_equal(read.caa_checked, 0);
	authorization_free(&read);
	assert_int_equal(CALL(renew_caa, a.id, .text = "new", .number = 80), ERR_CONFLICT);
	assert_int_equal(CALL(validate, a.id, .text = "rec", .number = 99), ERR_OK);
	assert_int_equal(CALL(renew_caa, a.id, .text = "new", .number = 80), ERR_OK);
	authorization_check(a.id, AUTHORIZATION_VALID, "rec", "-", "new");
	assert_int_equal(CALL(renew_caa, a.id, .text = "evidence", .number = 81), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(authorization_get(tx, a.id, &read), ERR_OK);
	storage_read_end(tx);
	assert_int_equal(read.next_try, 0);
	assert_int_equal(read.caa_checked, 81);
	authorization_free(&read);
	authorization_check(a.id, AUTHORIZATION_VALID, "rec", "-", "evidence");
	votes_check(a.id, NULL);
	assert_int_equal(CALL(set_votes, a.id, .text = "[1]"), ERR_OK);
	votes_check(a.id, "[1]");
	assert_int_equal(CALL(set_votes, id_new(), .text = "[1]"), ERR_NOT_FOUND);
	assert_int_equal(CALL(invalidate, b.id, .text = "err"), ERR_OK);
	authorization_check(b.id, AUTHORIZATION_INVALID, "rec", "err", "");
	assert_int_equal(CALL(deactivate_authorization, b.id), ERR_CONFLICT);
	assert_int_equal(CALL(deactivate_authorization, a.id), ERR_OK);
	assert_int_equal(CALL(renew_caa, a.id, .text = "new", .number = 90), ERR_CONFLICT);
	authorization_check(a.id, AUTHORIZATION_DEACTIVATED, "rec", "-", "evidence");
}

static void
order_check(struct id id, enum order_state want, const char *error, const char *finalize)
{
	struct storage_tx	*tx;
	struct order		 got;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(order_get_finalize(tx, id, &got), ERR_OK);
	storage_read_end(tx);
	assert_int_equal(got.state, want);
	assert_string_equal(got.error != NULL ? got.error : "-", error);
	assert_true(slice_eq_str(buf_slice(&got.finalize), finalize));
	assert_string_equal(got.profile, "default");
	order_free(&got);
}

static struct order
make_order(struct authorization *first, struct authorization *second, struct identifier names[2])
{
	struct id	account = id_new(), ids[2];
	struct order	o;

	/* The later name first: rows come in the order's order, not in their ids'. */
	*first = sample_authorization(account, "z.example");
	*second = sample_authorization(account, "a.example");
	names[0] = second->identifier;
	names[1] = first->identifier;
	ids[0] = second->id;
	ids[1] = first->id;
	o = sample_order(account, names, 2);
	assert_int_equal(CALL(put_order, .row = &o, .ids = ids, .count = 2), ERR_NOT_FOUND);
	assert_int_equal(CALL(put_authorization, .row = first), ERR_OK);
	assert_int_equal(CALL(put_authorization, .row = second), ERR_OK);
	assert_int_equal(CALL(put_order, .row = &o, .ids = ids, .count = 2), ERR_OK);
	return o;
}

static void
order_verbs(void **state)
{
	struct authorization	 first, second, *rows;
	struct identifier	 names[2];
	struct order		 o = make_order(&first, &second, names), got;
	struct storage_tx	*tx;
	struct id		 certificate = id_new(), ids[2];
	size_t			 count;

	(void)state;
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(order_get(tx, o.id, &got), ERR_OK);
	assert_int_equal(got.identifier_count, 2);
	assert_true(identifier_eq(&got.identifiers[0], &names[0]));
	assert_true(identifier_eq(&got.identifiers[1], &names[1]));
	assert_true(id_is_zero(got.certificate));
	order_free(&got);
	assert_int_equal(order_get(tx, certificate, &got), ERR_NOT_FOUND);
	assert_int_equal(order_authorizations(tx, o.id, &rows, &count), ERR_OK);
	assert_int_equal(count, 2);
	assert_true(id_eq(rows[0].id, second.id) && id_eq(rows[1].id, first.id));
	authorization_free(&rows[0]);
	authorization_free(&rows[1]);
	free(rows);
	storage_read_end(tx);

	assert_int_equal(CALL(reopen, o.id), ERR_CONFLICT);
	assert_int_equal(CALL(finish_order, o.id, .ids = &certificate), ERR_CONFLICT);
	assert_int_equal(CALL(begin_finalize, o.id, .text = "jws"), ERR_OK);
	assert_int_equal(CALL(begin_finalize, o.id, .text = "two"), ERR_CONFLICT);
	order_check(o.id, ORDER_PROCESSING, "-", "jws");
	assert_int_equal(CALL(reopen, o.id, .text = "bad"), ERR_OK);
	order_check(o.id, ORDER_OPEN, "bad", "");
	assert_int_equal(CALL(fail_order, o.id, .text = "err"), ERR_CONFLICT);
	assert_int_equal(CALL(begin_finalize, o.id, .text = "two"), ERR_OK);
	order_check(o.id, ORDER_PROCESSING, "-", "two");
	assert_int_equal(CALL(reopen, o.id), ERR_OK);
	order_check(o.id, ORDER_OPEN, "-", "");
	assert_int_equal(CALL(begin_finalize, o.id, .text = "two"), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(orders_processing(tx, ids, 2, &count), ERR_OK);
	assert_true(count == 1 && id_eq(ids[0], o.id));
	storage_read_end(tx);
	assert_int_equal(CALL(finish_order, o.id, .ids = &certificate), ERR_OK);
	order_check(o.id, ORDER_VALID, "-", "two");
	o = make_order(&first, &second, names);
	assert_int_equal(CALL(begin_finalize, o.id, .text = "jws"), ERR_OK);
	assert_int_equal(CALL(fail_order, o.id, .text = "err"), ERR_OK);
	order_check(o.id, ORDER_INVALID, "err", "jws");
}

static size_t
due(int64_t now, struct id ids[4])
{
	struct storage_tx *tx;
	size_t count;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(stars_due(tx, now, ids, 4, &count), ERR_OK);
	storage_read_end(tx);
	return count;
}

static size_t
canceled(const struct id *account, struct id after, int64_t now, struct id ids[4])
{
	struct storage_tx *tx;
	size_t count;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(orders_canceled(tx, account, after, now, ids, 4, &count), ERR_OK);
	storage_read_end(tx);
	return count;
}

static void
star_check(struct id id, uint32_t number, uint32_t asked)
{
	struct storage_tx *tx;
	struct star star;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(star_get(tx, id, &star), ERR_OK);
	storage_read_end(tx);
	assert_true(slice_eq_str(buf_slice(&star.new_order), "{new}"));
	assert_string_equal(star.new_order_jwk, "{key}");
	assert_string_equal(star.jwk != NULL ? star.jwk : "-", asked != 0 ? "{other}" : "-");
	assert_true(slice_eq_str(buf_slice(&star.key_changes), asked != 0 ? "changes" : ""));
	assert_int_equal(star.number, number);
	assert_int_equal(star.asked, asked);
	star_free(&star);
}

/* RFC 8739: an order from the first certificate to the last, or canceled. */
static void
auto_renewal_orders(void **state)
{
	struct auto_renewal	 terms = { 100, 5000, 400, 300, true };
	struct authorization	 a;
	struct order		 o, got;
	struct storage_tx	*tx;
	struct id		 certificate = id_new(), next = id_new(), zero = { { 0 } }, ids[4];

	(void)state;
	a = sample_authorization(id_new(), "star.example");
	o = sample_order(a.account, &a.identifier, 1);
	o.auto_renewal = terms;
	assert_int_equal(CALL(put_authorization, .row = &a), ERR_OK);
	assert_int_equal(CALL(put_order, .row = &o, .ids = &a.id, .count = 1), ERR_OK);
	assert_int_equal(CALL(put_star, o.id, .text = "{key}"), ERR_OK);
	star_check(o.id, 0, 0);
	assert_int_equal(CALL(cancel_order, o.id, .number = 50), ERR_CONFLICT);
	assert_int_equal(CALL(begin_finalize, o.id, .text = "jws"), ERR_OK);
	assert_int_equal(CALL(begin_star, certificate, .text = "{other}", .number = 1), ERR_NOT_FOUND);
	assert_int_equal(CALL(begin_star, o.id, .text = "{other}", .number = 1), ERR_OK);
	star_check(o.id, 0, 1);
	assert_int_equal(CALL(renew_order, o.id, .ids = &certificate, .number = 5000), ERR_CONFLICT);
	assert_int_equal(CALL(finish_order, o.id, .ids = &certificate), ERR_OK);
	assert_int_equal(CALL(issue_star, o.id, .count = 1, .number = 200), ERR_OK);
	assert_int_equal(CALL(issue_star, o.id, .count = 1, .number = 300), ERR_CONFLICT);	/* it came twice */
	assert_int_equal(CALL(renew_order, o.id, .ids = &certificate, .number = 5000), ERR_OK);
	star_check(o.id, 1, 1);
	assert_int_equal(due(199, ids), 0);
	assert_int_equal(due(200, ids), 1);
	assert_true(id_eq(ids[0], o.id));
	assert_int_equal(CALL(ask_star, o.id, .count = 2, .number = 210), ERR_OK);
	assert_int_equal(due(209, ids), 0);
	star_check(o.id, 1, 2);
	assert_int_equal(CALL(not_renew_order, o.id, .text = "why"), ERR_OK);
	assert_int_equal(CALL(issue_star, o.id, .count = 2, .number = 0), ERR_OK);	/* the last */
	assert_int_equal(due(INT64_MAX, ids), 0);
	order_check(o.id, ORDER_VALID, "why", "jws");
	assert_int_equal(CALL(renew_order, o.id, .ids = &next, .number = 5000), ERR_OK);
	order_check(o.id, ORDER_VALID, "-", "jws");
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(order_get(tx, o.id, &got), ERR_OK);
	storage_read_end(tx);
	assert_true(got.auto_renewal.start == terms.start && got.auto_renewal.end == terms.end && got.auto_renewal.get);
	assert_true(got.auto_renewal.lifetime == terms.lifetime && got.auto_renewal.adjust == terms.adjust);
	assert_true(id_eq(got.certificate, next) && got.expires == 5000);
	order_free(&got);
	assert_int_equal(CALL(cancel_order, o.id, .number = 5000), ERR_CONFLICT);	/* it is over */
	assert_int_equal(CALL(cancel_order, o.id, .number = 4999), ERR_OK);
	assert_int_equal(CALL(cancel_order, o.id, .number = 4999), ERR_CONFLICT);
	order_check(o.id, ORDER_CANCELED, "-", "jws");
	assert_int_equal(CALL(renew_order, o.id, .ids = &next, .number = 5000), ERR_CONFLICT);
	assert_int_equal(CALL(not_renew_order, o.id, .text = "why"), ERR_CONFLICT);
	assert_int_equal(canceled(NULL, zero, 4999, ids), 1);
	assert_true(id_eq(ids[0], o.id));
	assert_int_equal(canceled(NULL, zero, 5000, ids), 0);
	assert_int_equal(canceled(NULL, o.id, 4999, ids), 0);
	assert_int_equal(canceled(&o.account, zero, 4999, ids), 1);
	assert_int_equal(canceled(&certificate, zero, 4999, ids), 0);
}

/* An account's end cancels what goes on, and nothing else; and the rows go with the order (RFC 8555, 7.1.6). */
static void
auto_renewal_ends(void **state)
{
	struct authorization	 a[3];
	struct order		 o[3];
	struct id		 certificate = id_new(), account = id_new(), zero = { { 0 } }, ids[4];
	struct storage_tx	*tx;
	struct star		 star;
	struct call		 expiry = { .verb = expire, .count = 100, .number = 5001 };
	struct certificate	 c = { .id = certificate, .account = account, .not_after = 4500 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		a[i] = sample_authorization(account, "star.example");
		o[i] = sample_order(account, &a[i].identifier, 1);
		if (i != 1)
			o[i].auto_renewal = (struct auto_renewal){ 100, i == 0 ? 5000 : 3000, 400, 300, false };
		assert_int_equal(CALL(put_authorization, .row = &a[i]), ERR_OK);
		assert_int_equal(CALL(put_order, .row = &o[i], .ids = &a[i].id, .count = 1), ERR_OK);
		assert_int_equal(CALL(put_star, o[i].id, .text = "{key}"), ERR_OK);
		assert_int_equal(CALL(begin_finalize, o[i].id, .text = "jws"), ERR_OK);
		assert_int_equal(CALL(finish_order, o[i].id, .ids = &certificate), ERR_OK);
		assert_int_equal(CALL(renew_order, o[i].id, .ids = &certificate, .number = i == 0 ? 5000 : 3000), ERR_OK);
	}
	assert_int_equal(CALL(cancel_orders, account, .number = 4000), ERR_OK);
	order_check(o[0].id, ORDER_CANCELED, "-", "jws");
	order_check(o[1].id, ORDER_VALID, "-", "jws");
	order_check(o[2].id, ORDER_VALID, "-", "jws");
	assert_int_equal(canceled(&account, zero, 0, ids), 1);
	/* its last certificate has ended, so it goes at its end */
	c.order = o[0].id;
	buf_put_str(&c.serial, "1234567890123456");
	buf_put_str(&c.der, "DER");
	assert_int_equal(CALL(put_certificate, .row = &c), ERR_OK);
	certificate_free(&c);
	assert_int_equal(call(&expiry), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(star_get(tx, o[0].id, &star), ERR_NOT_FOUND);
	assert_int_equal(star_get(tx, o[1].id, &star), ERR_OK);
	star_free(&star);
	storage_read_end(tx);
}

/* RFC 8555, 7.1.2.1 and 7.1.6: listed at now, or not. */
static size_t
listed(struct id account, struct id before, int64_t now, struct id *ids, size_t max)
{
	struct storage_tx	*tx;
	size_t			 count;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(orders_of_account(tx, account, before, now, ids, max, &count), ERR_OK);
	storage_read_end(tx);
	return count;
}

static void
orders_list(void **state)
{
	struct authorization	first, second;
	struct identifier	names[2];
	struct order		o = make_order(&first, &second, names), next = o;
	struct id		top, ids[4];
	int64_t			soonest = first.expires < o.expires ? first.expires : o.expires;

	(void)state;
	memset(&top, 0xff, sizeof(top));
	next.id.bytes[0]++;		/* later than any */
	assert_int_equal(CALL(put_order, .row = &next, .ids = &first.id, .count = 1), ERR_OK);
	assert_int_equal(listed(o.account, top, soonest - 1, ids, 4), 2);
	assert_true(id_eq(ids[0], next.id) && id_eq(ids[1], o.id));	/* the newest first */
	assert_int_equal(listed(o.account, top, soonest - 1, ids, 1), 1);
	assert_int_equal(listed(o.account, next.id, soonest - 1, ids, 4), 1);	/* the next page */
	assert_true(id_eq(ids[0], o.id));
	assert_int_equal(listed(o.account, o.id, soonest - 1, ids, 4), 0);
	assert_int_equal(listed(id_new(), top, soonest - 1, ids, 4), 0);
	assert_int_equal(listed(o.account, top, soonest, ids, 4), 0);	/* expired */
	/* An authorization that ended takes its order with it; one in processing doesn't expire. */
	assert_int_equal(CALL(deactivate_authorization, second.id), ERR_OK);
	assert_int_equal(listed(o.account, top, soonest - 1, ids, 4), 1);
	assert_true(id_eq(ids[0], next.id));
	assert_int_equal(CALL(begin_authorization, first.id), ERR_OK);
	assert_int_equal(listed(o.account, top, o.expires - 1, ids, 4), 1);
	assert_int_equal(CALL(begin_finalize, next.id, .text = "jws"), ERR_OK);
	assert_int_equal(listed(o.account, top, o.expires + 1, ids, 4), 1);	/* processing is not over */
}

static bool
finds(const struct authorization *wanted, bool wildcard, int64_t until)
{
	struct storage_tx	*tx;
	struct authorization	 got;
	enum err		 err;
	bool			 same;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	err = authorization_find(tx, wanted->account, &wanted->identifier, wildcard, until, &got);
	storage_read_end(tx);
	if (err == ERR_NOT_FOUND)
		return false;
	assert_int_equal(err, ERR_OK);
	same = id_eq(got.id, wanted->id);
	authorization_free(&got);
	return same;
}

static void
unused_authorizations(void **state)
{
	struct authorization	a = sample_authorization(id_new(), "a.example"), other = a;
	struct order		o;

	(void)state;
	assert_int_equal(CALL(put_alone, .row = &a), ERR_OK);
	assert_true(finds(&a, false, a.expires - 1));
	assert_false(finds(&a, false, a.expires));
	assert_false(finds(&a, true, 0));
	other.account = id_new();
	assert_false(finds(&other, false, 0));
	other = a;
	strcpy(other.identifier.value, "b.example");
	assert_false(finds(&other, false, 0));
	assert_int_equal(CALL(begin_authorization, a.id), ERR_OK);
	assert_false(finds(&a, false, 0));	/* nobody knows yet what comes of it */
	assert_int_equal(CALL(validate, a.id, .text = "rec", .number = 2000), ERR_OK);
	assert_true(finds(&a, false, 1999));
	assert_false(finds(&a, false, 2000));
	/* Once an order has it, it is used. */
	o = sample_order(a.account, &a.identifier, 1);
	assert_int_equal(CALL(put_order, .row = &o, .ids = &a.id, .count = 1), ERR_OK);
	assert_false(finds(&a, false, 0));
	/* One that was deactivated is no use. */
	a.id = id_new();
	assert_int_equal(CALL(put_alone, .row = &a), ERR_OK);
	assert_true(finds(&a, false, 0));
	assert_int_equal(CALL(deactivate_authorization, a.id), ERR_OK);
	assert_false(finds(&a, false, 0));
}

static void
newest_orders(void **state)
{
	struct authorization	 first, second;
	struct identifier	 names[2];
	struct order		 o = make_order(&first, &second, names), next = o;
	struct storage_tx	*tx;
	struct id		 ids[2];
	size_t			 count;

	(void)state;
	next.id.bytes[0]++;		/* later than any */
	assert_int_equal(CALL(put_order, .row = &next, .ids = &first.id, .count = 1), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(orders_newest(tx, o.account, ids, 2, &count), ERR_OK);
	assert_true(count == 2 && id_eq(ids[0], next.id) && id_eq(ids[1], o.id));
	assert_int_equal(orders_newest(tx, o.account, ids, 1, &count), ERR_OK);
	assert_true(count == 1 && id_eq(ids[0], next.id));
	storage_read_end(tx);
}

static enum err
replaced(const char *certid, int64_t now)
{
	struct storage_tx	*tx;
	enum err		 err;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	err = order_replacing(tx, certid, now);
	storage_read_end(tx);
	return err;
}

static void
replacing_orders(void **state)
{
	struct authorization	 a = sample_authorization(id_new(), "a.example");
	struct order		 o = sample_order(a.account, &a.identifier, 1), got;
	struct storage_tx	*tx;

	(void)state;
	o.replaces = (char *)"AQ.AQ";
	assert_int_equal(CALL(put_authorization, .row = &a), ERR_OK);
	assert_int_equal(replaced("AQ.AQ", 1), ERR_NOT_FOUND);
	assert_int_equal(CALL(put_order, .row = &o, .ids = &a.id, .count = 1), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(order_get(tx, o.id, &got), ERR_OK);
	assert_string_equal(got.replaces, "AQ.AQ");
	order_free(&got);
	storage_read_end(tx);
	assert_int_equal(replaced("AQ.AQ", 1), ERR_OK);
	assert_int_equal(replaced("AQ.Ag", 1), ERR_NOT_FOUND);
	assert_int_equal(replaced("AQ.AQ", o.expires), ERR_NOT_FOUND);	/* invalid by time */
	assert_int_equal(CALL(begin_authorization, a.id), ERR_OK);
	assert_int_equal(replaced("AQ.AQ", 1), ERR_OK);
	assert_int_equal(CALL(invalidate, a.id, .text = "err"), ERR_OK);
	assert_int_equal(replaced("AQ.AQ", 1), ERR_NOT_FOUND);		/* by its authorization */
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
certificate_verbs(void **state)
{
	struct certificate	 c = { .id = id_new(), .not_before = 1, .not_after = 2 }, got;
	struct storage_tx	*tx;
	struct buf		 der = { 0 };

	(void)state;
	c.issuer[0] = 9;
	buf_put(&c.serial, "\0\1", 2);
	buf_put_str(&c.der, "der");
	assert_int_equal(CALL(put_certificate, .row = &c), ERR_OK);
	assert_int_equal(CALL(put_issuer, .row = c.issuer, .text = "issuer"), ERR_OK);
	assert_int_equal(CALL(put_issuer, .row = c.issuer, .text = "issuer"), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(certificate_get(tx, c.id, &got), ERR_OK);
	assert_true(id_is_zero(got.order) && id_is_zero(got.account));
	assert_memory_equal(got.issuer, c.issuer, sizeof(c.issuer));
	assert_true(slice_eq(buf_slice(&got.serial), buf_slice(&c.serial)));
	assert_true(slice_eq(buf_slice(&got.der), buf_slice(&c.der)));
	certificate_free(&got);
	assert_int_equal(issuer_get(tx, c.issuer, &der), ERR_OK);
	assert_true(slice_eq_str(buf_slice(&der), "issuer"));
	c.issuer[0] = 8;
	assert_int_equal(issuer_get(tx, c.issuer, &der), ERR_NOT_FOUND);
	storage_read_end(tx);
	c.id = id_new();
	assert_int_equal(CALL(put_certificate, .row = &c), ERR_EXISTS);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(certificate_get(tx, c.id, &got), ERR_NOT_FOUND);
	storage_read_end(tx);
	buf_free(&der);
	certificate_free(&c);
}

static bool
is_there(struct id order, struct id authorization)
{
	struct storage_tx	*tx;
	struct order		 o;
	struct authorization	 a;
	enum err		 err;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	if ((err = order_get(tx, order, &o)) == ERR_OK)
		order_free(&o);
	assert_int_equal(authorization_get(tx, authorization, &a), err);
	authorization_free(&a);
	storage_read_end(tx);
	return err == ERR_OK;
}

/* Three certificates of two accounts; the second ends first and is revoked. */
static void
make_certificates(const struct id accounts[2], struct order orders[3], struct certificate made_ones[3])
{
	static const char *const names[] = { "a.example", "b.example", "c.example" };
	struct revocation r = { .revoked = 9, .reason = REVOCATION_SUPERSEDED, .serial = { 2 }, .serial_len = 1,
		.certificate = id_new() };
	static struct identifier identifiers[3];

	for (size_t i = 0; i < 3; i++) {
		identifiers[i].type = IDENTIFIER_DNS;
		strcpy(identifiers[i].value, names[i]);
		orders[i] = sample_order(accounts[i == 2], &identifiers[i], 1);
		orders[i].id.bytes[5] = (uint8_t)i;	/* made in one millisecond: their order is told here */
		made_ones[i] = (struct certificate){ .id = orders[i].id, .order = orders[i].id,
			.account = orders[i].account, .not_before = 1, .not_after = i == 1 ? 50 : 100 };
		buf_put_byte(&made_ones[i].serial, (uint8_t)(i + 1));
		buf_put_str(&made_ones[i].der, "der");
		assert_int_equal(CALL(put_order, .row = &orders[i]), ERR_OK);
		assert_int_equal(CALL(put_certificate, .row = &made_ones[i]), ERR_OK);
		assert_int_equal(CALL(begin_finalize, orders[i].id, .text = "jws"), ERR_OK);
		assert_int_equal(CALL(finish_order, orders[i].id, .ids = &made_ones[i].id), ERR_OK);
	}
	assert_int_equal(CALL(put_revocation, .row = &r), ERR_OK);
}

static void
expect_walk(struct certificate_walk walk, const char *serials)
{
	struct storage_tx *tx;
	struct certificate_row rows[2];
	size_t count = 2;
	char found[8] = "";

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	while (count == 2) {
		assert_int_equal(certificates_next(tx, &walk, rows, 2, &count), ERR_OK);
		for (size_t i = 0; i < count; i++)
			sprintf(found + strlen(found), "%c", '0' + rows[i].serial[0]);
		certificate_rows_free(rows, count);
	}
	storage_read_end(tx);
	assert_string_equal(found, serials);
}

static void
certificate_walks(void **state)
{
	struct id accounts[2] = { id_new(), id_new() };
	struct order orders[3];
	struct certificate certificates[3];
	struct certificate_row row;
	struct storage_tx *tx;

	(void)state;
	make_certificates(accounts, orders, certificates);
	expect_walk((struct certificate_walk){ .before = 0 }, "321");
	expect_walk((struct certificate_walk){ .account = accounts[0] }, "21");
	expect_walk((struct certificate_walk){ .account = accounts[1] }, "3");
	expect_walk((struct certificate_walk){ .before = 101 }, "213");
	expect_walk((struct certificate_walk){ .before = 100 }, "2");
	expect_walk((struct certificate_walk){ .before = 50 }, "");
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(certificate_row_get(tx, slice_of("\2", 1), &row), ERR_OK);
	assert_int_equal(row.revoked, 9);
	assert_int_equal(row.reason, REVOCATION_SUPERSEDED);
	assert_int_equal(row.identifier_count, 1);
	assert_string_equal(row.identifiers[0].value, "b.example");
	assert_string_equal(row.profile, "default");
	certificate_rows_free(&row, 1);
	assert_int_equal(certificate_row_get(tx, slice_of("\7", 1), &row), ERR_NOT_FOUND);
	storage_read_end(tx);
	for (size_t i = 0; i < 3; i++)
		certificate_free(&certificates[i]);
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

static void
expiry(void **state)
{
	struct authorization	first, second;
	struct identifier	names[2];
	struct order		live = make_order(&first, &second, names), dead;
	struct id		kept = first.id;
	struct certificate	c = { .id = id_new(), .order = live.id, .not_after = 5000 };
	struct call		e = { .verb = expire, .number = 1001, .count = 10 };

	(void)state;
	buf_put_str(&c.serial, "s");
	buf_put_str(&c.der, "der");
	assert_int_equal(CALL(begin_finalize, live.id, .text = "jws"), ERR_OK);
	assert_int_equal(CALL(put_certificate, .row = &c), ERR_OK);
	assert_int_equal(CALL(finish_order, live.id, .ids = &c.id), ERR_OK);
	dead = make_order(&first, &second, names);
	e.number = 1000;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 0);
	e.number = 1001;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 3);		/* an order and its two authorizations */
	assert_false(is_there(dead.id, first.id));
	assert_true(is_there(live.id, kept));
	e.number = 5001;
	e.count = 1;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 3);		/* an order, one authorization, a certificate */
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 1);
	assert_false(is_there(live.id, kept));
	/* An authorization outlives its order as long as it is good. */
	dead = make_order(&first, &second, names);
	assert_int_equal(CALL(begin_authorization, first.id), ERR_OK);
	assert_int_equal(CALL(validate, first.id, .number = 9000), ERR_OK);
	e.count = 10;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 2);
	e.number = 9001;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 1);
	certificate_free(&c);
}

/* What is in processing is driven to its end, however late: ca may have signed for it already. */
static void
expiry_spares_processing(void **state)
{
	struct authorization	first, second;
	struct identifier	names[2];
	struct order		order = make_order(&first, &second, names);
	struct call		e = { .verb = expire, .number = 1001, .count = 10 };

	(void)state;
	assert_int_equal(CALL(begin_finalize, order.id, .text = "jws"), ERR_OK);
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 0);
	assert_int_equal(CALL(fail_order, order.id, .text = "{}"), ERR_OK);
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 3);
}

static void
snapshot(void **state)
{
	struct account		 a = sample_account('c'), b = sample_account('d'), got;
	struct storage_tx	*old, *new;

	(void)state;
	assert_int_equal(CALL(put_account, .row = &a), ERR_OK);
	assert_int_equal(storage_read(storage, &old), ERR_OK);
	assert_int_equal(account_get(old, a.id, &got), ERR_OK);
	account_free(&got);
	assert_int_equal(CALL(put_account, .row = &b), ERR_OK);
	assert_int_equal(CALL(put_contact, a.id, .text = "[1]"), ERR_OK);
	assert_int_equal(account_get(old, b.id, &got), ERR_NOT_FOUND);
	assert_int_equal(account_get(old, a.id, &got), ERR_OK);
	assert_string_equal(got.contact, "[]");
	account_free(&got);
	assert_int_equal(storage_read(storage, &new), ERR_OK);
	assert_int_equal(account_get(new, b.id, &got), ERR_OK);
	account_free(&got);
	storage_read_end(new);
	storage_read_end(old);
}

/* Runs SQL in a database of dir, made when missing. */
static void
sql(const char *name, const char *text)
{
	char	 path[64];
	sqlite3	*db;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
refusals(void **state)
{
	struct reason	reason = { "" };
	struct storage	*s;
	struct stat	st;
	char		path[64];
	int		have, know;

	(void)state;
	assert_int_equal(storage_version("sqlite:none.db", dir, &have, &know, &reason), ERR_OK);
	assert_true(have == 0 && know >= 1);
	assert_int_equal(storage_open("sqlite:a.db", dir, 1, &s, &reason), ERR_OK);
	assert_int_equal(storage_version("sqlite:a.db", dir, &have, &know, &reason), ERR_OK);
	assert_int_equal(have, know);
	storage_close(s);
	snprintf(path, sizeof(path), "%s/a.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	sql("a.db", "PRAGMA user_version = 99");
	assert_int_equal(storage_open("sqlite:a.db", dir, 1, &s, &reason), ERR_CONFIG);
	assert_non_null(strstr(reason.text, "was written by a newer signet (schema 99; "));
	sql("foreign.db", "PRAGMA application_id = 77; CREATE TABLE t (a)");
	assert_int_equal(storage_open("sqlite:foreign.db", dir, 1, &s, &reason), ERR_CONFIG);
	assert_non_null(strstr(reason.text, "another program"));
	sql("unmarked.db", "CREATE TABLE t (a)");
	assert_int_equal(storage_open("sqlite:unmarked.db", dir, 1, &s, &reason), ERR_CONFIG);
	assert_int_equal(storage_open("sqlite:no/such.db", dir, 1, &s, &reason), ERR_CONFIG);
	assert_int_equal(storage_open("mysql:x", dir, 1, &s, &reason), ERR_CONFIG);
	assert_int_equal(storage_open("sqlite:", dir, 1, &s, &reason), ERR_CONFIG);
	storage_close(NULL);
}

/* No statement may read a whole table. */
static void
statements_use_indexes(void **state)
{
	sqlite3		*db;
	sqlite3_stmt	*plan;
	char		 path[64], text[2048];

	(void)state;
	snprintf(path, sizeof(path), "%s/%u.db", dir, made);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (int i = 0; i < STATEMENT_WHOLE_TABLES; i++) {
		snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", statements[i].sql);
		assert_int_equal(sqlite3_prepare_v2(db, text, -1, &plan, NULL), SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *line = (const char *)sqlite3_column_text(plan, 3);

			if ((strncmp(line, "SCAN", 4) == 0 && strstr(line, "USING") == NULL) ||
			    strstr(line, "TEMP B-TREE") != NULL)
				fail_msg("%s: %s", statements[i].name, line);
		}
		sqlite3_finalize(plan);
	}
	sqlite3_close(db);
}

static int
cleanup(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(account_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(key_change_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(revocation_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(crl_number_and_blocked_key_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(held_authorizations, setup, teardown),
		cmocka_unit_test_setup_teardown(authorization_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(order_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(auto_renewal_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(auto_renewal_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(orders_list, setup, teardown),
		cmocka_unit_test_setup_teardown(unused_authorizations, setup, teardown),
		cmocka_unit_test_setup_teardown(newest_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(replacing_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(account_deactivation, setup, teardown),
		cmocka_unit_test_setup_teardown(certificate_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(certificate_walks, setup, teardown),
		cmocka_unit_test_setup_teardown(account_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(account_bounds_verbs, setup, teardown), cmocka_unit_test_setup_teardown(external_key_verbs, setup, teardown),
		cmocka_unit_test_setup_teardown(expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(expiry_spares_processing, setup, teardown),
		cmocka_unit_test_setup_teardown(snapshot, setup, teardown),
		cmocka_unit_test(refusals),
		cmocka_unit_test_setup_teardown(statements_use_indexes, setup, teardown),
	};

	if (mkdtemp(dir) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, cleanup);
}
