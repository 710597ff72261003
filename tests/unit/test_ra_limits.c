/* Rate limits over simulated weeks: storage and the rules of ra, with the time as the test says it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ra/limits.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define START (INT64_C(1800000000) * SECOND)

static char dir[] = "/tmp/test_ra_limits.XXXXXX";
static unsigned made;
static struct storage *storage;
static struct limits *limits;

/* Let's Encrypt's figures, as preset webpki has them. */
static int
setup(void **state)
{
	struct limits_config config = { (char *)"10/3h", (char *)"500/3h", (char *)"300/3h", (char *)"50/7d",
		(char *)"5/7d", (char *)"5/1h", 3 };
	struct reason reason = { "" };
	char url[32];

	(void)state;
	snprintf(url, sizeof(url), "sqlite:%u.db", ++made);
	assert_int_equal(storage_open(url, dir, 2, &storage, &reason), ERR_OK);
	assert_int_equal(storage_start(storage), ERR_OK);
	assert_non_null(limits = limits_new(&config));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	limits_free(limits);
	storage_close(storage);
	return 0;
}

struct taking {
	struct charges *charges;
	int64_t now;
	enum err (*verb)(struct storage_tx *, struct bucket *, size_t, int64_t);
};

static enum err
write_taking(struct storage_tx *tx, void *arg)
{
	struct taking *taking = arg;

	return taking->verb(tx, taking->charges->buckets, taking->charges->count, taking->now);
}

static enum err
run(struct charges *charges, int64_t now, enum err (*verb)(struct storage_tx *, struct bucket *, size_t, int64_t))
{
	struct taking taking = { charges, now, verb };

	return storage_write(storage, write_taking, &taking);
}

static enum err
take(struct charges *charges, int64_t now)
{
	return run(charges, now, buckets_take);
}

static struct order
order_of(struct id account, struct identifier *names, const char *const *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(identifier_check(strchr(values[i], ':') != NULL || strspn(values[i], "0123456789.") ==
			strlen(values[i]) ? IDENTIFIER_IP : IDENTIFIER_DNS, values[i], &names[i], NULL), ERR_OK);
	return (struct order){ .id = id_new(), .account = account, .identifiers = names, .identifier_count = count };
}

/* As finalize does. */
static enum err
certificate(struct id account, const char *name, int64_t now, bool renewal, int64_t *until)
{
	struct identifier names[1];
	struct order order = order_of(account, names, &name, 1);
	struct charges charges = { .count = 0 };
	enum err err;

	charges_certificate(limits, &order, charges_of(&order, renewal), false, &charges);
	err = take(&charges, now);
	*until = 0;
	for (size_t i = 0; i < charges.count; i++)
		if (charges.buckets[i].until > *until)
			*until = charges.buckets[i].until;
	charges_free(&charges);
	return err;
}

/* --- one bucket ------------------------------------------------------------------------------------ */

