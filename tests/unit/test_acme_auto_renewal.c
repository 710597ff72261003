/* acme/auto_renewal.c: what an order may ask for (RFC 8739, 3.1.1), and the certificates that follow (3.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/auto_renewal.h"
#include "lib/clock.h"
#include "lib/json.h"

#define DAY 86400
#define END "\"end-date\":\"2019-01-20T00:00:00Z\""
#define LIFETIME "\"lifetime\":345600"

static bool
parse(const char *text, struct auto_renewal *out, struct reason *reason)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	bool	done;

	assert_non_null(json);
	done = auto_renewal_parse(json, out, reason);
	json_decref(json);
	return done;
}

static int64_t
at(const char *text)
{
	int64_t seconds;

	assert_true(clock_parse_rfc3339(text, &seconds));
	return seconds;
}

static void
test_parse(void **state)
{
	struct auto_renewal a;

	(void)state;
	assert_true(parse("{\"start-date\":\"2019-01-10T00:00:00Z\"," END "," LIFETIME
	    ",\"lifetime-adjust\":259200,\"allow-certificate-get\":true,\"more\":[]}", &a, NULL));
	assert_int_equal(a.start, at("2019-01-10T00:00:00Z"));
	assert_int_equal(a.end, at("2019-01-20T00:00:00Z"));
	assert_int_equal(a.lifetime, 4 * DAY);
	assert_int_equal(a.adjust, 3 * DAY);
	assert_true(a.get);
	assert_true(parse("{\"end-date\":\"2019-01-20T01:00:00+01:00\"," LIFETIME ",\"allow-certificate-get\":false}", &a,
	    NULL));
	assert_int_equal(a.end, at("2019-01-20T00:00:00Z"));
	assert_true(a.start == 0 && a.adjust == 0 && !a.get);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "[]", "not an object" },
		{ "null", "not an object" },
		{ "\"x\"", "not an object" },
		{ "{}", "no \"end-date\"" },
		{ "{" LIFETIME "}", "no \"end-date\"" },
		{ "{" END "}", "no \"lifetime\"" },
		{ "{" LIFETIME ",\"end-date\":1547942400}", "\"end-date\" is not a time" },
		{ "{" LIFETIME ",\"end-date\":\"\"}", "\"end-date\" is not a time" },
		{ "{" LIFETIME ",\"end-date\":null}", "\"end-date\" is not a time" },
		{ "{" LIFETIME ",\"end-date\":\"2019-01-20\"}", "\"end-date\" is not a time" },
		{ "{" LIFETIME ",\"end-date\":\"2019-01-20T00:00:00.5Z\"}", "\"end-date\" is not a time" },
		{ "{" LIFETIME ",\"end-date\":\"1970-01-01T00:00:00Z\"}", "\"end-date\" is not a time" },
		{ "{" END "," LIFETIME ",\"start-date\":7}", "\"start-date\" is not a time" },
		{ "{" END ",\"lifetime\":\"345600\"}", "\"lifetime\" is not a number" },
		{ "{" END ",\"lifetime\":345600.0}", "\"lifetime\" is not a number" },
		{ "{" END ",\"lifetime\":0}", "\"lifetime\" is not a number" },
		{ "{" END ",\"lifetime\":-1}", "\"lifetime\" is not a number" },
		{ "{" END ",\"lifetime\":2147483648}", "\"lifetime\" is not a number" },
		{ "{" END ",\"lifetime\":9223372036854775807}", "\"lifetime\" is not a number" },
		{ "{" END "," LIFETIME ",\"lifetime-adjust\":-1}", "\"lifetime-adjust\" is not a number" },
		{ "{" END "," LIFETIME ",\"lifetime-adjust\":null}", "\"lifetime-adjust\" is not a number" },
		{ "{" END "," LIFETIME ",\"allow-certificate-get\":1}", "neither true nor false" },
		{ "{" END "," LIFETIME ",\"allow-certificate-get\":null}", "neither true nor false" },
	};
	struct auto_renewal a;
	struct reason	    reason;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse(rows[i].text, &a, &reason) || strstr(reason.text, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].text, reason.text);
		assert_false(parse(rows[i].text, &a, NULL));
	}
}

static const struct auto_renewal_limits limits = { DAY, 365 * DAY, true };

/* Each limit, and the last that is within it. made is 1,000,000. */
static void
test_settle(void **state)
{
	static const struct {
		struct auto_renewal a;
		const char *why; /* NULL: taken */
	} rows[] = {
		{ { 0, 1000000 + 10 * DAY, 4 * DAY, 0, false }, NULL },
		{ { 0, 1000000 + 365 * DAY, 4 * DAY, 0, false }, NULL },
		{ { 0, 1000001 + 365 * DAY, 4 * DAY, 0, false }, "max-duration" },
		{ { 1000001, 1000001 + 365 * DAY, 4 * DAY, 0, false }, NULL },
		{ { 1000000 + 7 * DAY, 1000000 + 10 * DAY, DAY, 0, false }, NULL },
		{ { 1000001 + 7 * DAY, 1000000 + 10 * DAY, DAY, 0, false }, "\"start-date\" is more than" },
		{ { 0, 1000001, DAY, 0, false }, NULL },
		{ { 0, 1000000, DAY, 0, false }, "\"end-date\" is not after" },
		{ { 0, 999999, DAY, 0, false }, "\"end-date\" is not after" },
		{ { 1000005, 1000005, DAY, 0, false }, "\"end-date\" is not after" },
		{ { 0, 1000000 + 10 * DAY, DAY - 1, 0, false }, "min-lifetime" },
		{ { 0, 1000000 + 99 * DAY, 45 * DAY, 44 * DAY, false }, NULL },
		{ { 0, 1000000 + 99 * DAY, 45 * DAY, 45 * DAY, false }, "the profile gives" },
		{ { 0, 1000000 + 99 * DAY, 57 * DAY, 0, false }, NULL },
		{ { 0, 1000000 + 99 * DAY, 58 * DAY, 0, false }, "the profile gives" },
		{ { 0, INT64_C(253402300799), INT32_MAX, INT32_MAX, false }, "max-duration" },
	};
	struct auto_renewal_limits off = { DAY, 0, true };
	struct auto_renewal	   a;
	struct reason		   reason;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		reason.text[0] = '\0';
		a = rows[i].a;
		if (auto_renewal_settle(&a, &limits, 1000000, 7 * DAY, 90 * DAY, &reason) != (rows[i].why == NULL) ||
		    (rows[i].why != NULL && strstr(reason.text, rows[i].why) == NULL))
			fail_msg("row %zu: %s", i, reason.text);
	}
	a = rows[0].a;
	assert_false(auto_renewal_settle(&a, &off, 1000000, 7 * DAY, 90 * DAY, &reason));
	assert_non_null(strstr(reason.text, "doesn't renew"));
}

