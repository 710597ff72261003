/* usage.h: what the processes under test cost, from /proc: CPU time (user and system) and memory. */
#ifndef SIGNET_BENCH_USAGE_H
#define SIGNET_BENCH_USAGE_H

#include <jansson.h>

#include "tests/bench/options.h"

#define USAGE_MAX 256	/* processes */

struct usage {
	size_t count;
	struct usage_process {
		pid_t	pid;
		char	name[64];		/* program and its first words: "signet role ra" */
		double	user, system;		/* seconds */
		long	resident, peak;		/* KiB; a page that processes share counts in each of them */
		long	share;			/* KiB: the same, divided among who shares it; 0 where we may not see */
	} processes[USAGE_MAX];
};

/* The processes that options names, as they are now; those that are gone are left out. */
void	usage_take(const struct options *, struct usage *);
/* What was used between the two: for each process, and in all; ms per issuance when issued > 0.
 * A process that came in between counts from its start; one that went is lost. */
json_t *usage_json(const struct usage *before, const struct usage *after, unsigned long issued);
double	usage_total_ms(const struct usage *before, const struct usage *after);

#endif
