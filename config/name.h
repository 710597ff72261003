/* name.h: small texts of the configuration. */
#ifndef SIGNET_CONFIG_NAME_H
#define SIGNET_CONFIG_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* A DNS name as hosts carry it (RFC 1123, 2.1), one label or more, no trailing dot; not an IPv4 address.
 * Capital letters pass. */
bool	 name_check(const char *);
/* How many characters one must add, drop, change or swap with the next; for short words. */
size_t	 edit_distance(const char *, const char *);

#endif
