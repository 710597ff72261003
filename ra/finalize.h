/* finalize.h: the parts of finalize that each renewal needs again (star.h). */
#ifndef SIGNET_RA_FINALIZE_H
#define SIGNET_RA_FINALIZE_H

#include "ipc/msg.h"
#include "ra/ra.h"

/* The proof that ca wants (DESIGN: rule 3): what the subscriber signed, its key, and what va saw; the keys before it are the
 * caller's to add. Everything is borrowed. */
void finalize_proof(struct msg_issue *, const struct order *, struct slice jws, const char *jwk,
    const struct authorization *, size_t count);
/* Whether CAA has to be looked up again for one of them before ca takes it. */
bool finalize_stale(const struct ra *, const struct authorization *, size_t count);
/* Has va do that; the last RESULT brings finalize_send(). */
enum err finalize_check(struct ra *, struct id order, const struct authorization *, size_t count);
/* Whether the rules of now, which may have changed since the order was made, let the account have its names by its profile.
 * False with the problem. */
bool finalize_policy(const struct ra *, struct storage_tx *, const struct account *, const struct order *,
    struct problem *);

#endif
