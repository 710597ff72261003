/* answer.h: decides about a request: answers it, or suspends it until ra does. */
#ifndef SIGNET_WFE_ANSWER_H
#define SIGNET_WFE_ANSWER_H

#include "wfe/request.h"

/* Looks at the request line and headers, and refuses what must not go further. */
void	 answer_head(struct request *);

/* NOW: the request has a response, or NULL when memory is out. LATER: its connection is suspended, and the
 * request may already be in another thread's hands. */
enum answer { ANSWER_NOW, ANSWER_LATER };
enum answer answer_request(struct request *);

/* Suspends the request and puts it into in_flight: from here on it may be in another thread's hands. *number is 0 when
 * there is no room, and then it is refused. For what ra is asked. */
enum answer answer_later(struct request *, enum wait_for, uint64_t *number);

/* Turns r->refusal into the response. */
void	 answer_refusal(struct request *);

#endif
