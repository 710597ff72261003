/* issue.h: from a proof to a certificate, at most once for each order, or for each number of an auto-renewal order. */
#ifndef SIGNET_CA_ISSUE_H
#define SIGNET_CA_ISSUE_H

#include "ca/authority.h"
#include "ipc/msg.h"

/* Checks everything in the message again, builds, lints and signs the certificate, and appends it to the
 * ledger: the caller syncs that before anything is released. One that the ledger knows is answered
 * from there, byte for byte the same. out's slices are borrowed until the next call with this ca.
 * ERR_DENIED: problem says why, for the client. Anything else: the ledger failed, and ca must end. */
enum err issue_certificate(
    struct ca *, const struct msg_issue *, int64_t now, struct msg_certificate *out, struct problem *);

#endif
