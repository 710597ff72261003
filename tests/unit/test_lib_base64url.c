/* test_lib_base64url.c: base64url both ways, and the ids that are written in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/id.h"

/* RFC 4648, 10, without padding. */
static void
test_vectors(void **state)
{
	static const char *const vectors[][2] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" },
		{ "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "-__-" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf	 text = { 0 }, bytes = { 0 };
		char		 out[16];

		base64url_put(&text, vectors[i][0], strlen(vectors[i][0]));
		assert_true(slice_eq_str(buf_slice(&text), vectors[i][1]));
		base64url_text(vectors[i][0], strlen(vectors[i][0]), out);
		assert_string_equal(out, vectors[i][1]);
		assert_int_equal(base64url_get(slice_str(vectors[i][1]), &bytes), ERR_OK);
		assert_true(slice_eq_str(buf_slice(&bytes), vectors[i][0]));
		buf_free(&text);
		buf_free(&bytes);
	}
}

/* Every length around the size of a chunk, every byte value. */
static void
test_lengths(void **state)
{
	uint8_t	 in[1200];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t len = 0; len <= sizeof(in); len++) {
		struct buf	 text = { 0 }, bytes = { 0 };
		uint8_t		 exact[sizeof(in)];

		base64url_put(&text, in, len);
		assert_int_equal(text.len, BASE64URL_LEN(len));
		assert_int_equal(base64url_get(buf_slice(&text), &bytes), ERR_OK);
		assert_true(slice_eq(buf_slice(&bytes), slice_of(in, len)));
		assert_int_equal(base64url_bytes(buf_slice(&text), exact, len), ERR_OK);
		assert_memory_equal(exact, in, len);
		assert_int_equal(base64url_bytes(buf_slice(&text), exact, len + 1), ERR_MALFORMED);
		buf_free(&text);
		buf_free(&bytes);
	}
}

static void
test_refused(void **state)
{
	static const char *const texts[] = {
		"A", "AAAAA", "AA=", "AA==", "AAA=", "=", "AB", "AAB", "AA A", " AAA", "AAA\n", "AA+A",
		"AA/A", "AA.A", "AAA\x80", "\xffZZZ", "AAA\x7f", "AA@A", "AA[A", "AA`A", "AA{A", "AA:A",
	};
	struct buf	 out = { 0 };

	(void)state;
	buf_put_str(&out, "kept");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(base64url_get(slice_str(texts[i]), &out), ERR_MALFORMED);
	assert_int_equal(base64url_get(slice_of("AA\0A", 4), &out), ERR_MALFORMED);
	assert_true(slice_eq_str(buf_slice(&out), "kept"));
	buf_free(&out);
}

/* Exactly 64 of the 256 characters are taken. */
static void
test_alphabet(void **state)
{
	int	 taken = 0;

	(void)state;
	for (int c = 0; c < 256; c++) {
		uint8_t	 text[4] = { 'A', 'A', 'A', (uint8_t)c }, out[3];

		taken += base64url_bytes(slice_of(text, 4), out, 3) == ERR_OK;
	}
	assert_int_equal(taken, 64);
}

static void
test_id(void **state)
{
	int64_t		 before = clock_now_ms();
	struct id	 id = id_new(), other = id_new(), back;
	char		 text[ID_TEXT_SIZE];

	(void)state;
	assert_false(id_eq(id, other));
	assert_false(id_is_zero(id));
	assert_true(id_is_zero((struct id){ { 0 } }));
	assert_in_range(id_time_ms(id), before, clock_now_ms());
	id_text(id, text);
	assert_int_equal(strlen(text), 22);
	assert_true(id_parse(text, 22, &back));
	assert_true(id_eq(id, back));
	assert_false(id_parse(text, 21, &back));
	assert_false(id_parse(text, 23, &back));
	assert_false(id_parse("AAAAAAAAAAAAAAAAAAAAAB", 22, &back));	/* set bits past the end */
	assert_false(id_parse("AAAAAAAAAAAAAAAAAAAAA=", 22, &back));
	assert_false(id_parse("", 0, &back));
}

#define MANY 1000

static void *
make_ids(void *arg)
{
	struct id	*ids = arg;

	for (int i = 0; i < MANY; i++)
		ids[i] = id_new();
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, ID_SIZE);
}

static void
test_id_unique(void **state)
{
	static struct id	 ids[4 * MANY];
	pthread_t		 threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + i * MANY), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, 4 * MANY, sizeof(ids[0]), compare);
	for (int i = 1; i < 4 * MANY; i++)
		assert_false(id_eq(ids[i - 1], ids[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_alphabet),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_id_unique),
	};

	return cmocka_run_group_tests_name("base64url and id", tests, NULL, NULL);
}
