/* ocsp.h: OCSP over HTTP (RFC 6960, A.1; RFC 5019, 6), at /ocsp of the plain listener. wfe reads the request and hands on
 * what it asks; ca signs. */
#ifndef SIGNET_WFE_OCSP_H
#define SIGNET_WFE_OCSP_H

#include "wfe/answer.h"

/* Whether OCSP is served, and at the request's path. */
bool	 ocsp_serves(const struct request *);
/* Of a GET the whole target, before anything is cut: what follows /ocsp/ becomes the body. */
void	 ocsp_keep_target(struct request *, const char *target);
/* Looks at method and media type. */
void	 ocsp_head(struct request *);
/* Suspends the request and asks ra, or answers what is no OCSP request. */
enum answer ocsp_ask(struct request *);
/* For a request that the caller took from in_flight: its answer, and back to its thread. */
void	 ocsp_reply(struct request *, const struct msg_ocsp_answer *);

#endif
