/* resolver.h: A and AAAA of a name, by the configured resolvers, without waiting.
 *
 * resolver_new() reads /etc/resolv.conf and must come before the sandbox; nothing after it opens a file. */
#ifndef SIGNET_VA_RESOLVER_H
#define SIGNET_VA_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "config/config.h"
#include "lib/address.h"

struct resolver;
struct lookup;

#define LOOKUP_ADDRESSES_MAX 32		/* of both families; more than that are not looked at */

struct lookup_answer {
	struct address	 addresses[LOOKUP_ADDRESSES_MAX];	/* IPv6 first */
	size_t		 count;
	const char	*servers;	/* the set that was asked: "10.0.0.53:53" */
	const char	*verdict;	/* when count is 0: "answered NXDOMAIN" */
	const char	*advice;	/* when count is 0: what to do; a clause */
};
typedef void lookup_done(void *arg, const struct lookup_answer *);

/* Logs why and returns NULL when the configured addresses make no sense. config is borrowed for ever. */
struct resolver	*resolver_new(const struct va_config *);
/* Begins to use the loop, which outlives the resolver. False: out of memory or descriptors. */
bool		 resolver_start(struct resolver *, uv_loop_t *);
/* Every lookup must be over or cancelled. The loop must run once more to close handles. NULL is fine. */
void		 resolver_free(struct resolver *);

/* Asks for both families at once. done is called exactly once, unless cancelled. NULL: it was called already
 * ("localhost", or no memory to ask). */
struct lookup	*resolver_lookup(struct resolver *, const char *name, lookup_done *, void *arg);
void		 lookup_cancel(struct lookup *);		/* NULL is fine */
const char	*lookup_servers(const struct lookup *);		/* whom it asks; while it runs */

/* The index in config->zones whose resolvers know the name: the longest zone that is the name or its
 * parent. zone_count: none, ask the default ones. */
size_t		 resolver_zone(const struct va_config *, const char *name);
/* RFC 6761, 6.3: "localhost." and the names below it. */
bool		 resolver_is_localhost(const char *name);

#endif
