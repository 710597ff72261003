/* viewpoint.h: one point of view of this very process: its resolvers, its way out, and the checks that it makes. */
#ifndef SIGNET_VA_VIEWPOINT_H
#define SIGNET_VA_VIEWPOINT_H

#include "va/check.h"

struct viewpoint;

/* own is what the configuration says beyond va's own options; NULL: nothing. Everything is borrowed. Reads files and
 * lists interfaces: before the sandbox. NULL: it is logged why. */
struct viewpoint *viewpoint_new(const struct config *, const char *name, const struct perspective_config *own,
    const struct evidence_key *);
/* Begins to use the loop, which outlives it; before the sandbox. False: out of memory or descriptors. */
bool		 viewpoint_start(struct viewpoint *, uv_loop_t *);
/* Whom it asks; lives as long as it does. */
struct resolver	*viewpoint_resolver(const struct viewpoint *);
/* A voter's ask() (ballot.h). */
void		 viewpoint_ask(void *viewpoint, const struct msg_check *, checker_answer *, void *arg);

#endif
