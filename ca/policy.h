/* policy.h: the operator's allow and deny lists once more, at the place that signs. ra checks them when an
 * order is made; this is ca's own reading of the same options, so that a captured ra can't leave them out.
 * Names are judged by name patterns, addresses by CIDRs. Pure. */
#ifndef SIGNET_CA_POLICY_H
#define SIGNET_CA_POLICY_H

#include "acme/identifier.h"
#include "config/config.h"

/* Every name or address that the identifier stands for is in allow, and none is in deny. */
bool ca_policy_allows(const struct strings *allow, const struct strings *deny, const struct identifier *);

#endif
