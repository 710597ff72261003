#include "pebble-compat/quick_rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <string.h>

#define PRIME_BITS 1024
#define EXPONENT 65537
/* Candidates are tried at growing distances from a random start; among so many there is a prime nearly always (they are
 * 355 odd numbers apart on the average), else another start is drawn. */
#define SPAN 4096
/* Rounds of Miller and Rabin for random candidates of 1024 bits: 2^-80 is reached with 3 (Handbook of Applied
 * Cryptography, 4.49); Fermat's to base 2 comes first and costs one. */
#define ROUNDS 4
#define SIEVE_PRIMES 1024

struct work {
	BN_CTX	*context;
	BIGNUM	*base, *less, *power;
};

static unsigned
small_primes(unsigned out[SIEVE_PRIMES])
{
	unsigned count = 0;

	for (unsigned n = 3; count < SIEVE_PRIMES; n += 2) {
		unsigned i = 0;

		while (i < count && out[i] * out[i] <= n && n % out[i] != 0)
			i++;
		if (i == count || out[i] * out[i] > n)
			out[count++] = n;
	}
	return count;
}

/* Marks the offsets 2i at which start + 2i has a small factor. */
static void
sieve(const BIGNUM *start, bool composite[SPAN])
{
	unsigned primes[SIEVE_PRIMES], count = small_primes(primes);

	memset(composite, 0, SPAN * sizeof(composite[0]));
	for (unsigned i = 0; i < count; i++) {
		unsigned p = primes[i], rest = (unsigned)BN_mod_word(start, p);
		/* start + 2k = 0 mod p: k is half of -rest. */
		unsigned k = rest == 0 ? 0 : (p - rest) % 2 == 0 ? (p - rest) / 2 : (2 * p - rest) / 2;

		for (; k < SPAN; k += p)
			composite[k] = true;
	}
}

/* Fermat's test to base 2, which nearly every composite number fails. */
static bool
may_be_prime(struct work *w, const BIGNUM *candidate)
{
	return BN_copy(w->less, candidate) != NULL && BN_sub_word(w->less, 1) == 1 && BN_set_word(w->base, 2) == 1 &&
	    BN_mod_exp(w->power, w->base, w->less, candidate, w->context) == 1 && BN_is_one(w->power);
}

/* One round of Miller and Rabin to a random base. */
static bool
survives(struct work *w, const BIGNUM *candidate)
{
	int twos = 0;

	if (BN_copy(w->less, candidate) == NULL || BN_sub_word(w->less, 1) != 1 ||
	    BN_rand_range(w->base, w->less) != 1 || BN_is_zero(w->base))
		return false;
	while (!BN_is_bit_set(w->less, twos))
		twos++;
	if (BN_rshift(w->power, w->less, twos) != 1 ||
	    BN_mod_exp(w->power, w->base, w->power, candidate, w->context) != 1)
		return false;
	if (BN_is_one(w->power) || BN_cmp(w->power, w->less) == 0)
		return true;
	for (int i = 1; i < twos; i++)
		if (BN_mod_sqr(w->power, w->power, candidate, w->context) == 1 && BN_cmp(w->power, w->less) == 0)
			return true;
	return false;
}

static bool
is_prime(struct work *w, const BIGNUM *candidate)
{
	if (!may_be_prime(w, candidate) || BN_mod_word(w->less, EXPONENT) == 0)
		return false;
	for (int i = 0; i < ROUNDS; i++)
		if (!survives(w, candidate))
			return false;
	return true;
}

static bool
prime(struct work *w, BIGNUM *out)
{
	bool composite[SPAN];

	for (;;) {
		if (BN_rand(out, PRIME_BITS, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) != 1)
			return false;
		sieve(out, composite);
		for (unsigned k = 0, at = 0; k < SPAN; k++) {
			if (composite[k])
				continue;
			if (BN_add_word(out, 2 * (BN_ULONG)(k - at)) != 1)
				return false;
			at = k;
			if (BN_num_bits(out) == PRIME_BITS && is_prime(w, out))
				return true;
		}
	}
}

/* --- the key from two primes ------------------------------------------------------------------------- */

struct parts {
	BIGNUM *p, *q, *n, *e, *d, *dp, *dq, *qinv, *t;
};

static bool
compute(struct parts *k, BN_CTX *context)
{
	/* d, dp and dq from the primes less one; BN_mod_inverse() is NULL when there is none. */
	return BN_set_word(k->e, EXPONENT) == 1 && BN_mul(k->n, k->p, k->q, context) == 1 &&
	    BN_mod_inverse(k->qinv, k->q, k->p, context) != NULL && BN_sub_word(k->p, 1) == 1 &&
	    BN_sub_word(k->q, 1) == 1 && BN_mul(k->t, k->p, k->q, context) == 1 &&
	    BN_mod_inverse(k->d, k->e, k->t, context) != NULL && BN_mod(k->dp, k->d, k->p, context) == 1 &&
	    BN_mod(k->dq, k->d, k->q, context) == 1 && BN_add_word(k->p, 1) == 1 && BN_add_word(k->q, 1) == 1;
}

static EVP_PKEY *
assemble(const struct parts *k)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX   *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM     *params = NULL;
	EVP_PKEY       *key = NULL;

	if (build != NULL && context != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, k->n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, k->e) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, k->d) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->qinv) == 1 &&
	    (params = OSSL_PARAM_BLD_to_param(build)) != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(context);
	return key;
}

EVP_PKEY *
quick_rsa(void)
{
	BN_CTX	    *context = BN_CTX_new();
	struct work  w = { .context = context };
	struct parts k = { 0 };
	EVP_PKEY    *key = NULL;

	if (context == NULL)
		return NULL;
	BN_CTX_start(context);
	w.base = BN_CTX_get(context);
	w.less = BN_CTX_get(context);
	w.power = BN_CTX_get(context);
	k = (struct parts){ BN_CTX_get(context), BN_CTX_get(context), BN_CTX_get(context), BN_CTX_get(context),
		BN_CTX_get(context), BN_CTX_get(context), BN_CTX_get(context), BN_CTX_get(context), BN_CTX_get(context) };
	if (k.t != NULL && prime(&w, k.p) && prime(&w, k.q) && BN_cmp(k.p, k.q) != 0 && compute(&k, context))
		key = assemble(&k);
	BN_CTX_end(context);
	BN_CTX_free(context);
	return key;
}
