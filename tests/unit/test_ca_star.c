/* Auto-renewal orders (RFC 8739) before ca: what an honest ra asks for is signed, each certificate once; and a captured ra
 * gets no longer lifetime, no later end, no other name and no other key out of what a subscriber once signed. */
#include "ca/star.h"
#include "tests/unit/ca_world.h"

#define DAY 86400
#define NAMES "[{\"type\":\"dns\",\"value\":\"A.test\"}]"

/* What an honest one has where nothing is said. */
struct bend {
	int64_t made, end, lifetime, adjust, start; /* made, end and start: from now on; adjust: -1 for none */
	uint32_t number;
	const char *names, *url, *kid, *profile, *renewal; /* of newOrder */
	EVP_PKEY *signer;
	bool plain_url; /* the finalize request is an ordinary order's */
};

struct star_ask {
	struct ask ask;
	struct buf new_order;
	struct jwk *new_order_jwk;
	struct id order;
};

static void
new_order_make(struct world *w, const struct bend *bend, struct buf *out)
{
	char end[CLOCK_RFC3339_SIZE], start[CLOCK_RFC3339_SIZE];
	struct buf header = { 0 }, payload = { 0 };

	clock_rfc3339(clock_now() + (bend->end != 0 ? bend->end : 10 * DAY), end);
	clock_rfc3339(clock_now() + bend->start, start);
	buf_printf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"nonce\":\"YWJjZGVmZ2hpamtsbW5vcA\",\"url\":\"%s\"}",
	    bend->kid != NULL ? bend->kid : KID, bend->url != NULL ? bend->url : BASE "/new-order");
	buf_printf(&payload, "{\"identifiers\":%s,", bend->names != NULL ? bend->names : NAMES);
	if (bend->profile != NULL)
		buf_printf(&payload, "\"profile\":\"%s\",", bend->profile);
	buf_put_str(&payload, "\"auto-renewal\":");
	if (bend->renewal != NULL)
		buf_put_str(&payload, bend->renewal);
	else {
		buf_printf(&payload, "{\"end-date\":\"%s\",\"lifetime\":%lld", end,
		    (long long)(bend->lifetime != 0 ? bend->lifetime : 4 * DAY));
		if (bend->start != 0)
			buf_printf(&payload, ",\"start-date\":\"%s\"", start);
		if (bend->adjust != 0)
			buf_printf(&payload, ",\"lifetime-adjust\":%lld", (long long)bend->adjust);
		buf_put_str(&payload, "}");
	}
	buf_put_str(&payload, "}");
	jws_sign(bend->signer != NULL ? bend->signer : w->account, buf_slice(&header), buf_slice(&payload), out);
	buf_free(&header);
	buf_free(&payload);
}

/* The finalize request, for whatever order and CSR the ISSUE has. */
static void
finalize_sign(struct ask *ask, enum route route)
{
	struct buf header = { 0 }, payload = { 0 };

	buf_printf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"nonce\":\"YWJjZGVmZ2hpamtsbW5vcA\",\"url\":\"", KID);
	route_url(&header, &(struct site){ &surface_native, BASE }, route, &ask->issue.order, NULL);
	buf_put_str(&header, "\"}");
	buf_put_str(&payload, "{\"csr\":\"");
	base64url_put(&payload, ask->csr.data, ask->csr.len);
	buf_put_str(&payload, "\"}");
	jws_sign(ask->w->account, buf_slice(&header), buf_slice(&payload), &ask->jws);
	ask->issue.jws = buf_slice(&ask->jws);
	buf_free(&header);
	buf_free(&payload);
}

/* An ISSUE for a certificate of an order that was made and proven at that time. */
static void
star_open(struct star_ask *s, struct world *w, struct bend bend)
{
	struct ask *ask = &s->ask;

	memset(s, 0, sizeof(*s));
	ask_open(ask, w);
	new_order_make(w, &bend, &s->new_order);
	s->new_order_jwk = jwk_of(bend.signer != NULL ? bend.signer : w->account);
	s->order = auto_renewal_order(buf_slice(&s->new_order), (clock_now() + bend.made) * 1000);
	ask->issue.order = s->order;
	ask->issue.number = bend.number != 0 ? bend.number : 1;
	ask->issue.new_order = buf_slice(&s->new_order);
	ask->issue.new_order_jwk = slice_str(s->new_order_jwk->text);
	finalize_sign(ask, bend.plain_url ? ROUTE_FINALIZE : ROUTE_FINALIZE_STAR);
	ask->issue.evidence_count = 0;
	statement_add(ask, "a.test", w->jwk->thumbprint, clock_now() + bend.made, w->evidence_key);
}

static void
star_close(struct star_ask *s)
{
	ask_close(&s->ask);
	buf_free(&s->new_order);
	jwk_free(s->new_order_jwk);
}

