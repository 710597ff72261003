/* turns.h: whose turn it is. A client's address (of IPv6 its /64) owes for what it asks, is forgiven as time goes by, and
 * repays with certificates: whoever gets them is served at once, whatever else he asks for. Who owes more than he may
 * waits while others, who don't, are there, in a line of its address; the lines take turns, one request each, in so few
 * places that half of the machine and more is left to the others. When nobody else is there nobody waits.
 *
 *   FREE ----------------------------------------------> (over)
 *   WAITING --turns_run(), its line's turn--> CALLED --/
 *
 * Safe from any thread. Times are monotonic, in microseconds. */
#ifndef SIGNET_WFE_TURNS_H
#define SIGNET_WFE_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In what an ordinary answer costs. */
#define TURNS_REFUSED 4		/* a good client is seldom refused; whoever floods us with garbage always is */
#define TURNS_WRITTEN 3		/* an account, an order: a commit */
#define TURNS_HANDSHAKE 4	/* a millisecond of ours, where an answer takes a quarter of one */
#define TURNS_CERTIFICATE (-40)	/* one of a name takes 8 requests, each of which may have a handshake of its own */
/* What may be owed: a certificate from the beginning, with its account, by one connection. */
#define TURNS_OWED_MAX 20
#define TURNS_CREDIT_MAX 64	/* a dozen clients at once behind one address that gets certificates */
#define TURNS_FORGIVEN_US 100000	/* one of them */
/* Nobody pays for longer than that, however much he asked for. */
#define TURNS_OWED_END_US 60000000

#define TURNS_LIMITS 8		/* kinds of requests that are counted each for itself */

struct turns;
struct connection;

/* Part of what takes turns; all zero: it has none. */
struct turn {
	struct asker		*asker;
	struct turn		*next;		/* behind it in line */
	enum { TURN_FREE, TURN_WAITING, TURN_CALLED } state;
	size_t			 place;		/* while called */
	int64_t			 since;		/* of its call */
	struct connection	*peer;		/* the caller's, for over() */
	void			(*go)(struct turn *);
};

/* The places: 1 for two of cores. NULL: out of memory. */
struct turns	*turns_new(unsigned cores);
void		 turns_free(struct turns *);	/* when none is taken; NULL is fine */

/* One turn of this address, which turns_over() ends. True: it goes on at once. False: suspend it, and call turns_wait(). */
bool		 turns_take(struct turns *, struct turn *, const char *remote, int64_t now_us);
/* go(turn) is called when it may go on; perhaps before this returns. Till then turn must stay. */
void		 turns_wait(struct turns *, struct turn *, void (*go)(struct turn *));
/* It cost so much. Nothing for one that has none. */
void		 turns_over(struct turns *, struct turn *, int64_t cost, int64_t now_us);

/* Counts a request of that kind (below TURNS_LIMITS), of which burst may come at once and one in each interval later (GCRA).
 * 0, or how long until the next may come: then it isn't counted. */
int64_t		 turns_count(struct turns *, const struct turn *, size_t kind, int64_t burst, int64_t interval_us,
    int64_t now_us);

/* Calls whoever may go on now; how long until somebody else may, in microseconds; -1: nobody waits. */
int64_t		 turns_call(struct turns *, int64_t now_us);
/* Calls them all their lives. A pthread start routine. */
_Noreturn void	*turns_run(void *turns);
/* Forgets those who owe nothing, and calls those of whom over(peer, arg) is true. */
void		 turns_sweep(struct turns *, bool (*over)(struct connection *peer, void *arg), void *arg, int64_t now_us);
/* Nobody waits from now on. */
void		 turns_end(struct turns *);

size_t		 turns_waiting(struct turns *);
size_t		 turns_waited(struct turns *);	/* since the last call of it */
size_t		 turns_askers(struct turns *);

#endif
