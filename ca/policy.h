/* policy.h: the operator's allow and deny lists once more, at the place that signs. ra checks them when an
 * order is made; this is ca's own reading of the same options, so that a captured ra can't leave them out.
 * Names are judged by name patterns, addresses by CIDRs. Pure. */
#ifndef SIGNET_CA_POLICY_H
#define SIGNET_CA_POLICY_H

#include "acme/identifier.h"
#include "acme/problem.h"
#include "config/config.h"

/* All that the configuration says of an order's names, for the CA and for the profile: lists, wildcards, how many, and
 * whether they must be public. An account's and an external key's rules are ra's, who alone knows them. False with
 * rejectedIdentifier: each name that is refused is a subproblem with its rule. */
bool ca_policy_check(const struct ra_config *, const struct profile_config *, const struct identifier *names,
    size_t count, struct problem *);

#endif
