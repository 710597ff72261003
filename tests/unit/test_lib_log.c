/* test_lib_log.c: each line as it comes out of standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

static char	 line[65536];
static int	 ends[2];

/* What one call wrote; standard error is a pipe for as long. */
static const char *
capture(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	int	 saved = dup(STDERR_FILENO);
	ssize_t	 n;

	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	errno = EDOM;
	log_write(level, event, fields, count);
	assert_int_equal(errno, EDOM);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(ends[0], line, sizeof(line) - 1);
	line[n > 0 ? n : 0] = '\0';
	return line;
}

#define CAPTURE(level, event, ...)						\
	capture((level), (event), (struct log_field[]){ __VA_ARGS__ },		\
	    sizeof((struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

static int
setup(void **state)
{
	(void)state;
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

static void
test_text(void **state)
{
	const char	*s;

	(void)state;
	log_open("wfe", LOG_INFO, LOG_TEXT);
	s = CAPTURE(LOG_INFO, "request done", F_STR("url", "https://ca.test/x"), F_INT("status", -201),
	    F_STR("detail", "two words"), F_STR("none", NULL), F_STR("eq", "a=b"));
	assert_int_equal(strlen(s), strlen("2026-11-23T14:49:48.123Z") + strlen(s + 24));
	assert_int_equal(s[10], 'T');
	assert_int_equal(s[23], 'Z');
	assert_string_equal(s + 24, " info wfe request done url=https://ca.test/x status=-201 "
	    "detail=\"two words\" none=\"\" eq=\"a=b\"\n");
}

/* Nothing that came from outside can start a line of its own or steer a terminal. */
static void
test_text_hostile(void **state)
{
	const char	*s;

	(void)state;
	log_open("ra", LOG_DEBUG, LOG_TEXT);
	s = CAPTURE(LOG_DEBUG, "x",
	    F_STR("v", "a\n2026 error \x1b[2J \"\\ \x7f \xc2\x9b \xff gr\xc3\xbc\xc3\x9f"));
	assert_string_equal(s + 24, " debug ra x v=\"a\\n2026 error \\x1b[2J \\\"\\\\ \\x7f \\u009b \\xff "
	    "gr\xc3\xbc\xc3\x9f\"\n");
}

static void
test_json(void **state)
{
	json_t	*json;

	(void)state;
	log_open("ca", LOG_INFO, LOG_JSON);
	CAPTURE(LOG_ERROR, "issue \"failed\"",
	    F_STR("v", "\n\x1b\"\\\x7f\xc2\x9b\xff\xc3\xbc"), F_INT("n", INT64_MIN));
	assert_int_equal(line[strlen(line) - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_non_null(json = json_loads(line, 0, NULL));
	assert_string_equal(json_string_value(json_object_get(json, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(json, "role")), "ca");
	assert_string_equal(json_string_value(json_object_get(json, "event")), "issue \"failed\"");
	assert_string_equal(json_string_value(json_object_get(json, "v")),
	    "\n\x1b\"\\\x7f\xc2\x9b\xef\xbf\xbd\xc3\xbc");
	assert_true(json_integer_value(json_object_get(json, "n")) == INT64_MIN);
	json_decref(json);
}

static void
test_level(void **state)
{
	(void)state;
	log_open("wfe", LOG_WARNING, LOG_TEXT);
	assert_string_equal(CAPTURE(LOG_INFO, "x", F_INT("n", 1)), "");
	assert_string_not_equal(CAPTURE(LOG_WARNING, "x", F_INT("n", 1)), "");
}

/* Every length around the limit, for every kind of character: a whole line, marked as cut. */
static void
test_cut(void **state)
{
	static const char *const fills[] = { "x", "\"", "\x01", "\xf0\x9d\x84\x9e", "\xff", " " };
	static char	 big[40000];

	(void)state;
	for (size_t f = 0; f < sizeof(fills) / sizeof(fills[0]); f++)
		for (size_t len = 8000; len < 8300; len++) {
			size_t	 n = strlen(fills[f]);
			json_t	*json;
			bool	 cut;

			for (size_t i = 0; i < len; i++)
				big[i] = fills[f][i % n];
			big[len / n * n] = '\0';
			log_open("wfe", LOG_INFO, LOG_JSON);
			CAPTURE(LOG_INFO, "x", F_STR("v", big), F_STR("w", "tail"), F_INT("n", 7));
			assert_in_range(strlen(line), 2000, 8192);
			assert_non_null(json = json_loads(line, 0, NULL));
			cut = json_is_true(json_object_get(json, "cut"));
			assert_true(cut || json_integer_value(json_object_get(json, "n")) == 7);
			json_decref(json);
			log_open("wfe", LOG_INFO, LOG_TEXT);
			CAPTURE(LOG_INFO, "x", F_STR("v", big), F_STR("w", "tail"), F_INT("n", 7));
			assert_in_range(strlen(line), 2000, 8192);
			assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
			assert_true(strstr(line, " cut=true\n") != NULL ||
			    strstr(line, " w=tail n=7\n") != NULL);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_hostile),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name("log", tests, setup, NULL);
}
