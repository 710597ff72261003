/* test_lib_json.c: JSON, strict; and whole small files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/json.h"

static void
test_accepted(void **state)
{
	struct reason	 reason = { "" };
	struct buf	 text = { 0 };
	json_t		*json;

	(void)state;
	assert_int_equal(json_object_parse(slice_str(" {\"b\": \"gr\xc3\xbc\xc3\x9f\", \"a\": [1, {}], "
	    "\"n\": null} "), &json, &reason), ERR_OK);
	assert_string_equal(json_member_str(json, "b"), "gr\xc3\xbc\xc3\x9f");
	assert_null(json_member_str(json, "a"));
	assert_null(json_member_str(json, "n"));
	assert_null(json_member_str(json, "absent"));
	json_put(&text, json);
	assert_true(slice_eq_str(buf_slice(&text), "{\"b\":\"gr\xc3\xbc\xc3\x9f\",\"a\":[1,{}],\"n\":null}"));
	buf_free(&text);
	json_decref(json);
}

static void
test_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "empty text" },
		{ "[]", "array where an object" },
		{ "1", "invalid JSON" },
		{ "{} {}", "end of file expected" },
		{ "{\n \"a\": 1,\n \"a\": 2}", "line 3" },
		{ "{\"a\":1,\"\\u0061\":2}", "duplicate" },
		{ "{\"a\":1,}", "invalid JSON" },
		{ "{a:1}", "invalid JSON" },
		{ "{\"a\":\"\x01\"}", "invalid JSON" },
		{ "{\"a\":\"\xc0\x80\"}", "invalid JSON" },
		{ "{\"a\":\"\\ud800\"}", "invalid JSON" },
		{ "{\"a\":\"\\u0000\"}", "invalid JSON" },
		{ "{\"a\":NaN}", "invalid JSON" },
		{ "{\"a\":1e999}", "invalid JSON" },
		{ "{\"a\":01}", "invalid JSON" },
		{ "{\"a\":99999999999999999999}", "invalid JSON" },
		{ "\xef\xbb\xbf{}", "invalid JSON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reason	 reason = { "" };
		json_t		*json = (json_t *)-1;

		assert_int_equal(json_object_parse(slice_str(cases[i][0]), &json, &reason), ERR_MALFORMED);
		assert_null(json);
		if (strstr(reason.text, cases[i][1]) == NULL)
			fail_msg("%s: \"%s\" lacks \"%s\"", cases[i][0], reason.text, cases[i][1]);
	}
}

/* {"a":[[...]]} with that many levels, brackets inside a string not counted. */
static enum err
nested(int levels)
{
	struct buf	 b = { 0 };
	json_t		*json;
	enum err	 err;

	buf_put_str(&b, "{\"[[[[[[[[[[[[[[[[[[[[\\\"[[\":");
	for (int i = 1; i < levels; i++)
		buf_put_byte(&b, '[');
	for (int i = 1; i < levels; i++)
		buf_put_byte(&b, ']');
	buf_put_str(&b, levels == 1 ? "1}" : "}");
	err = json_object_parse(buf_slice(&b), &json, NULL);
	buf_free(&b);
	json_decref(json);
	return err;
}

static void
test_depth(void **state)
{
	(void)state;
	assert_int_equal(nested(1), ERR_OK);
	assert_int_equal(nested(JSON_DEPTH_MAX), ERR_OK);
	assert_int_equal(nested(JSON_DEPTH_MAX + 1), ERR_MALFORMED);
	assert_int_equal(nested(100000), ERR_MALFORMED);
}

static void
test_file(void **state)
{
	char		 dir[] = "/tmp/signet-test-XXXXXX", *path, *other;
	struct buf	 b = { 0 };
	struct stat	 st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = file_join(dir, "a.pem");
	other = file_join(dir, "absent/b.pem");
	umask(077);
	assert_int_equal(file_create(path, 0644, slice_str("hello")), ERR_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(file_create(path, 0600, slice_str("other")), ERR_EXISTS);
	assert_int_equal(file_create(other, 0600, slice_str("other")), ERR_IO);
	buf_put_str(&b, "> ");
	assert_int_equal(file_read(path, 5, &b), ERR_OK);
	assert_true(slice_eq_str(buf_slice(&b), "> hello"));
	assert_int_equal(file_read(path, 4, &b), ERR_TOO_LARGE);
	assert_int_equal(file_read(other, 4, &b), ERR_NOT_FOUND);
	assert_int_equal(file_read(dir, 4, &b), ERR_IO);
	assert_true(slice_eq_str(buf_slice(&b), "> hello"));
	unlink(path);
	rmdir(dir);
	buf_free(&b);
	free(path);
	free(other);
	path = file_join("/etc/signet", "/abs/name");
	assert_string_equal(path, "/abs/name");
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests_name("json and file", tests, NULL, NULL);
}
