/* thumbprint.c: RFC 7638 for a key that came some other way than as a JWK: out of a CSR. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <stdbool.h>
#include <string.h>

#include "jose/digest.h"
#include "jose/jwk.h"
#include "lib/base64url.h"

#define POINT_MAX 133	/* P-521, uncompressed */

/* RFC 7518, 6.2.1.1: the curve's JOSE name, and its coordinates' size. */
static const struct {
	const char *group, *crv;
	size_t	    size;
} curves[] = {
	{ "prime256v1", "P-256", 32 },
	{ "secp384r1", "P-384", 48 },
	{ "secp521r1", "P-521", 66 },
};

/* A key that came with its point compressed gives it back so; a JWK has both coordinates. */
static bool
expand(EVP_PKEY *key, uint8_t *point, size_t size)
{
	BIGNUM *x = NULL, *y = NULL;
	bool	done;

	done = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
	    BN_bn2binpad(x, point + 1, (int)size) >= 0 && BN_bn2binpad(y, point + 1 + size, (int)size) >= 0;
	BN_free(x);
	BN_free(y);
	return done;
}

static enum err
ec_text(EVP_PKEY *key, struct buf *text)
{
	char	group[32];
	uint8_t point[POINT_MAX];
	size_t	len;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1 ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) != 1)
		return ERR_UNSUPPORTED;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(curves[i].group, group) != 0)
			continue;
		if ((len != 1 + 2 * curves[i].size || point[0] != 4) && !expand(key, point, curves[i].size))
			return ERR_CRYPTO;
		buf_printf(text, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"", curves[i].crv);
		base64url_put(text, point + 1, curves[i].size);
		buf_put_str(text, "\",\"y\":\"");
		base64url_put(text, point + 1 + curves[i].size, curves[i].size);
		buf_put_str(text, "\"}");
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

static void
put_integer(struct buf *text, const BIGNUM *number)
{
	uint8_t bytes[JWK_TEXT_MAX];
	int	len = BN_num_bytes(number);

	if (len > (int)sizeof(bytes))
		text->failed = true;
	else
		base64url_put(text, bytes, (size_t)BN_bn2bin(number, bytes));
}

static enum err
rsa_text(EVP_PKEY *key, struct buf *text)
{
	BIGNUM	*n = NULL, *e = NULL;
	enum err err = ERR_CRYPTO;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1) {
		buf_put_str(text, "{\"e\":\"");
		put_integer(text, e);
		buf_put_str(text, "\",\"kty\":\"RSA\",\"n\":\"");
		put_integer(text, n);
		buf_put_str(text, "\"}");
		err = ERR_OK;
	}
	BN_free(n);
	BN_free(e);
	return err;
}

static enum err
okp_text(EVP_PKEY *key, const char *crv, struct buf *text)
{
	uint8_t bytes[64];
	size_t	len = sizeof(bytes);

	if (EVP_PKEY_get_raw_public_key(key, bytes, &len) != 1)
		return ERR_CRYPTO;
	buf_printf(text, "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"", crv);
	base64url_put(text, bytes, len);
	buf_put_str(text, "\"}");
	return ERR_OK;
}

enum err
jwk_thumbprint_of(EVP_PKEY *key, char out[JWK_THUMBPRINT_SIZE])
{
	struct buf text = { 0 };
	uint8_t	   hash[32];
	enum err   err = ERR_UNSUPPORTED;

	if (EVP_PKEY_is_a(key, "EC"))
		err = ec_text(key, &text);
	else if (EVP_PKEY_is_a(key, "RSA"))
		err = rsa_text(key, &text);
	else if (EVP_PKEY_is_a(key, "ED25519"))
		err = okp_text(key, "Ed25519", &text);
	else if (EVP_PKEY_is_a(key, "ED448"))
		err = okp_text(key, "Ed448", &text);
	if (err == ERR_OK && text.failed)
		err = ERR_MEMORY;
	if (err == ERR_OK &&
	    EVP_Digest(text.data, text.len, hash, NULL, digest_get(DIGEST_SHA256), NULL) != 1)
		err = ERR_CRYPTO;
	if (err == ERR_OK)
		base64url_text(hash, sizeof(hash), out);
	buf_free(&text);
	return err;
}
