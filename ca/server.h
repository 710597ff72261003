/* server.h: the certificate of this server's own HTTPS listener. */
#ifndef SIGNET_CA_SERVER_H
#define SIGNET_CA_SERVER_H

#include "ca/authority.h"

/* Only the key comes from the CSR; the names are the configuration's (wfe.names). Appends the PEM chain,
 * leaf then issuer, and appends to the ledger: the caller syncs before release. Refusals are logged.
 * ERR_DENIED, ERR_BUSY (too many at once); anything else: the ledger failed, and ca must end. */
enum err server_certificate(struct ca *, struct slice csr, int64_t now_ms, struct buf *pem);

#endif
