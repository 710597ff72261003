/* What a newOrder request asks for (RFC 8555, 7.4): each way of asking that is taken, and each that is refused, with the
 * sentence that says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "ra/order_read.h"

#define NOW 1795445388	/* 2026-11-23T14:49:48Z */
#define LIFETIME 7776000

static char any_name[] = "*", any_address[] = "0.0.0.0/0", name_usual[] = "usual", name_lan[] = "lan", http_01[] = "http-01",
	    dns_01[] = "dns-01";
static char *any[] = { any_name, any_address }, *only_http[] = { http_01 }, *only_dns[] = { dns_01 };
static struct profile_config profiles[] = {
	{ .name = name_usual, .lifetime = LIFETIME, .wildcards = true },
	{ .name = name_lan, .lifetime = LIFETIME, .wildcards = true, .challenges = { only_http, 1 } },
};
static const struct ca_config ca = { .profiles = profiles, .profile_count = 2, .backdate = 300,
	.auto_renewal = { 86400, 31536000, true } };
static const struct ra_config usual = { .allow = { any, 2 }, .wildcards = true, .order_lifetime = 604800 };

/* Reads one that is written as JSON. */
static bool
read_order(const struct ra_config *ra, const char *text, struct order *order, struct problem *problem)
{
	json_t *payload;
	bool done;

	if (json_object_parse(slice_str(text), &payload, NULL) != ERR_OK)
		fail_msg("%s", text);
	memset(order, 0, sizeof(*order));
	memset(problem, 0, sizeof(*problem));
	done = order_read(payload, &(struct policy){ .ra = ra, .ca = &ca }, NOW, order, problem);
	json_decref(payload);
	return done;
}

static void
expect_refused(const struct ra_config *ra, const char *text, enum problem_type type, const char *why)
{
	struct order order;
	struct problem problem;

	if (read_order(ra, text, &order, &problem) || problem.type != type || strstr(problem.detail.text, why) == NULL)
		fail_msg("%s: %s, %s", text, problem_name(problem.type), problem.detail.text);
	order_free(&order);
	problem_free(&problem);
}

#define A "\"identifiers\": [{\"type\": \"dns\", \"value\": \"a.lan\"}]"