static void
test_what_the_server_decides(void **state)
{
	struct auto_renewal	   a = { 5, 1000000 + 10 * DAY, 4 * DAY, 60, true }, again;
	struct auto_renewal_limits private = limits;
	json_t			  *json;

	(void)state;
	assert_true(auto_renewal_settle(&a, &limits, 1000000, 7 * DAY, 90 * DAY, NULL));
	/* a beginning that is past is now; half is what 3.5 asks for at the least, and there is a reserve */
	assert_true(a.start == 1000000 && a.adjust == 4 * DAY * 9 / 16 && a.get);
	json = auto_renewal_json(&a);
	assert_true(auto_renewal_parse(json, &again, NULL));
	assert_true(a.start == again.start && a.end == again.end && a.lifetime == again.lifetime);
	assert_true(a.adjust == again.adjust && a.get == again.get);
	assert_true(json_is_true(json_object_get(json, "allow-certificate-get")));
	json_decref(json);
	private.get = false;
	assert_true(auto_renewal_settle(&a, &private, 1000000, 7 * DAY, 90 * DAY, NULL));
	assert_false(a.get);
	json = auto_renewal_json(&a);
	assert_null(json_object_get(json, "allow-certificate-get"));
	json_decref(json);
	/* more than the lifetime is the lifetime (3.5), and odd numbers are rounded up */
	a = (struct auto_renewal){ 0, 1000000 + 10 * DAY, DAY + 1, 9 * DAY, false };
	assert_true(auto_renewal_settle(&a, &limits, 1000000, 7 * DAY, 90 * DAY, NULL));
	assert_int_equal(a.adjust, DAY + 1);
	a = (struct auto_renewal){ 0, 1000000 + 10 * DAY, DAY + 1, 0, false };
	assert_true(auto_renewal_settle(&a, &limits, 1000000, 7 * DAY, 90 * DAY, NULL));
	assert_int_equal(a.adjust, DAY * 9 / 16 + 1);
}

