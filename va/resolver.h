/* resolver.h: a name's addresses and other records, by the configured resolvers, without waiting; in zones whose direct
 * is set, by the zone's own name servers, which the resolvers name, so that nothing cached stands in the way.
 *
 * resolver_new() reads /etc/resolv.conf, and /etc/hosts where va.hosts says so, and must come before the sandbox; nothing
 * after it opens a file. */
#ifndef SIGNET_VA_RESOLVER_H
#define SIGNET_VA_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "config/config.h"
#include "lib/address.h"
#include "va/target.h"
#include "va/egress.h"

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

/* Logs why and returns NULL when the configured addresses make no sense. Everything is borrowed for ever; targets say
 * which name servers may be asked directly. */
struct resolver	*resolver_new(const struct va_config *, const struct egress *, const struct targets *);
/* Begins to use the loop, which outlives the resolver. False: out of memory or descriptors. */
bool		 resolver_start(struct resolver *, uv_loop_t *);
/* Every lookup must be over or cancelled. The loop must run once more to close handles. NULL is fine. */
void		 resolver_free(struct resolver *);

/* Asks for both families at once. done is called exactly once, unless cancelled. NULL: it was called already
 * ("localhost", a name in /etc/hosts, or no memory to ask). */
struct lookup	*resolver_lookup(struct resolver *, const char *name, lookup_done *, void *arg);
void		 lookup_cancel(struct lookup *);		/* NULL is fine */
const char	*lookup_servers(const struct lookup *);		/* whom it asks; while it runs */

/* Whom a name is asked of: "10.0.0.53:53". */
const char	*resolver_servers(const struct resolver *, const char *name);

enum ask_status {
	ASK_ANSWERED = 1,	/* reply holds an answer section: dns_answer.h reads it */
	ASK_NO_DATA,		/* the name exists without such records */
	ASK_NO_NAME,		/* NXDOMAIN */
	ASK_FAILED		/* verdict and advice say how */
};

struct ask_answer {
	enum ask_status	 status;
	struct slice	 reply;		/* the whole DNS message; lives for the call */
	const char	*servers;	/* who was asked */
	const char	*verdict;	/* "answered SERVFAIL" */
	const char	*advice;	/* a clause */
	bool		 bogus;		/* ASK_FAILED: DNSSEC says that somebody lies */
};
typedef void ask_done(void *arg, const struct ask_answer *);

struct ask;
/* Asks for records of one type (ns_t_txt), the resolver following aliases. done is called exactly once, unless
 * cancelled. NULL: it was called already. */
struct ask	*resolver_ask(struct resolver *, const char *name, uint16_t type, ask_done *, void *arg);
void		 ask_cancel(struct ask *);			/* NULL is fine; not from its own done */

/* The index in config->zones whose resolvers know the name: the longest zone that is the name or its
 * parent. zone_count: none, ask the default ones. */
size_t		 resolver_zone(const struct va_config *, const char *name);
/* RFC 6761, 6.3: "localhost." and the names below it. */
bool		 resolver_is_localhost(const char *name);

#endif
