/* queue.h: jobs and the threads that do them. Of many threads only as many work at once as there are cores; the
 * others are there for when those block. A thread that finds its next job waiting needs no waking, and finds the
 * caches warm. */
#ifndef SIGNET_RA_QUEUE_H
#define SIGNET_RA_QUEUE_H

#include <stddef.h>

#include "lib/err.h"

struct queue;

/* A job is a function and what it works on; run takes the job over. Embed this first in a larger struct. */
struct job {
	void		(*run)(struct job *);
	struct job	*next;
};

struct queue	*queue_new(void);			/* NULL: out of memory */
enum err	 queue_start(struct queue *, unsigned threads);
void		 queue_put(struct queue *, struct job *);	/* from any thread; first in, first out */
/* Around what blocks a pool thread for long, such as a commit: others work meanwhile. */
void		 queue_leave(struct queue *);
void		 queue_enter(struct queue *);
/* Does what is queued and ends the threads. What is put after it is never done: a process that stops has
 * other threads that still put. */
void		 queue_finish(struct queue *);
void		 queue_free(struct queue *);	/* finished, and nobody puts any more; NULL is fine */

#endif
