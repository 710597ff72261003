/* report.h: the summary, for people and as JSON. */
#ifndef SIGNET_BENCH_REPORT_H
#define SIGNET_BENCH_REPORT_H

#include "tests/bench/stats.h"
#include "tests/bench/usage.h"

struct report {
	struct stats stats;
	struct usage before, after;
	int64_t	     start, stop;			/* us */
	double	     client_start, client_stop;		/* CPU seconds of this process */
	double	     responder_start, responder_stop;	/* of which its responder thread */
};

void report_start(struct report *, const struct options *);
void report_stop(struct report *, const struct options *);
void report_print(struct report *, const struct options *);

#endif
