#include "pebble-compat/quick_rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "pebble-compat/primes.h"

#define EXPONENT 65537

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

/* NULL: OpenSSL failed. */
static EVP_PKEY *
key_of(BIGNUM *one, BIGNUM *other)
{
	BN_CTX	    *context = BN_CTX_secure_new();
	bool	     ordered = BN_cmp(one, other) > 0;	/* p > q: some libraries insist */
	struct parts k = { .p = ordered ? one : other, .q = ordered ? other : one };
	EVP_PKEY    *key = NULL;

	if (context == NULL)
		return NULL;
	BN_CTX_start(context);
	k.n = BN_CTX_get(context);
	k.e = BN_CTX_get(context);
	k.d = BN_CTX_get(context);
	k.dp = BN_CTX_get(context);
	k.dq = BN_CTX_get(context);
	k.qinv = BN_CTX_get(context);
	k.t = BN_CTX_get(context);
	if (k.t != NULL && BN_cmp(k.p, k.q) != 0 && compute(&k, context))
		key = assemble(&k);
	BN_CTX_end(context);
	BN_CTX_free(context);
	return key;
}

bool
quick_rsa(EVP_PKEY **const places[], size_t count)
{
	BIGNUM **primes = calloc(2 * count, sizeof(BIGNUM *));
	bool	 ok = primes != NULL && primes_find(primes, 2 * count, EXPONENT);

	for (size_t i = 0; ok && i < count; i++)
		ok = (*places[i] = key_of(primes[2 * i], primes[2 * i + 1])) != NULL;
	for (size_t i = 0; primes != NULL && i < 2 * count; i++)
		BN_clear_free(primes[i]);
	free(primes);
	return ok;
}
