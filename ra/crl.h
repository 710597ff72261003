/* crl.h: when which revocation list is made anew: at start, on schedule, and at once after a revocation. ca makes
 * them, wfe serves them; ra says what they list. */
#ifndef SIGNET_RA_CRL_H
#define SIGNET_RA_CRL_H

#include <stdatomic.h>
#include <stdint.h>

struct ra;
struct crl_schedule;

struct crl_schedule	*crl_schedule_new(void);			/* NULL: out of memory */
/* From any thread, after the commit: the shard's list is out of date. */
void		 crl_schedule_mark(struct ra *, const uint8_t issuer[32], unsigned shard);
/* The same for all of them: the clock was moved, or all state changed. */
void		 crl_schedule_mark_all(struct ra *);
/* Makes lists until *stopping. A thread of its own, since ca may be slow to take them. */
void		 crl_schedule_run(struct ra *, const atomic_bool *stopping);

#endif
