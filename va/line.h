/* line.h: who is next, so that no account keeps the others waiting: the one that has least under way, those that have
 * equally much in turns, and each has only so many. So who asks now and then doesn't wait for a hundred that ask for all
 * they can. Pure. */
#ifndef SIGNET_VA_LINE_H
#define SIGNET_VA_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct lines;
struct line;

/* Part of what waits and then is under way. */
struct waiter {
	struct line	*line;		/* NULL: neither */
	struct waiter	*next, *prev;	/* while it waits */
	bool		 waits;
};

/* most: under way for one account. NULL: out of memory. */
struct lines	*lines_new(size_t most);
void		 lines_free(struct lines *);	/* nobody is in it; NULL is fine */
/* The account is copied. False: out of memory. */
bool		 lines_put(struct lines *, struct waiter *, const char *account);
/* The next, which is under way from now on; NULL: nobody waits, or only of accounts that have as many as they may. */
struct waiter	*lines_take(struct lines *);
/* It waits or is under way no longer; neither is fine. */
void		 lines_leave(struct lines *, struct waiter *);
size_t		 lines_waiting(const struct lines *);
size_t		 lines_of(const struct lines *, const char *account);	/* that wait or are under way */

#endif
