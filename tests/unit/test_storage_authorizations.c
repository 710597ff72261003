/* Authorizations: each state and the ways between, and who holds or may use which. */
#include "tests/unit/storage_world.h"

VERB(put_alone, authorization_insert_alone(tx, c->row))
VERB(retry, authorization_set_retrying(tx, c->id, "try", c->text, c->number))
VERB(set_votes, authorization_set_votes(tx, c->id, c->text))
VERB(renew_caa, authorization_set_caa(tx, c->id, slice_str(c->text), c->number))

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(held_authorizations),
		T(authorization_verbs),
		T(unused_authorizations),
	};

	return cmocka_run_group_tests_name("storage: authorizations", tests, dir_make, dir_remove);
}