/* So many at once; then one each step, to the millisecond; and what is refused takes nothing, however often. */
static void
test_retry_after_is_exact(void **state)
{
	struct charges charges = { .count = 0 };
	const int64_t step = 3 * HOUR / 10;

	(void)state;
	charges_account(limits, "192.0.2.7", &charges);
	assert_int_equal(charges.count, 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(take(&charges, START), ERR_OK);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(take(&charges, START + i), ERR_BUSY);
	assert_true(charges.buckets[0].until == START + step);
	assert_int_equal(take(&charges, START + step - 1), ERR_BUSY);
	assert_int_equal(take(&charges, START + step), ERR_OK);
	assert_int_equal(take(&charges, START + step), ERR_BUSY);
	assert_true(charges.buckets[0].until == START + 2 * step);
	/* three hours without a request: full again, and no fuller */
	for (int i = 0; i < 10; i++)
		assert_int_equal(take(&charges, START + DAY), ERR_OK);
	assert_int_equal(take(&charges, START + DAY), ERR_BUSY);
	charges_free(&charges);
}

/* A rate that doesn't divide: 7 in a second. */
static void
test_uneven_rates(void **state)
{
	struct bucket bucket = { .name = "x", .count = 7, .period = 1 };
	struct charges charges = { .buckets = &bucket, .count = 1 };
	int granted = 0;

	(void)state;
	for (int64_t t = 0; t < 60 * SECOND; t++)
		granted += take(&charges, START + t) == ERR_OK;
	/* 7 at once, and 7 each second after: never more, and not one less */
	assert_true(granted >= 7 + 7 * 59 && granted <= 7 + 7 * 60);
}

/* An address has its own, and all of a /48 one together; the two are taken both or none. */
static void
test_networks(void **state)
{
	struct charges one = { .count = 0 }, other = { .count = 0 };
	int granted = 0;

	(void)state;
	charges_account(limits, "2001:db8:1::1", &one);
	charges_account(limits, "2001:db8:1:2::1", &other);
	assert_int_equal(one.count, 2);
	assert_string_equal(one.buckets[1].name, "accounts_per_network:2001:db8:1::/48");
	assert_string_equal(other.buckets[1].name, "accounts_per_network:2001:db8:1::/48");
	for (int i = 0; i < 10; i++)
		assert_int_equal(take(&one, START), ERR_OK);
	assert_int_equal(take(&one, START), ERR_BUSY);
	assert_true(one.buckets[0].until != 0 && one.buckets[1].until == 0);
	assert_int_equal(take(&other, START), ERR_OK);
	charges_free(&one);
	charges_free(&other);
	for (int host = 0; host < 1000; host++) {
		char address[64];

		snprintf(address, sizeof(address), "2001:db8:1:3::%x", host + 1);
		charges_account(limits, address, &one);
		granted += take(&one, START) == ERR_OK;
		charges_free(&one);
	}
	assert_int_equal(granted, 500 - 11);
}

/* --- weeks ----------------------------------------------------------------------------------------- */

/* 50 accounts, each of which asks every hour for four weeks, for a name of its own below one domain: what they get
 * together is 50, and one each 12,096 seconds. */
static void
test_four_weeks_of_a_domain(void **state)
{
	struct id accounts[50];
	int64_t until, granted = 0, last = 0, refused_until = 0;
	char name[64];

	(void)state;
	for (int i = 0; i < 50; i++)
		accounts[i] = id_new();
	for (int64_t t = 0; t < 28 * DAY; t += HOUR)
		for (int i = 0; i < 50; i++) {
			int64_t now = START + t + i;

			/* Never the same set twice: that limit is another test's. */
			snprintf(name, sizeof(name), "h%lld-%d.example.org", (long long)(t / HOUR), i);
			if (certificate(accounts[i], name, now, false, &until) == ERR_OK) {
				assert_true(now >= refused_until);
				granted++;
				last = now - START;
			} else {
				assert_true(until > now && until <= now + 12096 * SECOND);
				refused_until = until;
			}
		}
	assert_int_equal(granted, 50 + last / (12096 * SECOND));
	assert_true(last > 27 * DAY);
}

/* Two names of one registered domain count once; of each domain its own; a public suffix of the private part counts as
 * one; addresses and networks for themselves. */
static void
test_domains(void **state)
{
	static const struct {
		const char *name, *domain;
	} rows[] = {
		{ "a.b.example.org", "example.org" }, { "example.org", "example.org" },
		{ "*.example.co.uk", "example.co.uk" }, { "a.example.co.uk", "example.co.uk" },
		{ "nas.lan", "nas.lan" }, { "a.nas.lan", "nas.lan" }, { "lan", "lan" },
		{ "me.github.io", "me.github.io" }, { "github.io", "github.io" },
		{ "192.0.2.7", "192.0.2.7" }, { "2001:db8:1:2:3::4", "2001:db8:1:2::/64" },
	};
	struct identifier names[4];
	static const char *const several[] = { "a.example.org", "b.example.org", "*.example.org", "example.net" };
	struct order order;
	struct charges charges = { .count = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char domain[LIMIT_SUBJECT_SIZE];

		order_of(id_new(), names, &rows[i].name, 1);
		limits_domain(&names[0], domain);
		assert_string_equal(domain, rows[i].domain);
	}
	order = order_of(id_new(), names, several, 4);
	charges_certificate(limits, &order, CHARGED_DOMAINS, false, &charges);
	assert_int_equal(charges.count, 2);
	charges_free(&charges);
}

/* A year of a well-behaved client with 60 names of one domain, each renewed every 60 days: other names take the domain's
 * certificates, and still no renewal is ever refused; the same within a week is, when it isn't by ARI. */
static void
test_renewals(void **state)
{
	struct id account = id_new();
	int64_t until;
	char name[64];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%d.example.org", i);
		assert_int_equal(certificate(account, name, START, false, &until), ERR_OK);
	}
	assert_int_equal(certificate(account, "50.example.org", START, false, &until), ERR_BUSY);
	for (int64_t t = 60 * DAY; t < 365 * DAY; t += 60 * DAY)
		for (int i = 0; i < 50; i++) {
			/* strangers use up the domain first */
			snprintf(name, sizeof(name), "s%lld-%d.example.org", (long long)(t / DAY), i);
			assert_int_equal(certificate(id_new(), name, START + t, false, &until), ERR_OK);
		}
	for (int64_t t = 60 * DAY; t < 365 * DAY; t += 60 * DAY)
		for (int i = 0; i < 50; i++) {
			snprintf(name, sizeof(name), "%d.example.org", i);
			assert_int_equal(certificate(account, name, START + 400 * DAY + t, true, &until), ERR_OK);
		}
	/* exactly the same names: five, then one each 1.4 days */
	for (int i = 0; i < 5; i++)
		assert_int_equal(certificate(account, "same.example.net", START, true, &until), ERR_OK);
	assert_int_equal(certificate(account, "same.example.net", START, true, &until), ERR_BUSY);
	assert_true(until == START + 7 * DAY / 5);
}

