/* idle.h: connections that are opened before the load starts and say nothing more, as those of clients that keep them
 * until their next renewal. */
#ifndef SIGNET_BENCH_IDLE_H
#define SIGNET_BENCH_IDLE_H

#include "tests/bench/options.h"

/* Opens options->idle TLS connections, each of which fetches the directory once. Says on standard error what went
 * wrong, and exits. */
void idle_open(const struct options *);
/* How many of them the server has not closed. */
unsigned idle_count(void);
void idle_close(void);

#endif
