/* jwk.h: public keys as RFC 7517/7518/8037 write them, and their thumbprints (RFC 7638). Pure. */
#ifndef SIGNET_JOSE_JWK_H
#define SIGNET_JOSE_JWK_H

#include <jansson.h>
#include <openssl/evp.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define JWK_THUMBPRINT_SIZE 44	/* base64url of SHA-256 and the NUL */
#define JWK_TEXT_MAX 1536	/* RSA-8192 with exponent, canonical */

/* A public key. Canonical text is RFC 7638's: required members only, sorted, no space. */
struct jwk {
	char		*text;				/* canonical JSON, NUL-terminated */
	char		 thumbprint[JWK_THUMBPRINT_SIZE];
	EVP_PKEY	*key;
};

/* RSA, EC (P-256, P-384, P-521; the point on the curve, coordinates of full length), OKP (Ed25519,
 * Ed448). Unknown members are ignored; private members ("d", "p", ...) are refused, loudly.
 * Strength is not judged here: x509/key.h does. On ERR_OK the caller owns *out.
 * ERR_MALFORMED, ERR_UNSUPPORTED (kty or crv), ERR_BAD_KEY, ERR_CRYPTO, ERR_MEMORY. */
enum err jwk_parse(const json_t *, struct jwk **out, struct reason *);
enum err jwk_parse_text(struct slice, struct jwk **out, struct reason *);
struct jwk *jwk_up(struct jwk *);	/* another reference; atomic, from any thread */
void jwk_free(struct jwk *);		/* drops one; NULL is fine */

/* The thumbprint that this key would have as a JWK. ERR_UNSUPPORTED: a kind that jwk_parse() doesn't take.
 * ERR_CRYPTO, ERR_MEMORY. */
enum err jwk_thumbprint_of(EVP_PKEY *, char out[JWK_THUMBPRINT_SIZE]);

#endif
