/* issue.h: an account, and one certificate from newOrder to download, as a careful client does it. */
#ifndef SIGNET_BENCH_ISSUE_H
#define SIGNET_BENCH_ISSUE_H

#include "tests/bench/session.h"

/* newAccount; fills account->url. False: session's kind and detail say why. */
bool issue_account(struct session *, struct account *);
/* One certificate for request; its time counts from due on, by stats_clock_us(). False: session's kind and detail say
 * why. */
bool issue_certificate(struct session *, const struct account *, const struct request *, int64_t due);

#endif
