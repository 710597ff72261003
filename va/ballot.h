/* ballot.h: one validation put to all perspectives, from CHECK to RESULT, and all of them at once.
 *
 *   asking --the primary and a quorum agree; or it failed, or no quorum is possible, and no retry is left--> answered
 *    ^  |
 *    |  +--it failed, or no quorum is possible: a retry is left--> resting
 *    +--time, or CHECK again----------------------------------------'
 *
 * All are asked at once, and what is decided is answered at once: votes that come later are logged, and count for
 * nothing. A failure that is not final is told too (RFC 8555, 8.2). A CHECK for an authorization that is known already
 * asks for nothing new: it only ends a rest.
 *
 * A CHECK with an order asks for CAA alone, of what the primary's statement in its bundle says; nothing of it is ra's
 * to choose. What the perspectives then state joins the bundle. */
#ifndef SIGNET_VA_BALLOT_H
#define SIGNET_VA_BALLOT_H

#include <uv.h>

#include "acme/evidence.h"
#include "config/config.h"
#include "ipc/msg.h"
#include "va/check.h"

/* One perspective, as it is asked. */
struct voter {
	const char		*name, *region;
	struct evidence_key	 key;		/* by which its statements are known */
	/* Answers exactly once, perhaps before it returns; the evidence is one statement. */
	void			(*ask)(void *self, const struct msg_check *, checker_answer *, void *arg);
	void			*self;
};

struct ballots;

/* The result is borrowed for the call; its evidence is a bundle. */
typedef void ballot_answer(void *arg, const struct msg_result *);

/* voters[0] is the primary, the others are va.perspectives in their order; all is borrowed. NULL: out of memory. */
struct ballots	*ballots_new(const struct va_config *, uv_loop_t *, const struct voter *voters, ballot_answer *,
    void *arg);
/* Answers exactly once, perhaps before it returns; before that with failures that are not final. */
void		 ballots_add(struct ballots *, const struct msg_check *);
/* Every question must be answered; what rests is dropped. The loop must run once more. NULL is fine. */
void		 ballots_free(struct ballots *);

#endif
