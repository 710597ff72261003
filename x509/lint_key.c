#include <openssl/core_names.h>

#include "x509/key.h"
#include "x509/lint_view.h"
#include "x509/rsa.h"

static bool
no(struct reason *reason, const char *text)
{
	reason_set(reason, "%s", text);
	return false;
}

static bool
is_rsa(const struct lint_view *view)
{
	return view->key_kind == NID_rsaEncryption;
}

bool
lint_key_kind(const struct lint_view *view, struct reason *reason)
{
	switch (view->key_kind) {
	case NID_rsaEncryption:
	case NID_X9_62_id_ecPublicKey:
		return true; /* whether it can be read is other lints' business */
	case NID_ED25519:
	case NID_ED448:
		return view->key != NULL || no(reason, "the public key can't be read");
	default:
		reason_set(reason, "the public key is %s: neither ECDSA, RSA nor EdDSA", OBJ_nid2sn(view->key_kind));
		return false;
	}
}

bool
lint_rsa_size(const struct lint_view *view, struct reason *reason)
{
	return !is_rsa(view) || (view->key != NULL && key_type_of(view->key) != 0) ||
	       no(reason, "the RSA key has neither 2048, 3072 nor 4096 bits, or can't be read");
}

/* One number of an RSA key, owned; NULL for other kinds. */
static BIGNUM *
rsa_number(const struct lint_view *view, const char *which)
{
	BIGNUM *number = NULL;

	if (is_rsa(view) && view->key != NULL)
		EVP_PKEY_get_bn_param(view->key, which, &number);
	return number;
}

bool
lint_rsa_exponent(const struct lint_view *view, struct reason *reason)
{
	BIGNUM *e = rsa_number(view, OSSL_PKEY_PARAM_RSA_E);
	bool ok = e == NULL || (BN_is_odd(e) && BN_num_bits(e) >= 17); /* 65537 has 17 */

	BN_free(e);
	return ok || no(reason, "the RSA exponent is even or below 65537");
}

bool
lint_rsa_odd(const struct lint_view *view, struct reason *reason)
{
	BIGNUM *n = rsa_number(view, OSSL_PKEY_PARAM_RSA_N);
	bool ok = n == NULL || BN_is_odd(n);

	BN_free(n);
	return ok || no(reason, "the RSA modulus is even");
}

bool
lint_rsa_small_factor(const struct lint_view *view, struct reason *reason)
{
	BIGNUM *n = rsa_number(view, OSSL_PKEY_PARAM_RSA_N);
	unsigned factor = n != NULL && BN_is_odd(n) ? rsa_small_factor(n) : 0;

	BN_free(n);
	if (factor == 0)
		return true;
	reason_set(reason, "the RSA modulus is divisible by %u", factor);
	return false;
}

bool
lint_rsa_roca(const struct lint_view *view, struct reason *reason)
{
	BIGNUM *n = rsa_number(view, OSSL_PKEY_PARAM_RSA_N);
	bool ok = n == NULL || !rsa_is_roca(n);

	BN_free(n);
	return ok || no(reason, "the RSA modulus has the ROCA fingerprint");
}

bool
lint_rsa_close(const struct lint_view *view, struct reason *reason)
{
	BIGNUM *n = rsa_number(view, OSSL_PKEY_PARAM_RSA_N);
	bool ok = n == NULL || !BN_is_odd(n) || rsa_is_close(n, RSA_FERMAT_ROUNDS) == ERR_OK;

	BN_free(n);
	return ok || no(reason, "the RSA primes are close together");
}

/* RFC 5480, 2.1.1, as it is encoded; the curves are those of CABF BR 6.1.5. */
static bool
curve_is_named(const struct lint_view *view)
{
	X509_ALGOR *algorithm;
	const void *value;
	int type, nid;

	X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(view->cert));
	X509_ALGOR_get0(NULL, &type, &value, algorithm);
	nid = type == V_ASN1_OBJECT ? OBJ_obj2nid(value) : NID_undef;
	return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 || nid == NID_secp521r1;
}

static bool
is_ec(const struct lint_view *view)
{
	return view->key_kind == NID_X9_62_id_ecPublicKey;
}

bool
lint_ec_named_curve(const struct lint_view *view, struct reason *reason)
{
	return !is_ec(view) || curve_is_named(view) ||
	       no(reason, "the EC key doesn't name its curve, or it is none of P-256, P-384 and P-521");
}

bool
lint_ec_point(const struct lint_view *view, struct reason *reason)
{
	if (!is_ec(view) || !curve_is_named(view))
		return true;
	/* The caller's own has passed already. */
	if (view->key != NULL && view->decoded == NULL)
		return true;
	return (view->key != NULL && key_point_valid(view->key)) ||
	       no(reason, "the EC key's point is not on its curve");
}

bool
lint_key_blocked(const struct lint_view *view, struct reason *reason)
{
	return view->key == NULL || blocklist_check(view->context->blocked, view->key, reason) == ERR_OK;
}

bool
lint_key_not_issuers(const struct lint_view *view, struct reason *reason)
{
	const ASN1_BIT_STRING *mine = X509_get0_pubkey_bitstr(view->cert);
	const ASN1_BIT_STRING *issuers = X509_get0_pubkey_bitstr(view->context->issuer);

	return ASN1_STRING_cmp(mine, issuers) != 0 || no(reason, "the public key is the issuer's own");
}
