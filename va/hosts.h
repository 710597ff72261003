/* hosts.h: hosts(5): names whose addresses stand in a file of this machine. Pure. */
#ifndef SIGNET_VA_HOSTS_H
#define SIGNET_VA_HOSTS_H

#include <stddef.h>

#include "lib/address.h"
#include "lib/buf.h"

struct hosts;

/* "ADDRESS NAME [ALIAS]...", a line; what is none is passed over, as resolvers do. NULL: out of memory. */
struct hosts	*hosts_read(struct slice text);
void		 hosts_free(struct hosts *);		/* NULL is fine */
/* The name's addresses, IPv6 first, in the file's order; how many, at most max. NULL has none. */
size_t		 hosts_find(const struct hosts *, const char *name, struct address *out, size_t max);

#endif
