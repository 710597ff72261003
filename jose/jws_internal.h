/* jws_internal.h: what jws.c read and verify.c checks; for these two only. */
#ifndef SIGNET_JOSE_JWS_INTERNAL_H
#define SIGNET_JOSE_JWS_INTERNAL_H

#include "jose/digest.h"
#include "jose/jws.h"

struct jws_algorithm {
	const char	*name;
	int		 key;		/* EVP_PKEY_EC, ...; 0: Ed25519 and Ed448; EVP_PKEY_HMAC: a MAC */
	int		 bits;		/* of the curve; 0: any */
	enum digest	 digest;	/* DIGEST_COUNT: the scheme hashes by itself */
	size_t		 half;		/* of an ECDSA signature: the length of r, and of s */
};

struct jws {
	json_t				*header;	/* owned: the protected header */
	struct buf			 input;		/* protected + "." + payload, as received */
	struct buf			 payload;
	struct buf			 signature;
	const struct jws_algorithm	*algorithm;
	const char			*url, *nonce, *kid;	/* in header */
	const json_t			*jwk;			/* in header */
};

#endif
