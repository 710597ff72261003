/* jws.h: flattened JWS as RFC 8555, 6.2 narrows it. Pure: no I/O, no clock. */
#ifndef SIGNET_JOSE_JWS_H
#define SIGNET_JOSE_JWS_H

#include <jansson.h>

#include "jose/jwk.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define JWS_BODY_MAX 65536	/* an order of 100 names is 12 KiB; five times that */

struct jws;

/* Parses body, borrowed for the call, as {"protected","payload","signature"}: strict base64url, strict
 * JSON, no "header", "signatures", "b64", "crit", detached payload; alg, nonce, url of the right type;
 * exactly one of jwk and kid. Signature not verified yet. nonce may be absent (inner JWS): jws_nonce()
 * is then NULL. On ERR_OK the caller owns *out, else *out is NULL.
 * ERR_MALFORMED, ERR_BAD_ALGORITHM ("none", MACs, unknown names), ERR_MEMORY; reason says which. */
enum err jws_parse(struct slice body, struct jws **out, struct reason *);
/* The same for what a MAC signs (RFC 8555, 7.3.4): alg is HS256, HS384 or HS512. */
enum err jws_parse_mac(struct slice body, struct jws **out, struct reason *);
/* The nonce of a body that jws_parse() refused, so far as there is one: its protected header can be read, whatever else
 * is wrong. ERR_OK: appended, with a NUL. ERR_MALFORMED: none to be seen. ERR_MEMORY. */
enum err jws_peek_nonce(struct slice body, struct buf *nonce);
void jws_free(struct jws *);				/* NULL is fine */

/* All borrowed until jws_free(). */
const char	*jws_alg(const struct jws *);
const char	*jws_url(const struct jws *);
const char	*jws_nonce(const struct jws *);		/* NULL when absent */
const char	*jws_kid(const struct jws *);		/* NULL when jwk is there */
const json_t	*jws_jwk(const struct jws *);		/* NULL when kid is there */
struct slice	 jws_payload(const struct jws *);	/* decoded; empty for POST-as-GET */

/* Checks alg against the key's type and the signature over the bytes as received. ECDSA signatures are
 * r||s of the curve's fixed length. ERR_BAD_ALGORITHM (alg doesn't fit the key), ERR_BAD_SIGNATURE. */
enum err jws_verify(const struct jws *, const struct jwk *, struct reason *);

/* Checks the MAC of what jws_parse_mac() read. ERR_BAD_SIGNATURE, ERR_CRYPTO. */
enum err jws_verify_mac(const struct jws *, struct slice key, struct reason *);

/* The names for "algorithms" in badSignatureAlgorithm; static, NULL-terminated. */
const char *const *jws_algorithms(void);

#endif
