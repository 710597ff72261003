/* server.h: the certificate of this server's own HTTPS listener. */
#ifndef SIGNET_CA_SERVER_H
#define SIGNET_CA_SERVER_H

#include "ca/authority.h"

#define SERVER_TAG_SIZE 32 /* HMAC-SHA256 */

/* request: a CSR's DER, and behind it wfe's tag of it under server_key: ra only carries it, and a captured one must not
 * have its own key certified for this server's names. Only the key comes from the CSR; the names are the configuration's
 * (wfe.names). Appends the PEM chain, leaf then issuer, and appends to the ledger: the caller syncs before release.
 * Refusals are logged. ERR_DENIED, ERR_BUSY (too many at once); anything else: the ledger failed, and ca must end. */
enum err server_certificate(struct ca *, struct slice request, int64_t now_ms, struct buf *pem);

#endif
