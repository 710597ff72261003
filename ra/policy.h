/* policy.h: who may have certificates for what. Layers of rules, each of which may only take away: the CA's own
 * (ra.policy), the profile's, the external key's that made the account, the account's; and the name constraints of the
 * issuers. Pure. */
#ifndef SIGNET_RA_POLICY_H
#define SIGNET_RA_POLICY_H

#include <stdbool.h>

#include "acme/identifier.h"
#include "acme/problem.h"
#include "config/config.h"
#include "lib/reason.h"
#include "ra/issuers.h"

/* Where a layer comes from, which is how a refusal speaks of it. */
enum policy_source {
	POLICY_CONFIGURED,	/* signet.yaml */
	POLICY_EXTERNAL_KEY,	/* signet eab create */
	POLICY_ACCOUNT		/* signet account policy */
};

/* One layer. Patterns: "*" is every name; "*.home.arpa" is every name below home.arpa, at any depth; anything else is
 * that very name. A wildcard identifier is judged by the name it stands above: "*.nas.lan" needs what "nas.lan" needs,
 * or what "x.nas.lan" needs for every x. deny wins. Addresses are judged by CIDRs ("10.0.0.0/8") and by nothing else:
 * "*" is every name and no address. */
struct policy_rules {
	enum policy_source source;
	const char	*key;		/* where they stand, as a refusal says it: "ra.policy", "policy of account ID" */
	struct strings	 allow;
	bool		 open;		/* an empty allow allows everything, not nothing */
	struct strings	 deny;
	struct strings	 profiles;	/* the only ones; none: all */
	bool		 wildcards;
	int64_t		 names;		/* in one order, at most; 0: any number */
};

struct policy {
	const struct ra_config		*ra;
	const struct ca_config		*ca;
	const struct issuers		*issuers;	/* NULL: name constraints are not judged */
	const struct policy_rules	*external;	/* of the key that made the account, or NULL */
	const struct policy_rules	*account;	/* its own, or NULL */
};

/* Whether orders may name that profile. False with the rule that said no. */
bool policy_allows_profile(const struct policy *, const struct profile_config *, struct reason *);
/* The profile of an order that names none, from the layers that restrict it; *out, on the heap, is NULL when none does.
 * False: out of memory. */
bool policy_profile(const struct policy *, char **out);
/* Whether a name may be certified by that profile (NULL: by any); name constraints don't count here. */
bool policy_allows(const struct policy *, const struct profile_config *, const struct identifier *, struct reason *);
/* All of an order at once (profile NULL: for newAuthz): each identifier that is refused becomes a subproblem with its
 * rule; too many of them are one problem. False with it, but for problem_sum_up(), as the caller may have more to say. */
bool policy_judge(const struct policy *, const struct profile_config *, const struct identifier *, size_t count,
    struct problem *);

/* Whether one pattern covers the identifier. */
bool policy_covers(const char *pattern, const struct identifier *);

#endif
