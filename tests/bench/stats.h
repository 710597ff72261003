/* stats.h: durations by step, failures by reason, and what the processes under test used. */
#ifndef SIGNET_BENCH_STATS_H
#define SIGNET_BENCH_STATS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/bench/options.h"

enum step {
	STEP_ACCOUNT,		/* before the clock starts; not part of an issuance */
	STEP_ORDER,
	STEP_AUTHORIZATION,	/* one fetch of one authorization */
	STEP_CHALLENGE,		/* one POST to one challenge */
	STEP_VALIDATION,	/* from the first challenge POST until the last authorization is valid */
	STEP_FINALIZE,		/* the request */
	STEP_SIGNING,		/* from the finalize request until the order is valid */
	STEP_CERTIFICATE,
	STEP_ISSUANCE,		/* all of it */
	STEP_COUNT
};

struct samples {
	uint32_t *us;	/* microseconds */
	size_t	  len, cap;
};

/* Each client counts alone; stats_merge() adds one up into another at the end. */
struct stats {
	struct samples steps[STEP_COUNT];
	uint64_t       requests, connections, retries, bad_nonces, polls, issued, failed;
};

int64_t stats_clock_us(void);	/* monotonic */
void	stats_add(struct stats *, enum step, int64_t us);
void	stats_merge(struct stats *into, struct stats *from);
void	stats_free(struct stats *);
json_t *stats_json(struct stats *);	/* sorts the samples */

/* One count per kind of failure; detail is kept of the first. From any thread. */
void	failure_add(const char *kind, const char *detail);
json_t *failures_json(void);

#endif
