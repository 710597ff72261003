/* self_signed.h: the challenge server's certificates, which nobody is meant to trust. */
#ifndef SIGNET_CHALLTESTSRV_SELF_SIGNED_H
#define SIGNET_CHALLTESTSRV_SELF_SIGNED_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/buf.h"

/* For HTTPS, as PEM, appended. False: OpenSSL failed. */
bool	 self_signed_https(EVP_PKEY *key, struct buf *certificate, struct buf *pem_key);
/* What answers tls-alpn-01 for that server name, a reverse one standing for its address (RFC 8737, 3; RFC 8738, 6),
 * with the digest of the key authorization. NULL: it is no name, or OpenSSL failed. */
X509	*self_signed_challenge(EVP_PKEY *, const char *server_name, const char *authorization);

#endif