static void
star_refused(struct star_ask *s, enum problem_type type, const char *word)
{
	expect_refused(&s->ask, type, word);
	memset(&s->ask, 0, sizeof(s->ask));
	star_close(s);
}

static void
refused_when(struct world *w, struct bend bend, enum problem_type type, const char *word)
{
	struct star_ask s;

	star_open(&s, w, bend);
	star_refused(&s, type, word);
}

static int
star_world(void **state)
{
	struct world *w;

	world_open(state);
	w = *state;
	w->config.ca.auto_renewal = (struct auto_renewal_limits){ 3600, 100 * DAY, true };
	w->config.ca.revocations_kept = true;
	world_reopen(w);
	return 0;
}

/* Seconds since 1970. */
static void
dates_of(const struct buf *der, int64_t *begin, int64_t *end)
{
	const uint8_t *p = der->data;
	X509 *cert = d2i_X509(NULL, &p, (long)der->len);
	struct tm tm;

	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(cert), &tm), 1);
	*begin = timegm(&tm);
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm), 1);
	*end = timegm(&tm);
	X509_free(cert);
}

static void
expect_dates(struct world *w, struct bend bend, int64_t begin, int64_t end)
{
	int64_t now = clock_now(), got_begin, got_end;
	struct star_ask s;
	struct buf der;

	star_open(&s, w, bend);
	der = expect_issued(&s.ask);
	dates_of(&der, &got_begin, &got_end);
	assert_in_range(got_begin - (now + begin) + 2, 0, 4);
	assert_in_range(got_end - (now + end) + 2, 0, 4);
	buf_free(&der);
	star_close(&s);
}

/* RFC 8739, 3.5, on the example's numbers, each certificate at the time when it is out. */
static void
test_dates(void **state)
{
	struct world *w = *state;
	struct bend b = { .adjust = 3 * DAY };

	b.end = 10 * DAY, b.number = 1;
	expect_dates(w, b, 0, 4 * DAY);
	b.made = -DAY, b.end = 9 * DAY, b.number = 2;
	expect_dates(w, b, 0, 7 * DAY);
	b.made = -5 * DAY, b.end = 5 * DAY, b.number = 3;
	expect_dates(w, b, 0, 5 * DAY);
	/* the server's own adjustment, 9/16 */
	expect_dates(w, (struct bend){ .made = -2 * DAY, .number = 2 }, -3600, 6 * DAY);
	/* late: an hour back at the most */
	b.made = -7 * DAY, b.end = 3 * DAY;
	expect_dates(w, b, -3600, 3 * DAY);
	/* ahead: the first is there at once */
	expect_dates(w, (struct bend){ .start = DAY }, DAY, 5 * DAY);
}

/* ISSUE again is the same certificate; the next number is another. Also after a start (DESIGN: rule 4). */
static void
test_each_once(void **state)
{
	struct world *w = *state;
	struct bend bend = { .made = -2 * DAY, .number = 1 };
	struct star_ask s;
	struct buf first, again, next;

	star_open(&s, w, bend);
	first = expect_issued(&s.ask);
	again = expect_issued(&s.ask);
	assert_true(slice_eq(buf_slice(&first), buf_slice(&again)));
	buf_free(&again);
	s.ask.issue.number = 2;
	next = expect_issued(&s.ask);
	assert_false(slice_eq(buf_slice(&first), buf_slice(&next)));
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	world_reopen(w);
	again = expect_issued(&s.ask);
	assert_true(slice_eq(buf_slice(&next), buf_slice(&again)));
	s.ask.issue.number = 1;
	buf_free(&again);
	again = expect_issued(&s.ask);
	assert_true(slice_eq(buf_slice(&first), buf_slice(&again)));
	buf_free(&first);
	buf_free(&again);
	buf_free(&next);
	star_close(&s);
}

/* A certificate that lives long is still in the ledger's memory when it is asked for again. */
static void
test_each_once_after_weeks(void **state)
{
	struct world *w = *state;
	struct bend bend = { .made = -40 * DAY, .end = 50 * DAY, .lifetime = 50 * DAY, .number = 2 };
	struct star_ask s;
	struct buf first, again;

	star_open(&s, w, bend);
	first = expect_issued(&s.ask);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	ledger_forget(w->ca->ledger, (clock_now() - ca_ledger_window(w->ca)) * 1000);
	world_reopen(w);
	again = expect_issued(&s.ask);
	assert_true(slice_eq(buf_slice(&first), buf_slice(&again)));
	buf_free(&first);
	buf_free(&again);
	star_close(&s);
}

