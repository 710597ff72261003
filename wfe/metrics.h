/* metrics.h: counters of the front end in Prometheus' text format. Safe from any thread. */
#ifndef SIGNET_WFE_METRICS_H
#define SIGNET_WFE_METRICS_H

#include <stdint.h>

#include "acme/route.h"
#include "lib/buf.h"

struct metrics;

struct metrics	*metrics_new(void);			/* NULL: out of memory */
void		 metrics_free(struct metrics *);	/* NULL is fine */
/* One request is over; status 0: without an answer. */
void		 metrics_count(struct metrics *, enum route, unsigned status, int64_t ms);

struct gauges {
	uint64_t connections, in_flight, waiting, nonces;
};
void		 metrics_put(struct buf *, struct metrics *, const struct gauges *);

#endif