/* RFC 9773: what says which certificate it replaces takes nothing of the limits on orders and certificates; failures
 * count for it too. */
static void
test_replacing_is_free(void **state)
{
	static const char *const value = "a.example.org";
	struct identifier names[1];
	struct order order = order_of(id_new(), names, &value, 1);
	struct charges charges = { .count = 0 };

	(void)state;
	order.replaces = (char *)"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
	assert_int_equal(charges_of(&order, false), 0);
	charges_order(limits, &order, false, &charges);
	assert_int_equal(charges.count, 1);
	assert_int_equal(charges.notes[0].limit, LIMIT_FAILURES);
	charges_free(&charges);
	order.replaces = NULL;
	charges_order(limits, &order, true, &charges);	/* a renewal without it: the set, and failures */
	assert_int_equal(charges.count, 2);
	assert_int_equal(charges.notes[0].limit, LIMIT_CERTIFICATES_PER_SET);
	charges_free(&charges);
	charges_order(limits, &order, false, &charges);
	assert_int_equal(charges.count, 4);
	charges_free(&charges);
}

/* All or none: an order that one limit refuses takes nothing of the others, and only looks at certificates. */
static void
test_nothing_is_spent_by_what_is_refused(void **state)
{
	static const char *const value = "a.example.org";
	struct identifier names[1];
	struct order order = order_of(id_new(), names, &value, 1);
	struct charges charges = { .count = 0 }, all = { .count = 0 };
	int64_t until;

	(void)state;
	charges_order(limits, &order, false, &all);
	for (int i = 0; i < 250; i++)
		assert_int_equal(take(&all, START), ERR_OK);		/* 250 of 300 orders, no certificate */
	for (int i = 0; i < 5; i++)
		assert_int_equal(certificate(order.account, value, START, false, &until), ERR_OK);
	for (int i = 0; i < 100; i++)
		assert_int_equal(take(&all, START), ERR_BUSY);		/* the set is used up */
	order.identifiers = &(struct identifier){ .type = IDENTIFIER_DNS, .value = "b.example.org" };
	charges_order(limits, &order, false, &charges);
	for (int i = 0; i < 50; i++)
		assert_int_equal(take(&charges, START), ERR_OK);	/* so there are 50 orders left, not one less */
	assert_int_equal(take(&charges, START), ERR_BUSY);
	assert_true(charges.buckets[0].until == START + 36 * SECOND);
	charges_free(&charges);
	charges_free(&all);
}