static void
test_terms(void **state)
{
	struct world *w = *state;

	refused_when(w, (struct bend){ .end = 101 * DAY }, PROBLEM_MALFORMED, "max-duration");
	refused_when(w, (struct bend){ .lifetime = 3599 }, PROBLEM_MALFORMED, "min-lifetime");
	refused_when(w, (struct bend){ .lifetime = 58 * DAY, .end = 90 * DAY }, PROBLEM_MALFORMED, "the profile gives");
	refused_when(w, (struct bend){ .lifetime = 46 * DAY, .adjust = 46 * DAY, .end = 90 * DAY }, PROBLEM_MALFORMED,
	    "the profile gives");
	refused_when(w, (struct bend){ .start = 8 * DAY, .end = 20 * DAY }, PROBLEM_MALFORMED, "start-date");
	refused_when(w, (struct bend){ .renewal = "{}" }, PROBLEM_MALFORMED, "end-date");
	refused_when(w, (struct bend){ .renewal = "null" }, PROBLEM_MALFORMED, "not an object");
	w->config.ca.auto_renewal.max_duration = 0;
	refused_when(w, (struct bend){ .number = 1 }, PROBLEM_MALFORMED, "doesn't renew");
}

/* No later end, and no certificate that isn't due. */
static void
test_not_due(void **state)
{
	struct world *w = *state;

	refused_when(w, (struct bend){ .number = 2 }, PROBLEM_UNAUTHORIZED, "not due yet");
	refused_when(w, (struct bend){ .number = 4 }, PROBLEM_UNAUTHORIZED, "asked for 3 certificates");
	refused_when(w, (struct bend){ .number = UINT32_MAX }, PROBLEM_UNAUTHORIZED, "asked for 3 certificates");
	refused_when(w, (struct bend){ .made = -5 * DAY, .end = 5 * DAY, .number = 1 }, PROBLEM_UNAUTHORIZED, "over already");
	refused_when(
	    w, (struct bend){ .made = -11 * DAY, .end = -DAY, .number = 3 }, PROBLEM_UNAUTHORIZED, "over already");
	refused_when(w, (struct bend){ .made = 3600 }, PROBLEM_UNAUTHORIZED, "in the future");
}

/* Each of the two requests is this order's, this account's, and asked for this. */
static void
test_other_requests(void **state)
{
	struct world *w = *state;
	struct star_ask s, other;
	struct jwk *stranger = jwk_of(w->other);

	refused_when(w, (struct bend){ .url = BASE "/new-account" }, PROBLEM_UNAUTHORIZED, "another url");
	refused_when(w, (struct bend){ .kid = BASE "/account/AAAAAAAAAAAAAAAAAAAAAg" }, PROBLEM_UNAUTHORIZED,
	    "another account's");
	/* signed by a key of ra's own */
	refused_when(w, (struct bend){ .signer = w->other }, PROBLEM_UNAUTHORIZED, "another account's key");
	star_open(&s, w, (struct bend){ .signer = w->other });
	s.ask.issue.new_order_jwk = slice_str(w->jwk->text);
	star_refused(&s, PROBLEM_UNAUTHORIZED, "signature");
	star_open(&s, w, (struct bend){ .number = 1 });
	s.ask.issue.new_order_jwk = slice_str(stranger->text);
	star_refused(&s, PROBLEM_UNAUTHORIZED, "signature");
	/* the same account's other order, with better terms */
	star_open(&s, w, (struct bend){ .number = 1 });
	star_open(&other, w, (struct bend){ .end = 90 * DAY, .lifetime = 40 * DAY });
	s.ask.issue.new_order = other.ask.issue.new_order;
	star_refused(&s, PROBLEM_UNAUTHORIZED, "another order's");
	/* the finalize request of the other one: another key, perhaps */
	star_open(&s, w, (struct bend){ .number = 1 });
	s.ask.issue.jws = other.ask.issue.jws;
	star_refused(&s, PROBLEM_UNAUTHORIZED, "not for finalizing this order");
	star_close(&other);
	star_open(&s, w, (struct bend){ .number = 1 });
	s.ask.issue.new_order = slice_str("{}");
	star_refused(&s, PROBLEM_UNAUTHORIZED, "broken");
	jwk_free(stranger);
}

/* What was signed for the one kind of order is nothing for the other: neither an ordinary certificate for a year instead of
 * one for days, nor renewals of one that was to be the only one. */
static void
test_other_kind(void **state)
{
	struct world *w = *state;
	struct star_ask s;

	refused_when(w, (struct bend){ .plain_url = true }, PROBLEM_UNAUTHORIZED, "not for finalizing this order");
	star_open(&s, w, (struct bend){ .number = 1 });
	s.ask.issue.number = 0;
	star_refused(&s, PROBLEM_UNAUTHORIZED, "not for finalizing this order");
}

