/* public_name.h: what nobody on the public internet can own, so that a CA which the public trusts certifies it for
 * nobody. Pure. */
#ifndef SIGNET_ACME_PUBLIC_NAME_H
#define SIGNET_ACME_PUBLIC_NAME_H

#include <stdbool.h>

#include "acme/identifier.h"
#include "lib/address.h"
#include "lib/reason.h"

/* A registry's own suffix ("com", "co.uk", "lan"), or the wildcard right below one (CABF BR 3.2.2.6), by the ICANN part
 * of the public suffix list as libpsl was built with it. name: as an identifier has it, maybe a wildcard. */
bool name_is_public_suffix(const char *name);
/* For special use (IANA's registries), so that no network can call it its own: CABF BR 7.1.4.2.1. */
bool address_is_reserved(const struct address *);
/* Both at once; false with the reason. */
bool identifier_is_public(const struct identifier *, struct reason *);

#endif
