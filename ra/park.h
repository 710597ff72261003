/* park.h: requests that wait a moment for an outcome (a certificate, a validation), so that most clients read
 * it in the reply itself and need not poll. No thread waits with them. */
#ifndef SIGNET_RA_PARK_H
#define SIGNET_RA_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/id.h"

#define PARK_MAX 8192	/* beyond it nobody waits: the reply goes out as things stand */

struct park;

/* Embed it first in what waits. */
struct parked {
	void		(*run)(struct parked *);	/* when the wait is over; takes it over */
	struct id	 object;	/* the order or authorization waited for */
	uint64_t	 stamp;		/* park_stamp() from before the object's state was read */
	int64_t		 until;		/* clock_monotonic_ms() */
	struct parked	*next;
};

struct park	*park_new(void);			/* NULL: out of memory */
void		 park_free(struct park *);		/* NULL is fine; nobody may be parked */
/* Changes whenever the object is woken. Taken before the object's state is read, it lets park_put() see an
 * outcome that came between. Other objects may change it too: a wait then ends early, never late. */
uint64_t	 park_stamp(struct park *, struct id object);
/* Takes parked over until it runs, which it does at once when the park is full or the stamp is old. */
void		 park_put(struct park *, struct parked *);
/* Runs everyone who waits for this object, in the caller's thread. */
void		 park_wake(struct park *, struct id object);
/* Those whose time is over; all: everyone. */
void		 park_expire(struct park *, bool all);

#endif
