/* Revocation lists as wfe puts them together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wfe/crls.h"

static struct msg_crl
part_of(uint64_t number, uint32_t total, uint32_t offset, const char *text)
{
	return (struct msg_crl){ .number = number, .total = total, .offset = offset, .part = slice_str(text) };
}

static enum err
take(struct crls *crls, uint64_t number, uint32_t total, uint32_t offset, const char *text)
{
	struct msg_crl part = part_of(number, total, offset, text);

	return crls_take(crls, &part);
}

#define PATH "/crl/0000000000000000/0.crl"

static void
expect(struct crls *crls, const char *path, const char *want)
{
	struct buf out = { 0 };

	assert_int_equal(crls_get(crls, path, &out), ERR_OK);
	assert_true(slice_eq_str(buf_slice(&out), want));
	buf_free(&out);
}

static void
test_parts(void **state)
{
	struct crls *crls = crls_new();
	struct buf   out = { 0 };

	(void)state;
	assert_int_equal(crls_get(crls, PATH, &out), ERR_BUSY);		/* none yet at all */
	assert_int_equal(take(crls, 1, 6, 0, "abc"), ERR_OK);
	assert_int_equal(crls_get(crls, PATH, &out), ERR_BUSY);		/* half of it is none */
	assert_int_equal(take(crls, 1, 6, 3, "def"), ERR_OK);
	expect(crls, PATH, "abcdef");
	assert_int_equal(crls_get(crls, "/crl/0000000000000000/1.crl", &out), ERR_NOT_FOUND);
	assert_int_equal(take(crls, 3, 2, 0, "gh"), ERR_OK);
	expect(crls, PATH, "gh");
	assert_int_equal(take(crls, 2, 2, 0, "ij"), ERR_OK);		/* an older one comes late */
	expect(crls, PATH, "gh");
	crls_free(crls);
	crls_free(NULL);
}

static void
test_disorder(void **state)
{
	struct crls   *crls = crls_new();
	struct msg_crl part;

	(void)state;
	assert_int_equal(take(crls, 1, 6, 3, "def"), ERR_MALFORMED);
	assert_int_equal(take(crls, 1, 6, 0, "abc"), ERR_OK);
	assert_int_equal(take(crls, 1, 6, 4, "ef"), ERR_MALFORMED);
	assert_int_equal(take(crls, 2, 6, 3, "def"), ERR_MALFORMED);
	assert_int_equal(take(crls, 1, 7, 3, "def"), ERR_MALFORMED);
	part = part_of(1, 6, 3, "def");
	part.shard = 1;
	assert_int_equal(crls_take(crls, &part), ERR_MALFORMED);
	part.shard = 0;
	part.issuer[31] = 1;
	assert_int_equal(crls_take(crls, &part), ERR_MALFORMED);
	assert_int_equal(take(crls, 1, 6, 3, "def"), ERR_OK);
	expect(crls, PATH, "abcdef");
	crls_free(crls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parts), cmocka_unit_test(test_disorder) };

	return cmocka_run_group_tests_name("wfe_crls", tests, NULL, NULL);
}