/* Given back, a certificate can be had again at once. */
static void
test_given_back(void **state)
{
	static const char *const value = "a.example.org";
	struct identifier names[1];
	struct order order = order_of(id_new(), names, &value, 1);
	struct charges charges = { .count = 0 };

	(void)state;
	charges_certificate(limits, &order, CHARGED_SET | CHARGED_DOMAINS, false, &charges);
	for (int i = 0; i < 5; i++)
		assert_int_equal(take(&charges, START), ERR_OK);
	assert_int_equal(take(&charges, START), ERR_BUSY);
	assert_int_equal(run(&charges, START, buckets_give_back), ERR_OK);
	assert_int_equal(take(&charges, START), ERR_OK);
	assert_int_equal(take(&charges, START), ERR_BUSY);
	/* to what is full nothing is added */
	for (int i = 0; i < 100; i++)
		assert_int_equal(run(&charges, START + 30 * DAY, buckets_give_back), ERR_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(take(&charges, START + 30 * DAY), ERR_OK);
	assert_int_equal(take(&charges, START + 30 * DAY), ERR_BUSY);
	charges_free(&charges);
}

/* --- failures and pauses --------------------------------------------------------------------------- */

struct failing {
	struct id authorization;
	int64_t now;
	bool ok, paused;
};

static enum err
write_failing(struct storage_tx *tx, void *arg)
{
	struct failing *f = arg;

	if (f->ok)
		return limits_validated(tx, limits, f->authorization);
	return limits_failed(tx, limits, f->authorization, f->now, &f->paused);
}

static enum err
insert_authorization(struct storage_tx *tx, void *arg)
{
	return authorization_insert(tx, arg);
}

static bool
outcome(struct id authorization, int64_t now, bool ok)
{
	struct failing f = { .authorization = authorization, .now = now, .ok = ok };

	assert_int_equal(storage_write(storage, write_failing, &f), ERR_OK);
	return f.paused;
}

static struct authorization
authorization_of(struct id account, const char *name)
{
	struct authorization a = { .id = id_new(), .account = account, .state = AUTHORIZATION_INVALID, .expires = 1000 };

	a.identifier.type = IDENTIFIER_DNS;
	strcpy(a.identifier.value, name);
	memset(a.token, 't', sizeof(a.token) - 1);
	assert_int_equal(storage_write(storage, insert_authorization, &a), ERR_OK);
	return a;
}

static bool
is_paused(struct id account, const struct identifier *identifier)
{
	struct storage_tx *tx;
	struct pause pause;
	enum err err;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	err = pause_get(tx, account, identifier, &pause);
	storage_read_end(tx);
	return err == ERR_OK && pause.paused != 0;
}

/* Five an hour, of one account and one name; other accounts and other names don't feel it. */
static void
test_failures(void **state)
{
	struct id account = id_new();
	struct authorization a = authorization_of(account, "a.example.org");
	struct charges own = { .count = 0 }, stranger = { .count = 0 }, other = { .count = 0 };
	struct identifier wild = { .type = IDENTIFIER_DNS, .value = "*.a.example.org" };
	struct identifier name = { .type = IDENTIFIER_DNS, .value = "b.example.org" };

	(void)state;
	charges_failure(limits, account, &wild, true, &own);	/* the wildcard is proved where the name is */
	charges_failure(limits, id_new(), &a.identifier, true, &stranger);
	charges_failure(limits, account, &name, true, &other);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(take(&own, START), ERR_OK);
		outcome(a.id, START, false);
	}
	assert_int_equal(take(&own, START), ERR_BUSY);
	assert_int_equal(take(&stranger, START), ERR_OK);
	assert_int_equal(take(&other, START), ERR_OK);
	/* what fails beyond that (it was under way) doesn't lengthen the wait */
	for (int i = 0; i < 100; i++)
		outcome(a.id, START, false);
	assert_int_equal(take(&own, START), ERR_BUSY);
	assert_true(own.buckets[0].until == START + HOUR / 5);
	assert_int_equal(take(&own, START + HOUR / 5), ERR_OK);
	charges_free(&own);
	charges_free(&stranger);
	charges_free(&other);
}