/* RFC 8739, 3.5.1, with its own numbers. */
static void
test_example(void **state)
{
	static const char *const table[][2] = { { "2019-01-10T00:00:00Z", "2019-01-14T00:00:00Z" },
		{ "2019-01-11T00:00:00Z", "2019-01-18T00:00:00Z" }, { "2019-01-15T00:00:00Z", "2019-01-20T00:00:00Z" } };
	struct auto_renewal a = { at("2019-01-10T00:00:00Z"), at("2019-01-20T00:00:00Z"), 4 * DAY, 3 * DAY, false };
	int64_t		    begin, end;

	(void)state;
	assert_true(auto_renewal_settle(&a, &limits, a.start - 60, 7 * DAY, 90 * DAY, NULL));
	assert_int_equal(auto_renewal_count(&a), 3);
	for (uint32_t i = 0; i < 3; i++) {
		auto_renewal_dates(&a, i + 1, &begin, &end);
		assert_int_equal(begin, at(table[i][0]));
		assert_int_equal(end, at(table[i][1]));
		/* "the value of the notBefore is also the time at which the client should expect the new certificate" */
		assert_int_equal(auto_renewal_current(&a, begin), i + 1);
		if (i > 0)
			assert_int_equal(auto_renewal_current(&a, begin - 1), i);
	}
	assert_int_equal(auto_renewal_current(&a, 0), 1);
	assert_int_equal(auto_renewal_current(&a, a.end), 3);
	assert_int_equal(auto_renewal_current(&a, a.end + 1000 * DAY), 3);
}

/* What 3.3 and 3.5 promise, whatever the numbers are: the next certificate is out, and valid, when half of the one before
 * is over at the latest; none ends after the end; none begins before the beginning. */
static void
test_promises(void **state)
{
	static const int64_t lifetimes[] = { 10, 11, 17, 60, 3600, 86399, 86400, 345600 };
	static const int64_t adjusts[] = { 0, 1, 5, 9, 59, 40000, 300000 };
	static const int64_t durations[] = { 1, 9, 10, 11, 59, 1000, 86400, 864001 };
	struct auto_renewal_limits any = { 1, INT32_MAX, true };

	(void)state;
	for (size_t l = 0; l < 8; l++)
		for (size_t j = 0; j < 7; j++)
			for (size_t d = 0; d < 8; d++) {
				struct auto_renewal a = { 0, 1000000 + durations[d], lifetimes[l], adjusts[j], false };
				int64_t begin, end, nominal;
				uint32_t count;

				assert_true(auto_renewal_settle(&a, &any, 1000000, 0, INT32_MAX, NULL));
				count = auto_renewal_count(&a);
				for (uint32_t n = 1; n <= count && n < 200; n++) {
					auto_renewal_dates(&a, n, &begin, &end);
					nominal = a.start + (n - 1) * a.lifetime;
					assert_true(begin >= a.start && end <= a.end && begin < end);
					assert_true(n == count ? end == a.end : end == nominal + a.lifetime);
					assert_true(n == 1 || begin <= nominal - (a.lifetime + 1) / 2);
					assert_true(auto_renewal_current(&a, begin) >= n);
				}
			}
}

static void
test_ids(void **state)
{
	struct auto_renewal a = { 1000000, 1000000 + 10 * DAY, 4 * DAY, 3 * DAY, false };
	struct slice	    request = slice_str("{\"protected\":\"x\"}");
	struct id	    order = auto_renewal_order(request, 1000000123), first, second;

	(void)state;
	assert_int_equal(id_time_ms(order), 1000000123);
	assert_true(auto_renewal_is_order(order, request));
	assert_false(auto_renewal_is_order(order, slice_str("{\"protected\":\"y\"}")));
	assert_false(auto_renewal_is_order(order, slice_str("")));
	/* at another time the same request makes another order */
	assert_false(id_eq(order, auto_renewal_order(request, 1000000124)));
	first = auto_renewal_certificate(&a, order, 1);
	second = auto_renewal_certificate(&a, order, 2);
	assert_false(id_eq(first, second) || id_eq(first, order));
	assert_int_equal(id_time_ms(first), 1000000123);
	assert_int_equal(id_time_ms(second), (1000000 + DAY) * INT64_C(1000));
	assert_true(id_eq(second, auto_renewal_certificate(&a, order, 2)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_settle), cmocka_unit_test(test_what_the_server_decides), cmocka_unit_test(test_example),
		cmocka_unit_test(test_promises), cmocka_unit_test(test_ids) };

	return cmocka_run_group_tests_name("acme: auto-renewal", tests, NULL, NULL);
}
