/* verify.c: whether a JWS was signed by that key. The costliest thing a request does. */
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <string.h>

#include "jose/jws_internal.h"

#define EC_HALF_MAX 66					/* P-521 */
#define EC_DER_MAX (3 + 2 * (2 + 1 + EC_HALF_MAX))	/* SEQUENCE of two INTEGERs, each with a sign octet */

/* Appends the INTEGER with the value of these big-endian bytes, in as few octets as DER wants. */
static uint8_t *
der_integer(uint8_t *out, const uint8_t *value, size_t len)
{
	bool	 sign;

	while (len > 1 && value[0] == 0) {
		value++;
		len--;
	}
	sign = (value[0] & 0x80) != 0;
	*out++ = 0x02;
	*out++ = (uint8_t)(len + sign);
	if (sign)
		*out++ = 0;
	memcpy(out, value, len);
	return out + len;
}

/* r||s (RFC 7518, 3.4) as OpenSSL takes it: Ecdsa-Sig-Value in DER. Returns the length. */
static size_t
der_signature(uint8_t out[EC_DER_MAX], const uint8_t *rs, size_t half)
{
	uint8_t	 body[EC_DER_MAX], *end, *p = out;
	size_t	 len;

	end = der_integer(body, rs, half);
	end = der_integer(end, rs + half, half);
	len = (size_t)(end - body);
	*p++ = 0x30;
	if (len > 127)
		*p++ = 0x81;
	*p++ = (uint8_t)len;
	memcpy(p, body, len);
	return (size_t)(p - out) + len;
}

/* RSASSA-PKCS1-v1_5 or ECDSA: OpenSSL checks the signature over a hash that is made here. */
static enum err
verify_hash(const struct jws_algorithm *alg, EVP_PKEY *key, struct slice input, struct slice signature)
{
	const EVP_MD	*md = digest_get(alg->digest);
	EVP_PKEY_CTX	*ctx = NULL;
	uint8_t		 hash[EVP_MAX_MD_SIZE], der[EC_DER_MAX];
	unsigned	 hash_len;
	enum err	 err = ERR_CRYPTO;

	if (alg->key == EVP_PKEY_EC) {
		signature.len = der_signature(der, signature.data, alg->half);
		signature.data = der;
	}
	if (EVP_Digest(input.data, input.len, hash, &hash_len, md, NULL) != 1 ||
	    (ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) == NULL || EVP_PKEY_verify_init(ctx) != 1)
		goto out;
	if (alg->key == EVP_PKEY_RSA && (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md) != 1))
		goto out;
	err = EVP_PKEY_verify(ctx, signature.data, signature.len, hash, hash_len) == 1
	    ? ERR_OK : ERR_BAD_SIGNATURE;
 out:
	EVP_PKEY_CTX_free(ctx);
	return err;
}

/* RFC 8032: the scheme hashes by itself. */
static enum err
verify_eddsa(EVP_PKEY *key, struct slice input, struct slice signature)
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	enum err	 err = ERR_CRYPTO;

	if (ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1)
		err = EVP_DigestVerify(ctx, signature.data, signature.len, input.data, input.len) == 1
		    ? ERR_OK : ERR_BAD_SIGNATURE;
	EVP_MD_CTX_free(ctx);
	return err;
}

/* The algorithm that goes with a key, for the sentence that says so. */
static const char *
key_algorithm(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return "RS256";
	case EVP_PKEY_EC:
		if (EVP_PKEY_get_bits(key) == 256)
			return "ES256";
		return EVP_PKEY_get_bits(key) == 384 ? "ES384" : "ES512";
	case EVP_PKEY_ED25519:
		return "Ed25519";
	default:
		return "Ed448";
	}
}

static bool
algorithm_fits(const struct jws_algorithm *alg, const EVP_PKEY *key)
{
	int	 id = EVP_PKEY_get_base_id(key);

	if (alg->key == 0)
		return id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448;
	return id == alg->key && (alg->bits == 0 || EVP_PKEY_get_bits(key) == alg->bits);
}

static size_t
signature_length(const struct jws_algorithm *alg, const EVP_PKEY *key)
{
	return alg->half > 0 ? 2 * alg->half : (size_t)EVP_PKEY_get_size(key);
}

static enum err
length_check(const struct jws *jws, const EVP_PKEY *key, struct reason *reason)
{
	const struct jws_algorithm	*alg = jws->algorithm;
	size_t				 want = signature_length(alg, key);

	if (jws->signature.len == want)
		return ERR_OK;
	/* The commonest mistake of a new client. */
	if (alg->half > 0 && jws->signature.data[0] == 0x30)
		reason_set(reason, "JWS signature for %s looks like DER; JWS wants r and s one after the "
		    "other, %zu octets together (RFC 7518, 3.4)", alg->name, want);
	else
		reason_set(reason, "JWS signature has %zu octets; %s with this key gives %zu",
		    jws->signature.len, alg->name, want);
	return ERR_BAD_SIGNATURE;
}

static enum err
signature_check(const struct jws *jws, EVP_PKEY *key, struct reason *reason)
{
	struct slice	 input = buf_slice(&jws->input), signature = buf_slice(&jws->signature);
	enum err	 err;

	ERR_set_mark();
	if (jws->algorithm->digest == DIGEST_COUNT)
		err = verify_eddsa(key, input, signature);
	else
		err = verify_hash(jws->algorithm, key, input, signature);
	ERR_pop_to_mark();
	if (err == ERR_BAD_SIGNATURE)
		reason_set(reason, "JWS signature does not verify with this key over protected + \".\" + "
		    "payload");
	return err;
}

enum err
jws_verify(const struct jws *jws, const struct jwk *jwk, struct reason *reason)
{
	enum err	 err;

	if (!algorithm_fits(jws->algorithm, jwk->key)) {
		reason_set(reason, "JWS alg \"%s\" does not fit the key; this key signs with %s",
		    jws->algorithm->name, key_algorithm(jwk->key));
		return ERR_BAD_ALGORITHM;
	}
	if ((err = length_check(jws, jwk->key, reason)) != ERR_OK)
		return err;
	return signature_check(jws, jwk->key, reason);
}
