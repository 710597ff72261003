/* binding.h: the external account binding in a newAccount request (RFC 8555, 7.3.4): a JWS over the account's key, made
 * with a MAC key that the CA gave out. Pure. */
#ifndef SIGNET_JOSE_BINDING_H
#define SIGNET_JOSE_BINDING_H

#include "jose/jwk.h"
#include "jose/jws.h"

struct binding {
	struct jws	*jws;
	char		*text;	/* the JWS as compact JSON, for the account object */
};

/* Checks all of RFC 8555, 7.3.4 but the MAC: json is the request's member; url and key are the outer JWS's. On ERR_OK
 * the caller owns what *out holds. ERR_MALFORMED, ERR_BAD_ALGORITHM, ERR_MEMORY; reason says which rule. */
enum err	 binding_read(const json_t *json, const char *url, const struct jwk *key, struct binding *out,
    struct reason *);
const char	*binding_kid(const struct binding *);	/* borrowed from it */
/* ERR_BAD_SIGNATURE, ERR_CRYPTO. */
enum err	 binding_verify(const struct binding *, struct slice mac_key, struct reason *);
void		 binding_free(struct binding *);

#endif
