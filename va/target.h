/* target.h: which addresses a validation may connect to (RFC 8555, 10.4: server-side request forgery).
 *
 * va.targets: the allow list wins, then the deny list; multicast, unspecified, broadcast and reserved
 * addresses are denied unless the allow list holds them. An IPv6 address that leads to an IPv4 address (mapped,
 * compatible, 6to4, Teredo, NAT64 by va.targets.nat64 and the well-known prefixes) is judged by both: to allow the one
 * doesn't allow the other. */
#ifndef SIGNET_VA_TARGET_H
#define SIGNET_VA_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "lib/err.h"
#include "lib/reason.h"
#include "lib/address.h"

struct targets;

/* Whether the address is this machine's own at this moment. */
typedef bool targets_own(void *arg, const struct address *);

/* self holds this machine's own addresses, copied. NULL with the cause: a word or CIDR that is neither, or no memory. */
struct targets	*targets_new(const struct va_config *, const struct address *self, size_t count, struct reason *);
/* From now on those that came up since are self, too. */
void		 targets_watch(struct targets *, targets_own *, void *arg);
void		 targets_free(struct targets *);	/* NULL is fine */

struct denial {
	const char	*rule;		/* "loopback", "10.0.0.0/8", ...; lives as long as targets */
	struct address	 address;	/* what it is about: the address, or one that it leads to */
};
/* *why is filled in when it says false. */
bool		 targets_allow(const struct targets *, const struct address *, struct denial *why);
/* Whether the allow list itself holds the address: then a redirect may name it (Boulder: no bare address). */
bool		 targets_list(const struct targets *, const struct address *);

#define SELF_MAX 256
/* The addresses of this machine's interfaces but loopback's (that is a name of its own). Not pure: asks the
 * kernel. Returns how many were written. */
size_t		 targets_self(struct address out[SELF_MAX]);
/* Those of the listeners that have one, after the count that are there: they may be on no interface. Returns how many
 * there are then. */
size_t		 targets_listeners(const struct config *, struct address out[SELF_MAX], size_t count);

#endif
