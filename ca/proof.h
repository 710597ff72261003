/* proof.h: what the subscriber signed and what the perspectives saw, checked again (DESIGN: rules 2 and
 * 3). */
#ifndef SIGNET_CA_PROOF_H
#define SIGNET_CA_PROOF_H

#include "ca/authority.h"
#include "ca/star.h"
#include "ipc/msg.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "x509/csr.h"

/* An account's key, accepted by key_check() and the blocklist. On ERR_OK the caller owns a reference. */
enum err proof_key(struct ca *, struct slice text, struct jwk **, struct reason *);
/* Whether two URLs are of one account, under whichever name it found the server. */
bool proof_same_account(const struct ca *, const char *, const char *);
/* The account's key and its signed finalize request for exactly this order. On true the caller owns both. */
bool proof_request(struct ca *, const struct msg_issue *, struct jwk **, struct jws **, struct problem *);
/* The CSR in the request's payload, its key sound and not the account's. On true the caller owns it. */
bool proof_csr(const struct ca *, const struct jwk *, const struct jws *, struct csr **, struct problem *);
/* Every name of the CSR was proven by this account's key, or by one that handed over to it, recently enough, by a
 * challenge type that the profile takes; and CAA let us, where that is asked for. jws is the finalize request, whose
 * kid names the account. star: of an auto-renewal order, or NULL: how old a proof may be counts from the order on, and its
 * key must be one of those. False: each name that lacks it is a subproblem. */
bool proof_evidence(const struct ca *, const struct msg_issue *, const struct jwk *, const struct jws *,
    const struct profile_config *, const struct csr *, const struct ca_star *star, int64_t now, struct problem *);

#endif
