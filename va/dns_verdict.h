/* dns_verdict.h: what became of a question to a resolver, in words for people. Pure. */
#ifndef SIGNET_VA_DNS_VERDICT_H
#define SIGNET_VA_DNS_VERDICT_H

#include "va/server_set.h"

/* What the resolver did, to stand behind its address: "answered SERVFAIL"; *advice, what to do about it, is a clause. Both
 * are static. */
const char	*dns_verdict(enum dns_status, const char **advice);

#endif
