/* acme_identifier.h: the certificate that answers tls-alpn-01 (RFC 8737, 3; RFC 8738, 6). Pure. */
#ifndef SIGNET_X509_ACME_IDENTIFIER_H
#define SIGNET_X509_ACME_IDENTIFIER_H

#include <stdint.h>

#include "acme/identifier.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define ACME_IDENTIFIER_DIGEST_SIZE 32

/* SHA-256 of the key authorization (RFC 8555, 8.1). */
void	 acme_identifier_digest(const char *token, const char *thumbprint,
    uint8_t out[ACME_IDENTIFIER_DIGEST_SIZE]);

/* Whether the certificate is self-signed, names exactly the identifier (dns or ip, no wildcard), and carries
 * the digest in a critical acmeIdentifier extension. Dates and everything else don't count. When not, reason
 * says how it differs in a phrase that begins with "the certificate" and repeats none of its bytes.
 * ERR_MALFORMED: no certificate; ERR_DENIED: not this one; ERR_MEMORY. */
enum err acme_identifier_check(struct slice der, const struct identifier *,
    const uint8_t digest[ACME_IDENTIFIER_DIGEST_SIZE], struct reason *);

#endif
