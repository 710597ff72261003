/* test_pebble_quick_rsa.c: RSA keys of the test CA: as sound as those that take longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "pebble-compat/primes.h"
#include "pebble-compat/quick_rsa.h"

#define KEYS 3

static void
keys_are_sound(void **state)
{
	EVP_PKEY	 *keys[KEYS] = { NULL };
	EVP_PKEY **const  places[KEYS] = { &keys[0], &keys[1], &keys[2] };

	(void)state;
	assert_true(quick_rsa(places, KEYS));
	for (size_t i = 0; i < KEYS; i++) {
		/* OpenSSL's own look at each part: primes, exponents, coefficient. */
		EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(keys[i], NULL);

		assert_int_equal(EVP_PKEY_get_bits(keys[i]), 2048);
		assert_int_equal(EVP_PKEY_check(context), 1);
		EVP_PKEY_CTX_free(context);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(EVP_PKEY_eq(keys[i], keys[k]), 1);
	}
	for (size_t i = 0; i < KEYS; i++)
		EVP_PKEY_free(keys[i]);
}

static void
larger_prime_first(void **state)
{
	EVP_PKEY	*key = NULL;
	EVP_PKEY **const places[] = { &key };
	BIGNUM		*p = NULL, *q = NULL;

	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_true(quick_rsa(places, 1));
		assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &p), 1);
		assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR2, &q), 1);
		assert_true(BN_cmp(p, q) > 0);
		EVP_PKEY_free(key);
	}
	BN_free(p);
	BN_free(q);
}

static void
primes_are_prime(void **state)
{
	BIGNUM *found[5];
	BN_CTX *context = BN_CTX_new();

	(void)state;
	assert_true(primes_find(found, 5, 3));
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(BN_num_bits(found[i]), PRIME_BITS);
		assert_true(BN_is_bit_set(found[i], PRIME_BITS - 2));
		assert_int_equal(BN_check_prime(found[i], context, NULL), 1);
		assert_int_equal(BN_mod_word(found[i], 3), 2);	/* not one more than a multiple of 3 */
		BN_free(found[i]);
	}
	BN_CTX_free(context);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_sound),
		cmocka_unit_test(larger_prime_first),
		cmocka_unit_test(primes_are_prime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
