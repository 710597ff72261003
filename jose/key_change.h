/* key_change.h: the request by which an account's key hands over to the next one (RFC 8555, 7.3.5). It is signed
 * by both keys, so it is proof of the handover to everybody who reads it: ra acts on it, ca believes it. Pure. */
#ifndef SIGNET_JOSE_KEY_CHANGE_H
#define SIGNET_JOSE_KEY_CHANGE_H

#include "jose/jwk.h"
#include "jose/jws.h"

/* Two RSA keys of 4096 bits, each twice, and their signatures come to 5,600 octets. */
#define KEY_CHANGE_MAX 6144

struct key_change {
	struct jwk	*old;	/* as "oldKey" says it */
	struct jwk	*new;	/* the inner JWS verifies with it */
};

/* Steps (2) to (7) of RFC 8555, 7.3.5 on the outer JWS, whose own signature is the caller's to check. So is step
 * (8): whether old is the key that signed the outer JWS, and the account's. On ERR_OK the caller owns the keys.
 * A nonce in the inner JWS is the client's mistake, and harmless: it is ignored.
 * ERR_MALFORMED, ERR_BAD_ALGORITHM, ERR_BAD_SIGNATURE (the inner one), ERR_UNSUPPORTED and ERR_BAD_KEY (the
 * new key's kind), ERR_CRYPTO, ERR_MEMORY. */
enum err	 key_change_read(const struct jws *outer, struct key_change *, struct reason *);
void		 key_change_free(struct key_change *);

#endif
