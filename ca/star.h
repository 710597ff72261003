/* star.h: certificates of auto-renewal orders (RFC 8739): what the subscriber signed once stands for each of them.
 *
 * The newOrder request says which names, how long each certificate lives, and until when there are any. The order's id is
 * made from its bytes, so the finalize request, whose url holds that id, is signed for those bytes; and that url is another
 * one than an ordinary order's. A captured ra can bring neither together with another order's request; what it says itself
 * is only which of the certificates it wants, and each there is once. */
#ifndef SIGNET_CA_STAR_H
#define SIGNET_CA_STAR_H

#include "acme/auto_renewal.h"
#include "ca/authority.h"
#include "ipc/msg.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "x509/csr.h"

struct ca_star {
	struct auto_renewal terms; /* settled */
	int64_t made; /* the order; seconds since 1970 */
	char thumbprint[JWK_THUMBPRINT_SIZE]; /* of who signed the newOrder request */
	struct id certificate; /* what the ledger calls the one that is asked for */
	int64_t not_before, not_after; /* its own */
	json_t *payload; /* of the request; owned */
};

/* Opens the memory of orders that were canceled, where the configuration has auto-renewal. ERR_MALFORMED, ERR_IO,
 * ERR_MEMORY with the reason. */
enum err ca_star_open(struct ca *, int64_t now, struct reason *);
/* The newOrder request of an ISSUE that has one, against the finalize request: the same account, this very order, terms
 * that the CA offers, and a certificate that there is. Either way ca_star_free(). */
bool ca_star_read(struct ca *, const struct msg_issue *, const struct jws *finalize, const struct profile_config *,
    struct ca_star *, struct problem *);
void ca_star_free(struct ca_star *);
/* Whether it may be signed now: for these names, due, not over, and the order not canceled. Sets the dates that it gets. */
bool ca_star_due(const struct ca *, const struct msg_issue *, const struct csr *, int64_t now, struct ca_star *,
    struct problem *);
/* No more for this order, whatever else ra may say later. ERR_IO, ERR_MEMORY, ERR_TOO_LARGE. */
enum err ca_star_cancel(struct ca *, struct id order, int64_t now);

#endif
