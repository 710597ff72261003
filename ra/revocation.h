/* revocation.h: the deed of revoking, whoever may ask for it. */
#ifndef SIGNET_RA_REVOCATION_H
#define SIGNET_RA_REVOCATION_H

#include <openssl/x509.h>

#include "ra/ra.h"

/* Revokes a certificate of ours, cert being the same parsed, has its shard's CRL made, and logs who did it (by).
 * blocked: the thumbprint of its key, when nobody may use that key any more; or NULL. It waits for the commit.
 * ERR_EXISTS: it is revoked already; then blocked makes the reason keyCompromise, where it isn't, with ERR_OK. */
enum err revocation_write(struct ra *, const struct certificate *, X509 *cert, enum revocation_reason,
    const char *blocked, const char *by);

#endif
