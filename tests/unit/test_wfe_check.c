#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wfe/check.h"

static void
media_types(void **state)
{
	(void)state;
	assert_true(media_type_is_jose("application/jose+json"));
	assert_true(media_type_is_jose("Application/JOSE+json; charset=utf-8"));
	assert_true(media_type_is_jose(" application/jose+json ;x"));
	assert_false(media_type_is_jose(NULL));
	assert_false(media_type_is_jose(""));
	assert_false(media_type_is_jose("application/jose"));
	assert_false(media_type_is_jose("application/jose+jsonx"));
	assert_false(media_type_is_jose("application/json"));
	assert_false(media_type_is_jose("text/plain, application/jose+json"));
	assert_true(media_type_is_ocsp("application/ocsp-request"));
	assert_false(media_type_is_ocsp("application/ocsp-response"));
}

static void
encodings(void **state)
{
	(void)state;
	assert_true(encoding_is_identity(NULL));
	assert_true(encoding_is_identity(""));
	assert_true(encoding_is_identity("Identity"));
	assert_false(encoding_is_identity("gzip"));
	assert_false(encoding_is_identity("identity, gzip"));
}

/* RFC 6960, A.1 */
static const struct {
	const char *text, *der;		/* NULL: refused */
} ocsp_paths[] = {
	{ "MDEy", "012" },
	{ "/MDEy", "012" },
	{ "//MDEy", "012" },
	{ "MDE=", "01" },
	{ "MDE", "01" },
	{ "MDE%3D", "01" },
	{ "MDE%3d", "01" },
	{ "MA==", "0" },
	{ "%4d%44Ey", "012" },
	{ "Pz8%2F", "\x3f\x3f\x3f" },
	{ "Pz8/", "\x3f\x3f\x3f" },
	{ "Pj4+", "\x3e\x3e\x3e" },
	{ "Pj4%2B", "\x3e\x3e\x3e" },
	{ "Pj4-", "\x3e\x3e\x3e" },
	{ "", NULL },
	{ "/", NULL },
	{ "=", NULL },
	{ "MA===", NULL },
	{ "MD=Ey", NULL },
	{ "M", NULL },
	{ "MDEy%", NULL },
	{ "MDEy%4", NULL },
	{ "MDEy%4g", NULL },
	{ "MDEy%00", NULL },
	{ "MD Ey", NULL },
	{ "MDF", NULL },	/* bits past the end */
};

static void
ocsp_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ocsp_paths) / sizeof(ocsp_paths[0]); i++) {
		struct buf der = { 0 };
		bool	   ok = ocsp_path_decode(slice_str(ocsp_paths[i].text), &der);

		if (ok != (ocsp_paths[i].der != NULL) || (ok && !slice_eq_str(buf_slice(&der), ocsp_paths[i].der)))
			fail_msg("%s", ocsp_paths[i].text);
		buf_free(&der);
	}
}

static void
targets(void **state)
{
	char out[8];
	bool query;

	(void)state;
	assert_true(target_clean("/abc", out, sizeof(out), &query));
	assert_string_equal(out, "/abc");
	assert_false(query);
	assert_true(target_clean("/abc?d", out, sizeof(out), &query));
	assert_string_equal(out, "/abc");
	assert_true(query);
	assert_true(target_clean("/abcdef?", out, sizeof(out), &query));
	assert_true(query);
	assert_false(target_clean("/abcdefg", out, sizeof(out), &query));
	assert_string_equal(out, "/abcdef");
	assert_false(query);
	assert_false(target_clean("/abcdefg?x", out, sizeof(out), &query));
	assert_true(query);
	assert_true(target_clean("/\x01\x7f\xff", out, sizeof(out), &query));
	assert_string_equal(out, "/???");
	assert_true(target_clean("", out, sizeof(out), &query));
	assert_string_equal(out, "");
}

static void
texts(void **state)
{
	char out[5];

	(void)state;
	text_clean(NULL, out, sizeof(out));
	assert_string_equal(out, "");
	text_clean("a\r\nb", out, sizeof(out));
	assert_string_equal(out, "a??b");
	text_clean("abcdef", out, sizeof(out));
	assert_string_equal(out, "abcd");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(media_types), cmocka_unit_test(encodings),
		cmocka_unit_test(ocsp_path), cmocka_unit_test(targets), cmocka_unit_test(texts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
