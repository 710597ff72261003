/* target.h: which addresses a validation may connect to (RFC 8555, 10.4: server-side request forgery).
 *
 * va.targets: the allow list wins, then the deny list; multicast, unspecified, broadcast and reserved
 * addresses are denied unless the allow list holds them. An IPv6 address that carries an IPv4 address
 * (mapped, NAT64, 6to4, Teredo) is judged by both. */
#ifndef SIGNET_VA_TARGET_H
#define SIGNET_VA_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "lib/err.h"
#include "lib/reason.h"
#include "lib/address.h"

struct targets;

/* self holds this machine's own addresses, copied. NULL with the cause: a word or CIDR that is neither, or
 * no memory. */
struct targets	*targets_new(const struct va_config *, const struct address *self, size_t count,
    struct reason *);
void		 targets_free(struct targets *);	/* NULL is fine */

/* When it says false, *what names the rule: "loopback", "10.0.0.0/8", ...; it lives as long as targets. */
bool		 targets_allow(const struct targets *, const struct address *, const char **what);
/* Whether the allow list itself holds the address: then a redirect may name it (Boulder: no bare address). */
bool		 targets_list(const struct targets *, const struct address *);

#define SELF_MAX 256
/* The addresses of this machine's interfaces but loopback's (that is a name of its own). Not pure: asks the
 * kernel. Returns how many were written. */
size_t		 targets_self(struct address out[SELF_MAX]);

#endif
