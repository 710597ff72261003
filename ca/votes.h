/* votes.h: who of the perspectives says that a name was proven, and that CAA lets us: ca counts for itself. */
#ifndef SIGNET_CA_VOTES_H
#define SIGNET_CA_VOTES_H

#include "ca/authority.h"

/* The public keys of the perspectives that sign by themselves. ERR_CONFIG with the reason. */
enum err votes_open(struct ca *, struct reason *);
void	 votes_close(struct ca *);

/* The primary's statement about a validation. False: there is none that is authentic. */
bool	 votes_primary(const struct ca *, const struct bundle *, struct evidence *);
/* Whether the primary's word on CAA holds today, and as many others as va.quorum asks for say the same as it, of the
 * same challenge and at the same time. If not, reason says who doesn't. */
bool	 votes_count(const struct ca *, const struct bundle *, const struct evidence *primary, int64_t now,
    struct reason *);

#endif
