/* verify.c: whether a JWS was signed by that key. The costliest thing a request does. */
#include <stdbool.h>
#include <string.h>

#include "jose/jws_internal.h"
#include "jose/signature.h"

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
	const struct jws_algorithm	*alg = jws->algorithm;
	struct slice			 signature = buf_slice(&jws->signature);
	uint8_t				 der[EC_DER_MAX];
	enum err			 err;

	if (alg->key == EVP_PKEY_EC)
		signature = slice_of(der, der_signature(der, signature.data, alg->half));
	err = signature_verify(key, alg->digest, buf_slice(&jws->input), signature);
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
