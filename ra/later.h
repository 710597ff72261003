/* later.h: what a fault script puts off: a message to another role, or the end of a validation. */
#ifndef SIGNET_RA_LATER_H
#define SIGNET_RA_LATER_H

#include "acme/problem.h"
#include "ipc/channel.h"
#include "ra/ra.h"

/* Sends body, which is taken over and emptied, after so many ms. */
void	 later_send(struct ra *, struct channel *, enum msg_type, struct buf *body, int64_t ms);
/* Ends a validation that nobody made, as if va had answered so. */
void	 later_fail(struct ra *, struct id authorization, enum problem_type, const char *detail, int64_t ms);

#endif
