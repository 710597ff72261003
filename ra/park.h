/* park.h: requests that wait a moment for an outcome (a certificate, a validation), so that most clients read
 * it in the reply itself and need not poll. No thread waits with them. */
#ifndef SIGNET_RA_PARK_H
#define SIGNET_RA_PARK_H

#include "lib/id.h"
#include "ra/queue.h"

#define PARK_MAX 8192	/* beyond it nobody waits: the reply goes out as things stand */

struct park;

/* A job that waits; embed it first. */
struct parked {
	struct job	 job;		/* put on the queue when the wait is over */
	struct id	 object;	/* the order or authorization waited for */
	int64_t		 until;		/* clock_monotonic_ms() */
	struct parked	*next;
};

struct park	*park_new(struct queue *);		/* NULL: out of memory */
void		 park_free(struct park *);		/* NULL is fine; nobody may be parked */
/* Takes parked over until its job runs. Whoever parks sets object and until, and checks the state again
 * after parking (park_wake() may have come between); park_put() of a full park runs it at once. */
void		 park_put(struct park *, struct parked *);
/* Everyone who waits for this object goes on the queue. */
void		 park_wake(struct park *, struct id object);
/* Those whose time is over go on the queue; all: everyone. */
void		 park_expire(struct park *, bool all);

#endif