static const struct refusal {
	const char *text;
	enum problem_type type;
	const char *why;
} refusals[] = {
	/* RFC 8555, 7.4: an array of identifier objects, with at least one */
	{ "{}", PROBLEM_MALFORMED, "\"identifiers\" is not an array of at least one identifier" },
	{ "{\"identifiers\": []}", PROBLEM_MALFORMED, "not an array of at least one" },
	{ "{\"identifiers\": {}}", PROBLEM_MALFORMED, "not an array of at least one" },
	{ "{\"identifiers\": [\"a.lan\"]}", PROBLEM_MALFORMED, "identifier 1: " },
	{ "{\"identifiers\": [{\"type\": \"dns\", \"value\": \"a.lan\"}, {\"type\": \"dns\"}]}", PROBLEM_MALFORMED,
	    "identifier 2: " },
	{ "{\"identifiers\": [{\"type\": \"email\", \"value\": \"a@a.lan\"}]}", PROBLEM_UNSUPPORTED_IDENTIFIER,
	    "identifier 1: " },
	/* draft-ietf-acme-profiles, 4 */
	{ "{" A ", \"profile\": 7}", PROBLEM_MALFORMED, "\"profile\" is not a string" },
	{ "{" A ", \"profile\": \"none\"}", PROBLEM_INVALID_PROFILE, "there is no profile \"none\"" },
	/* RFC 8555, 7.4 and 7.1.3 */
	{ "{" A ", \"notBefore\": 5}", PROBLEM_MALFORMED, "\"notBefore\" is not a time in whole seconds" },
	{ "{" A ", \"notAfter\": \"tomorrow\"}", PROBLEM_MALFORMED, "\"notAfter\" is not a time in whole seconds" },
	{ "{" A ", \"notAfter\": \"2026-12-01T00:00:00.5Z\"}", PROBLEM_MALFORMED, "\"notAfter\" is not a time" },
	{ "{" A ", \"notBefore\": \"1970-01-01T00:00:00Z\"}", PROBLEM_MALFORMED, "\"notBefore\" is not a time" },
	{ "{" A ", \"notBefore\": \"2026-11-23T13:49:47Z\"}", PROBLEM_MALFORMED, "more than an hour in the past" },
	{ "{" A ", \"notBefore\": \"2027-02-21T14:49:49Z\"}", PROBLEM_MALFORMED, "further ahead than a certificate of profile" },
	{ "{" A ", \"notAfter\": \"2026-11-23T14:49:48Z\"}", PROBLEM_MALFORMED, "\"notAfter\" is not after" },
	{ "{" A ", \"notBefore\": \"2026-12-01T00:00:00Z\", \"notAfter\": \"2026-12-01T00:00:00Z\"}", PROBLEM_MALFORMED,
	    "\"notAfter\" is not after" },
	{ "{" A ", \"notAfter\": \"2027-02-21T14:44:48Z\"}", PROBLEM_MALFORMED,
	    "counted from ca.backdate ago since there is no \"notBefore\"" },
	{ "{" A ", \"notBefore\": \"2026-11-23T14:49:48Z\", \"notAfter\": \"2027-02-21T14:49:48Z\"}", PROBLEM_MALFORMED,
	    "that profile \"usual\" gives, counted from \"notBefore\"" },
	/* RFC 8739, 3.1.1 */
	{ "{" A ", \"auto-renewal\": {}, \"notBefore\": \"2026-12-01T00:00:00Z\"}", PROBLEM_MALFORMED,
	    "has neither \"notBefore\" nor \"notAfter\"" },
	{ "{" A ", \"auto-renewal\": {}, \"notAfter\": \"2026-12-01T00:00:00Z\"}", PROBLEM_MALFORMED,
	    "has neither \"notBefore\" nor \"notAfter\"" },
	{ "{" A ", \"auto-renewal\": {}}", PROBLEM_MALFORMED, "\"auto-renewal\": " },
	{ "{" A ", \"auto-renewal\": {\"end-date\": \"2036-12-01T00:00:00Z\", \"lifetime\": 172800}}", PROBLEM_MALFORMED,
	    "\"auto-renewal\": " },
	/* RFC 9773, 5 */
	{ "{" A ", \"replaces\": 7}", PROBLEM_MALFORMED, "\"replaces\" is no certificate's identifier" },
	{ "{" A ", \"replaces\": \"AAAA\"}", PROBLEM_MALFORMED, "\"replaces\" is no certificate's identifier" },
	/* No challenge of that profile proves a wildcard (RFC 8555, 8.3). */
	{ "{\"profile\": \"lan\", \"identifiers\": [{\"type\": \"dns\", \"value\": \"*.a.lan\"}]}", PROBLEM_REJECTED_IDENTIFIER,
	    "(http-01) can prove the wildcard \"*.a.lan\"; order its names one by one" },
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		expect_refused(&usual, refusals[i].text, refusals[i].type, refusals[i].why);
}

/* RFC 8738: an address, which dns-01 doesn't prove. */
static void
test_address_by_dns(void **state)
{
	struct ra_config ra = usual;

	(void)state;
	ra.challenges = (struct strings){ only_dns, 1 };
	expect_refused(&ra, "{\"identifiers\": [{\"type\": \"ip\", \"value\": \"10.0.0.7\"}]}", PROBLEM_REJECTED_IDENTIFIER,
	    "(dns-01) can prove ip \"10.0.0.7\"");
}

static void
test_too_many(void **state)
{
	struct buf text = { 0 };
	char want[64];

	(void)state;
	buf_put_str(&text, "{\"identifiers\": [");
	for (int i = 0; i <= IDENTIFIERS_MAX; i++)
		buf_printf(&text, "%s{\"type\": \"dns\", \"value\": \"n%d.lan\"}", i > 0 ? "," : "", i);
	buf_put_str(&text, "]}");
	buf_put_byte(&text, 0);
	snprintf(want, sizeof(want), "the order has %d identifiers; %d is the most", IDENTIFIERS_MAX + 1, IDENTIFIERS_MAX);
	expect_refused(&usual, (const char *)text.data, PROBLEM_MALFORMED, want);
	buf_free(&text);
}