static void
test_names_and_profile(void **state)
{
	struct world *w = *state;
	struct star_ask s;
	struct buf der;

	refused_when(w, (struct bend){ .names = "[{\"type\":\"dns\",\"value\":\"b.test\"}]" }, PROBLEM_UNAUTHORIZED,
	    "not the CSR's");
	refused_when(w, (struct bend){ .names = "[]" }, PROBLEM_UNAUTHORIZED, "not the CSR's");
	refused_when(w, (struct bend){ .names = "7" }, PROBLEM_UNAUTHORIZED, "not the CSR's");
	refused_when(w, (struct bend){ .names = "[{\"type\":\"x\",\"value\":\"a.test\"}]" }, PROBLEM_UNAUTHORIZED,
	    "not the CSR's");
	refused_when(w, (struct bend){ .names =
	    "[{\"type\":\"dns\",\"value\":\"a.test\"},{\"type\":\"dns\",\"value\":\"b.test\"}]" }, PROBLEM_UNAUTHORIZED,
	    "not the CSR's");
	refused_when(w, (struct bend){ .profile = "shortlived" }, PROBLEM_UNAUTHORIZED, "asked for profile");
	star_open(&s, w, (struct bend){ .lifetime = 90000, .profile = "shortlived", .names =
	    "[{\"type\":\"dns\",\"value\":\"a.test\"},{\"type\":\"dns\",\"value\":\"a.test\"}]" });
	strcpy(s.ask.issue.profile, "shortlived");
	der = expect_issued(&s.ask);
	buf_free(&der);
	star_close(&s);
	star_open(&s, w, (struct bend){ .number = 1 });
	strcpy(s.ask.issue.profile, "nix");
	star_refused(&s, PROBLEM_INVALID_PROFILE, "nix");
}

/* Proofs count as long as the order does, if they counted when it was made; and CAA is looked up again (votes.c). */
static void
test_evidence(void **state)
{
	struct world *w = *state;
	struct bend bend = { .made = -50 * DAY, .end = 20 * DAY, .number = 13 };
	struct star_ask s;
	struct buf der;

	star_open(&s, w, bend);
	der = expect_issued(&s.ask);
	buf_free(&der);
	star_close(&s);
	star_open(&s, w, bend);
	s.ask.issue.evidence_count = 0;
	star_refused(&s, PROBLEM_UNAUTHORIZED, "nobody proved");
	star_open(&s, w, bend);
	s.ask.issue.evidence_count = 0;
	statement_add(&s.ask, "a.test", w->jwk->thumbprint, clock_now() - 81 * DAY, w->evidence_key);
	star_refused(&s, PROBLEM_UNAUTHORIZED, "too old");
	w->config.va.caa = CAA_ENFORCE;
	said.caa = CAA_ALLOWED, said.caa_checked = clock_now() - 9 * 3600;
	star_open(&s, w, bend);
	star_refused(&s, PROBLEM_UNAUTHORIZED, "too long ago");
	said.caa_checked = clock_now();
	star_open(&s, w, bend);
	der = expect_issued(&s.ask);
	buf_free(&der);
	star_close(&s);
	said = (struct evidence){ SAID };
}

/* Once ca was told, nothing that ra says later brings it back. */
static void
test_canceled(void **state)
{
	struct world *w = *state;
	struct star_ask s;
	struct buf first, again;

	star_open(&s, w, (struct bend){ .made = -2 * DAY, .number = 1 });
	first = expect_issued(&s.ask);
	assert_int_equal(ca_star_cancel(w->ca, s.order, clock_now()), ERR_OK);
	assert_int_equal(ca_star_cancel(w->ca, s.order, clock_now()), ERR_OK);
	/* What was signed is told again, as it is in the world already. */
	again = expect_issued(&s.ask);
	assert_true(slice_eq(buf_slice(&first), buf_slice(&again)));
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	world_reopen(w);
	s.ask.issue.number = 2;
	star_refused(&s, PROBLEM_AUTO_RENEWAL_CANCELED, "canceled");
	/* and no other order with it */
	star_open(&s, w, (struct bend){ .made = -2 * DAY, .end = 9 * DAY, .number = 2 });
	buf_free(&again);
	again = expect_issued(&s.ask);
	buf_free(&first);
	buf_free(&again);
	star_close(&s);
}

#define S(f) cmocka_unit_test_setup_teardown(f, star_world, world_close)

int
main(void)
{
	const struct CMUnitTest tests[] = { S(test_dates), S(test_each_once), S(test_each_once_after_weeks), S(test_terms),
		S(test_not_due), S(test_other_requests), S(test_other_kind), S(test_names_and_profile), S(test_evidence),
		S(test_canceled) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca: star", tests, NULL, NULL);
}
