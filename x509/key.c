#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#include "x509/key.h"
#include "x509/rsa.h"

static const struct key_row {
	enum key_type type;
	const char *name;
	int base;
	int bits; /* RSA only */
	const char *group; /* EC only: OpenSSL's name */
} key_rows[] = {
	{ KEY_P256, "p256", EVP_PKEY_EC, 0, "prime256v1" },
	{ KEY_P384, "p384", EVP_PKEY_EC, 0, "secp384r1" },
	{ KEY_P521, "p521", EVP_PKEY_EC, 0, "secp521r1" },
	{ KEY_RSA2048, "rsa2048", EVP_PKEY_RSA, 2048, NULL },
	{ KEY_RSA3072, "rsa3072", EVP_PKEY_RSA, 3072, NULL },
	{ KEY_RSA4096, "rsa4096", EVP_PKEY_RSA, 4096, NULL },
	{ KEY_ED25519, "ed25519", EVP_PKEY_ED25519, 0, NULL },
	{ KEY_ED448, "ed448", EVP_PKEY_ED448, 0, NULL },
};

#define ROWS (sizeof(key_rows) / sizeof(key_rows[0]))

static const struct key_row *
row_of(EVP_PKEY *key)
{
	int base = EVP_PKEY_get_base_id(key);
	char group[64] = "";
	size_t i;

	if (base == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return NULL;
	for (i = 0; i < ROWS; i++) {
		const struct key_row *row = &key_rows[i];

		if (row->base != base)
			continue;
		if (row->group != NULL && strcmp(row->group, group) != 0)
			continue;
		if (row->bits != 0 && EVP_PKEY_get_bits(key) != row->bits)
			continue;
		return row;
	}
	return NULL;
}

enum key_type
key_type_of(EVP_PKEY *key)
{
	const struct key_row *row = row_of(key);

	return row == NULL ? (enum key_type)0 : row->type;
}

const char *
key_type_name(enum key_type type)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (key_rows[i].type == type)
			return key_rows[i].name;
	return "unknown";
}

enum key_type
key_type_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (strcmp(key_rows[i].name, name) == 0)
			return key_rows[i].type;
	return (enum key_type)0;
}

EVP_PKEY *
key_generate(enum key_type type)
{
	size_t i;

	for (i = 0; i < ROWS; i++) {
		const struct key_row *row = &key_rows[i];

		if (row->type != type)
			continue;
		if (row->base == EVP_PKEY_RSA)
			return EVP_RSA_gen((unsigned)row->bits);
		if (row->base == EVP_PKEY_EC)
			return EVP_EC_gen(row->group);
		return EVP_PKEY_Q_keygen(NULL, NULL, row->base == EVP_PKEY_ED25519 ? "ED25519" : "ED448");
	}
	return NULL;
}

static enum err
bad(struct reason *reason, const char *text)
{
	reason_set(reason, "%s", text);
	return ERR_BAD_KEY;
}

static enum err
rsa_check(EVP_PKEY *key, struct reason *reason)
{
	BIGNUM *n = NULL, *e = NULL;
	unsigned factor;
	enum err err = ERR_BAD_KEY;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
		reason_set(reason, "the RSA key can't be read");
		goto out;
	}
	if (!BN_is_word(e, 65537)) /* CA/Browser Forum, Baseline Requirements 6.1.6; Boulder takes no other */
		reason_set(reason, "the RSA key's exponent is not 65537");
	else if (!BN_is_odd(n))
		reason_set(reason, "the RSA key's modulus is even, so it is no product of two large primes");
	else if ((factor = rsa_small_factor(n)) != 0)
		reason_set(reason, "the RSA key's modulus is divisible by %u", factor);
	else if (rsa_is_roca(n))
		reason_set(reason, "the RSA key was made by a faulty Infineon chip (ROCA, CVE-2017-15361); "
				   "make another one elsewhere");
	else
		err = rsa_is_close(n, RSA_FERMAT_ROUNDS);
	if (err == ERR_EXISTS)
		err = bad(reason, "the RSA key's primes are so close that Fermat's method factors it");
out:
	BN_free(n);
	BN_free(e);
	return err;
}

bool
key_curve_named(EVP_PKEY *key)
{
	int explicit_parameters = 0;

	/* RFC 5480, 2.1.1: namedCurve only. OpenSSL would recognise explicit parameters by their values. */
	if (EVP_PKEY_get_int_param(
		key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_parameters) == 1 &&
	    explicit_parameters)
		return false;
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && row_of(key) != NULL;
}

bool
key_point_valid(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	/* Not infinity, coordinates in range, on the curve. The cofactor of these curves is 1, so every such
	 * point has the right order: the full check's multiplication would prove nothing more. */
	bool ok = ctx != NULL && EVP_PKEY_public_check_quick(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static enum err
ec_check(EVP_PKEY *key, struct reason *reason)
{
	if (!key_curve_named(key))
		return bad(
		    reason, "the EC key spells its curve out; name the curve instead (RFC 5480, 2.1.1)");
	return key_point_valid(key) ? ERR_OK : bad(reason, "the EC key's point is not on its curve");
}

enum err
key_check(EVP_PKEY *key, struct reason *reason)
{
	const struct key_row *row = row_of(key);
	int base = EVP_PKEY_get_base_id(key);

	if (row == NULL && base == EVP_PKEY_RSA) {
		reason_set(reason, "an RSA key of %d bits is not accepted; use 2048, 3072 or 4096",
		    EVP_PKEY_get_bits(key));
		return ERR_BAD_KEY;
	}
	if (row == NULL && base == EVP_PKEY_EC)
		return bad(reason, "the EC key's curve is not accepted; use P-256, P-384 or P-521");
	if (row == NULL)
		return bad(reason, "this kind of key is not accepted; use ECDSA, RSA or EdDSA");
	if (base == EVP_PKEY_RSA)
		return rsa_check(key, reason);
	if (base == EVP_PKEY_EC)
		return ec_check(key, reason);
	return ERR_OK;
}

enum err
key_spki_hash(EVP_PKEY *key, uint8_t out[SPKI_HASH_SIZE])
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0)
		return ERR_CRYPTO;
	SHA256(der, (size_t)len, out);
	OPENSSL_free(der);
	return ERR_OK;
}
