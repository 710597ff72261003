/* conduct.h: what clients do that the protocol forbids, noted while the server goes on issuing: one row per rule
 * (conduct_rules.h), for each client, by its User-Agent and its account. In memory; safe from any thread. Only where
 * ra.observe is set: else ra->conduct is NULL, and every function here returns at once. */
#ifndef SIGNET_RA_CONDUCT_H
#define SIGNET_RA_CONDUCT_H

#include "ipc/msg.h"
#include "lib/buf.h"
#include "ra/conduct_rules.h"

struct conduct;
struct parked;
struct ra;
struct request;

struct conduct	*conduct_new(void);		/* NULL: out of memory */
void		 conduct_reset(struct conduct *);

/* A request that is about to be answered: its problem and its reply are set. */
void		 conduct_request(struct conduct *, const struct request *);
/* What wfe answered itself. A malformed message kills. */
void		 conduct_seen(struct conduct *, const struct msg_seen *);
/* How a validation ended. True: it was nobody's, but one of conduct_look(). */
bool		 conduct_validation(struct ra *, const struct msg_result *);

/* Has va look for what final authorizations left at the path of http-01, then runs parked, which is taken over; after
 * ten seconds at the latest. */
void		 conduct_look(struct ra *, struct parked *);
/* The report as it stands: what was begun and not ended counts as broken. */
enum conduct_form { CONDUCT_JSON, CONDUCT_JUNIT, CONDUCT_PAGE };
void		 conduct_report(struct conduct *, enum conduct_form, unsigned indent, struct buf *out);

#endif