/* RFC 8555, 6.7.1: every one that is no name is told of, as far as JSON can hold what the client wrote. */
static void
test_no_names(void **state)
{
	char text[1024], longest[401] = "";
	struct order order;
	struct problem problem;
	size_t len;

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(longest, "\u00e9");	/* an octet over the edge, then half a character */
	snprintf(text, sizeof(text), "{\"identifiers\": [{\"type\": \"dns\", \"value\": \"a_b.lan\"}, "
	    "{\"type\": \"dns\", \"value\": \"x%s\"}, {\"type\": \"dns\", \"value\": \"good.lan\"}]}", longest);
	assert_false(read_order(&usual, text, &order, &problem));
	assert_int_equal(problem.type, PROBLEM_MALFORMED);
	assert_int_equal(problem.said, SAID_NAME_CHARACTER);
	assert_string_equal(problem.about, "_");
	assert_int_equal(problem.sub_count, 2);
	assert_string_equal(problem.subs[0].identifier.value, "a_b.lan");
	len = strlen(problem.subs[1].identifier.value);
	assert_in_range(len, 200, IDENTIFIER_VALUE_SIZE - 1);
	assert_int_equal(len % 2, 1);	/* x and whole characters */
	assert_int_equal(order.identifier_count, 1);
	order_free(&order);
	problem_free(&problem);
}

/* Taken: what stands there twice counts once, and a certificate's name is kept. */
static void
test_taken(void **state)
{
	static const char id[] = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";	/* RFC 9773, 4.1 */
	char text[512];
	struct order order;
	struct problem problem;

	(void)state;
	snprintf(text, sizeof(text), "{\"identifiers\": [{\"type\": \"dns\", \"value\": \"a.lan\"}, {\"type\": \"dns\", \"value\": "
	    "\"A.lan\"}, {\"type\": \"ip\", \"value\": \"10.0.0.7\"}], \"profile\": \"lan\", \"replaces\": \"%s\", "
	    "\"notBefore\": \"2026-11-23T14:49:48Z\", \"notAfter\": \"2027-02-21T14:49:47Z\"}", id);
	if (!read_order(&usual, text, &order, &problem))
		fail_msg("%s", problem.detail.text);
	assert_int_equal(order.identifier_count, 2);
	assert_string_equal(order.identifiers[0].value, "a.lan");
	assert_string_equal(order.identifiers[1].value, "10.0.0.7");
	assert_string_equal(order.profile, "lan");
	assert_string_equal(order.replaces, id);
	assert_int_equal(order.created, NOW);
	assert_int_equal(order.not_before, NOW);
	assert_int_equal(order.not_after, NOW + LIFETIME - 1);
	order_free(&order);
	if (!read_order(&usual, "{" A ", \"auto-renewal\": {\"end-date\": \"2026-12-23T00:00:00Z\", \"lifetime\": 172800}}", &order,
		&problem))
		fail_msg("%s", problem.detail.text);
	assert_string_equal(order.profile, "usual");
	assert_null(order.replaces);
	assert_int_equal(order.auto_renewal.start, NOW);
	assert_int_equal(order.auto_renewal.lifetime, 172800);
	order_free(&order);
}

/* Where times count as they were asked for (Pebble's way), they are repeated to the letter and have no bound. */
static void
test_times_as_asked(void **state)
{
	struct ra_config ra = usual;
	struct order order;
	struct problem problem;

	(void)state;
	ra.times_as_asked = true;
	if (!read_order(&ra, "{" A ", \"notBefore\": \"2028-01-01T00:00:00.123Z\", \"notAfter\": \"2029-01-01T02:00:00+02:00\"}",
		&order, &problem))
		fail_msg("%s", problem.detail.text);
	assert_string_equal(order.begin_asked, "2028-01-01T00:00:00.123Z");
	assert_string_equal(order.end_asked, "2029-01-01T02:00:00+02:00");
	assert_int_equal(order.not_before, 1830297600);
	assert_int_equal(order.not_after, 1861920000);
	order_free(&order);
	expect_refused(&ra, "{" A ", \"notBefore\": \"2028-01-01T00:00:00.Z\"}", PROBLEM_MALFORMED, "\"notBefore\" is not a time");
}

/* Pebble draws a profile for an order that names none; both come. */
static void
test_random_profile(void **state)
{
	struct ra_config ra = usual;
	unsigned usual_ones = 0;

	(void)state;
	ra.random_profile = true;
	for (int i = 0; i < 64; i++) {
		struct order order;
		struct problem problem;

		assert_true(read_order(&ra, "{" A "}", &order, &problem));
		usual_ones += strcmp(order.profile, "usual") == 0;
		order_free(&order);
	}
	assert_in_range(usual_ones, 1, 63);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_address_by_dns),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_times_as_asked),
		cmocka_unit_test(test_random_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
