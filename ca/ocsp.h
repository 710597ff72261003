/* ocsp.h: OCSP responses, signed with the issuer's own key. Like everything that ca signs they rest on proof: "good" is
 * said of a certificate that ra shows, that this very issuer signed, and that nobody reported as revoked, now or
 * earlier (ca/revoked.h). A captured ra can refuse, and hand out what was signed before until it ends; it can't have a
 * certificate called good that ca knows as revoked, nor a serial that was never issued. */
#ifndef SIGNET_CA_OCSP_H
#define SIGNET_CA_OCSP_H

#include "ca/authority.h"
#include "ipc/msg.h"

/* Fills in the answer; der holds the response, if any. ERR_MEMORY, ERR_CRYPTO. */
enum err ocsp_answer(struct ca *, const struct msg_ocsp_sign *, int64_t now, struct buf *der, struct msg_ocsp_signed *);
/* Takes down what a CRL is to list. */
void ocsp_heard(struct ca *, const struct msg_crl_entries *);

#endif