/* Three one after the other here; a success between begins anew; the pause ends by command alone. */
static void
test_pauses(void **state)
{
	struct id account = id_new();
	struct authorization a = authorization_of(account, "a.example.org"), b = authorization_of(account, "b.example.org");

	(void)state;
	assert_false(outcome(a.id, START, false));
	assert_false(outcome(a.id, START + DAY, false));
	outcome(a.id, START + DAY, true);
	assert_false(outcome(a.id, START + 2 * DAY, false));
	assert_false(outcome(a.id, START + 3 * DAY, false));
	assert_false(is_paused(account, &a.identifier));
	assert_true(outcome(a.id, START + 4 * DAY, false));
	assert_true(is_paused(account, &a.identifier));
	assert_false(outcome(a.id, START + 5 * DAY, false));	/* it was already */
	assert_true(is_paused(account, &a.identifier));
	assert_false(is_paused(account, &b.identifier));
	assert_false(is_paused(id_new(), &a.identifier));
}

/* --- overrides ------------------------------------------------------------------------------------- */

static enum err
put_override(struct storage_tx *tx, void *arg)
{
	return limit_override_put(tx, arg);
}

static void
override(const char *limit, const char *subject, int64_t count, int64_t period)
{
	struct limit_override o = { .count = count, .period = period };

	strcpy(o.limit, limit);
	strcpy(o.subject, subject);
	assert_int_equal(storage_write(storage, put_override, &o), ERR_OK);
	assert_int_equal(limits_load(limits, storage), ERR_OK);
}

/* A domain with more; an account with none, one with a bucket of its own; an account that may not even have what the
 * others may. */
static void
test_overrides(void **state)
{
	struct id rich = id_new(), own = id_new(), plain = id_new();
	char text[ID_TEXT_SIZE], name[64];
	int64_t until, granted = 0;

	(void)state;
	override("certificates_per_domain", "big.example", 120, 7 * 86400);
	id_text(rich, text);
	override("certificates_per_domain", text, 0, 0);
	id_text(own, text);
	override("certificates_per_domain", text, 2, 7 * 86400);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%d.big.example", i);
		granted += certificate(plain, name, START, false, &until) == ERR_OK;
	}
	assert_int_equal(granted, 120);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "r%d.big.example", i);
		assert_int_equal(certificate(rich, name, START, false, &until), ERR_OK);
	}
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "o%d.big.example", i);
		assert_int_equal(certificate(own, name, START, false, &until), i < 2 ? ERR_OK : ERR_BUSY);
	}
}

/* --- names of buckets, housekeeping ---------------------------------------------------------------- */

