/* policy.h: which names this CA issues for (signet.yaml: ra.policy). Pure. */
#ifndef SIGNET_RA_POLICY_H
#define SIGNET_RA_POLICY_H

#include <stdbool.h>

#include "acme/identifier.h"
#include "config/config.h"
#include "lib/reason.h"

/* Patterns: "*" is every name; "*.home.arpa" is every name below home.arpa, at any depth; anything else is
 * that very name. A wildcard identifier is judged by the name it stands above: "*.nas.lan" needs what
 * "nas.lan" needs, or what "x.nas.lan" needs for every x. deny wins. An empty allow list allows nothing.
 * Addresses are judged by CIDRs ("10.0.0.0/8") and by nothing else: "*" is every name and no address.
 * False with the rule that said no. */
bool policy_allows(const struct ra_config *, const struct identifier *, struct reason *);

/* Whether one pattern covers the identifier. */
bool policy_covers(const char *pattern, const struct identifier *);

#endif
