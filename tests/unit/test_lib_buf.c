/* test_lib_buf.c: buffers, slices, reasons, characters, error words, time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/err.h"
#include "lib/reason.h"
#include "lib/utf8.h"

static void
test_slice(void **state)
{
	char	*copy;

	(void)state;
	assert_int_equal(slice_str(NULL).len, 0);
	assert_true(slice_eq(slice_of(NULL, 0), slice_of("x", 0)));
	assert_true(slice_eq_str(slice_of("abc", 3), "abc"));
	assert_false(slice_eq_str(slice_of("abc", 2), "abc"));
	assert_false(slice_eq_str(slice_of("abd", 3), "abc"));
	assert_null(slice_dup(slice_of("a\0b", 3)));
	assert_non_null(copy = slice_dup(slice_of(NULL, 0)));
	assert_string_equal(copy, "");
	free(copy);
	assert_non_null(copy = slice_dup(slice_of("abcdef", 3)));
	assert_string_equal(copy, "abc");
	free(copy);
}

static void
test_buf(void **state)
{
	struct buf	 b = { 0 };
	char		*s;

	(void)state;
	buf_put(&b, NULL, 0);
	assert_null(b.data);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%d,", i);
	assert_false(b.failed);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5);
	buf_clear(&b);
	assert_int_equal(buf_slice(&b).len, 0);
	buf_put_str(&b, "ab");
	buf_put_byte(&b, 'c');
	buf_printf(&b, "%s", "");
	assert_true(slice_eq_str(buf_slice(&b), "abc"));
	assert_non_null(s = buf_take_str(&b));
	assert_string_equal(s, "abc");
	assert_null(b.data);
	free(s);
	assert_non_null(s = buf_take_str(&b));
	assert_string_equal(s, "");
	free(s);
	buf_put_str(&b, "secret");
	buf_cleanse(&b);
	assert_null(b.data);
	buf_free(NULL);
	buf_cleanse(NULL);
}

/* Once failed, always failed: nothing more is written, and nothing comes out. */
static void
test_buf_failed(void **state)
{
	struct buf	 b = { 0 };

	(void)state;
	buf_put_str(&b, "abc");
	buf_put(&b, "x", SIZE_MAX - 2);
	assert_true(b.failed);
	buf_put_str(&b, "def");
	buf_printf(&b, "%d", 1);
	assert_true(slice_eq_str(buf_slice(&b), "abc"));
	buf_clear(&b);
	assert_true(b.failed);
	assert_null(buf_take_str(&b));
	assert_null(b.data);
	assert_false(b.failed);
}

static void
test_utf8(void **state)
{
	static const struct {
		const char	*text;
		size_t		 length;
	} cases[] = {
		{ "a", 1 }, { "\x7f", 1 }, { "\x80", 0 }, { "\xc1\xbf", 0 }, { "\xc2\x80", 2 }, { "\xc2", 0 },
		{ "\xc2\x41", 0 }, { "\xe0\x9f\xbf", 0 }, { "\xe0\xa0\x80", 3 }, { "\xed\x9f\xbf", 3 },
		{ "\xed\xa0\x80", 0 }, { "\xef\xbf\xbf", 3 }, { "\xe2\x82", 0 }, { "\xe2\x82\x41", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 }, { "\xf0\x90\x80\x80", 4 }, { "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 }, { "\xf5\x80\x80\x80", 0 }, { "\xff", 0 }, { "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].length);
}

static void
test_reason(void **state)
{
	struct reason	 reason = { "" };
	char		 text[REASON_MAX + 8];

	(void)state;
	reason_set(NULL, "nobody asks");
	reason_set(&reason, "name \"%s\" has %d", "a\n\x1b[31m\x7f\xc3\xa9\xff\xe2\x82z", 3);
	assert_string_equal(reason.text, "name \"a??[31m?\xc3\xa9???z\" has 3");
	/* A limit in the middle of a character: the whole character goes. */
	for (size_t at = REASON_MAX - 6; at < REASON_MAX; at++) {
		memset(text, 'x', sizeof(text));
		snprintf(text + at, sizeof(text) - at, "\xf0\x9d\x84\x9e");
		reason_set(&reason, "%s", text);
		assert_int_equal(strlen(reason.text), at + 4 < REASON_MAX ? at + 4 : at);
	}
	reason_set(&reason, "%s", "");
	assert_string_equal(reason.text, "");
}

static void
test_err(void **state)
{
	(void)state;
	for (int err = ERR_OK; err <= ERR_CONFIG; err++) {
		assert_string_not_equal(err_text((enum err)err), "unknown error");
		for (int other = ERR_OK; other < err; other++)
			assert_string_not_equal(err_text((enum err)err), err_text((enum err)other));
	}
	assert_string_equal(err_text((enum err)(ERR_CONFIG + 1)), "unknown error");
}

/* Against the C library, over all the years that four digits hold. */
static void
test_rfc3339(void **state)
{
	char		 ours[CLOCK_RFC3339_SIZE], theirs[80];
	struct tm	 tm;

	(void)state;
	for (time_t t = -62167219200; t <= 253402300799; t += 86399 * 5 + 3601) {
		clock_rfc3339(t, ours);
		assert_non_null(gmtime_r(&t, &tm));
		snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		assert_string_equal(ours, theirs);
	}
	clock_rfc3339(951782400, ours);
	assert_string_equal(ours, "2000-02-29T00:00:00Z");
	clock_rfc3339(INT64_MAX, ours);
	assert_string_equal(ours, "9999-12-31T23:59:59Z");
	clock_rfc3339(INT64_MIN, ours);
	assert_string_equal(ours, "0000-01-01T00:00:00Z");
}

/* Only wall time can be moved. */
static void
test_shift(void **state)
{
	int64_t	 wall = clock_now(), monotonic = clock_monotonic_ms();

	(void)state;
	clock_shift(1000000);
	assert_in_range(clock_now() - wall, 1000000, 1000060);
	assert_in_range(clock_now_ms() / 1000 - wall, 1000000, 1000060);
	assert_in_range(clock_monotonic_ms() - monotonic, 0, 60000);
	clock_shift(-1000000);
	assert_in_range(clock_now() - wall, 0, 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_failed),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_err),
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_shift),
	};

	return cmocka_run_group_tests_name("buf, reason, utf8, err, clock", tests, NULL, NULL);
}