static void
test_bucket_names(void **state)
{
	struct id account = id_new(), got;
	char name[BUCKET_NAME_SIZE], again[BUCKET_NAME_SIZE], text[ID_TEXT_SIZE], subject_text[400];
	const char *subject;
	enum limit limit;

	(void)state;
	id_text(account, text);
	assert_true(limits_bucket_name(LIMIT_CERTIFICATES_PER_SET, NULL, "b.lan,a.lan,10.0.0.1", name));
	assert_true(limits_bucket_name(LIMIT_CERTIFICATES_PER_SET, NULL, "10.0.0.1,a.lan,b.lan", again));
	assert_string_equal(name, again);
	assert_false(limits_bucket_name(LIMIT_CERTIFICATES_PER_SET, NULL, "a..lan", name));
	assert_true(limits_bucket_name(LIMIT_CERTIFICATES_PER_DOMAIN, &account, "example.org", name));
	assert_true(limits_bucket_read(name, &limit, &got, &subject));
	assert_int_equal(limit, LIMIT_CERTIFICATES_PER_DOMAIN);
	assert_true(id_eq(got, account));
	assert_string_equal(subject, "example.org");
	snprintf(subject_text, sizeof(subject_text), "%s/nas.lan", text);
	assert_true(limits_bucket_name(LIMIT_FAILURES, NULL, subject_text, name));
	assert_true(limits_bucket_read(name, &limit, &got, &subject));
	assert_true(id_eq(got, account));
	assert_string_equal(subject, subject_text);
	assert_true(limits_bucket_read("accounts_per_network:2001:db8::/48", &limit, &got, &subject));
	assert_string_equal(subject, "2001:db8::/48");
	assert_true(id_is_zero(got));
	assert_false(limits_bucket_read("nonsense:x", &limit, &got, &subject));
	assert_false(limits_bucket_read("nonsense", &limit, &got, &subject));
	memset(subject_text, 'a', sizeof(subject_text) - 1);
	subject_text[sizeof(subject_text) - 1] = '\0';
	assert_false(limits_bucket_name(LIMIT_CERTIFICATES_PER_DOMAIN, NULL, subject_text, name));
}

struct expiry {
	int64_t now;
	unsigned deleted;
};

static enum err
expire(struct storage_tx *tx, void *arg)
{
	struct expiry *e = arg;

	return limits_expire(tx, e->now, e->now / SECOND - 30 * 86400, 1000, &e->deleted);
}

/* What is full again goes, and nothing else; failures without a pause after a month, pauses never. */
static void
test_housekeeping(void **state)
{
	struct id account = id_new();
	struct authorization a = authorization_of(account, "a.example.org"), b = authorization_of(account, "b.example.org");
	struct expiry e = { .now = START + HOUR / 5 - 1 };
	int64_t until;

	(void)state;
	outcome(a.id, START, false);
	for (int i = 0; i < 3; i++)
		outcome(b.id, START, false);
	assert_int_equal(certificate(account, "c.example.org", START, false, &until), ERR_OK);
	assert_int_equal(storage_write(storage, expire, &e), ERR_OK);
	assert_int_equal(e.deleted, 0);
	e.now = START + 3 * HOUR / 5 + 1;	/* one failure and three are forgotten */
	assert_int_equal(storage_write(storage, expire, &e), ERR_OK);
	assert_int_equal(e.deleted, 2);
	e.now = START + 31 * DAY;		/* the domain, the set, the failures of a */
	assert_int_equal(storage_write(storage, expire, &e), ERR_OK);
	assert_int_equal(e.deleted, 3);
	assert_true(is_paused(account, &b.identifier));
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
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
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_retry_after_is_exact), T(test_uneven_rates), T(test_networks),
		T(test_four_weeks_of_a_domain), T(test_domains), T(test_renewals), T(test_replacing_is_free),
		T(test_nothing_is_spent_by_what_is_refused), T(test_given_back), T(test_failures), T(test_pauses), T(test_overrides),
		T(test_bucket_names), T(test_housekeeping) };

	return cmocka_run_group_tests(tests, make_folder, cleanup);
}
