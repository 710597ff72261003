/* Orders: each state and the ways between, auto-renewal (RFC 8739), and the lists of them. */
#include "tests/unit/storage_world.h"

VERB(reopen, order_reopen(tx, c->id, c->text))
VERB(put_star, star_insert(tx, c->id, slice_str("{new}"), c->text))
VERB(begin_star, star_begin(tx, c->id, c->text, slice_str("changes"), (uint32_t)c->number))
VERB(ask_star, star_ask(tx, c->id, (uint32_t)c->count, c->number))
VERB(issue_star, star_issued(tx, c->id, (uint32_t)c->count, c->number))
VERB(renew_order, order_set_renewed(tx, c->id, *c->ids, c->number))
VERB(not_renew_order, order_set_not_renewed(tx, c->id, c->text))
VERB(cancel_order, order_cancel(tx, c->id, c->number))
VERB(cancel_orders, account_cancel_orders(tx, c->id, c->number))

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(order_verbs),
		T(auto_renewal_orders),
		T(auto_renewal_ends),
		T(orders_list),
		T(newest_orders),
		T(replacing_orders),
	};

	return cmocka_run_group_tests_name("storage: orders", tests, dir_make, dir_remove);
}
