/* signature.h: signing and verifying bytes, without what OpenSSL 3.0 looks up anew each time. Pure. */
#ifndef SIGNET_JOSE_SIGNATURE_H
#define SIGNET_JOSE_SIGNATURE_H

#include <stdbool.h>

#include "jose/digest.h"
#include "lib/buf.h"
#include "lib/err.h"

/* An ECDSA signature is an Ecdsa-Sig-Value in DER (RFC 3279, 2.2.3), an RSA one is PKCS #1 v1.5. The digest is
 * DIGEST_COUNT for EdDSA, which hashes by itself. ERR_BAD_SIGNATURE, ERR_CRYPTO. */
enum err	 signature_verify(EVP_PKEY *, enum digest, struct slice input, struct slice signature);
/* Appends the signature. ERR_CRYPTO, ERR_MEMORY. */
enum err	 signature_make(EVP_PKEY *, enum digest, struct slice input, struct buf *out);
/* Whether the algorithm of X.509 with this NID is one of the above and goes with the key; its digest. */
bool		 signature_fits(int nid, const EVP_PKEY *, enum digest *);

#endif
