/* own.h: whether an address is this machine's own at this moment, as the kernel routes it: also one that came up after
 * the start, and one that is on no interface and answered all the same. */
#ifndef SIGNET_VA_OWN_H
#define SIGNET_VA_OWN_H

#include <stdbool.h>

#include "lib/address.h"

struct own;

/* Opens a socket to the kernel: before the sandbox. NULL, and it is logged why: then nobody knows. */
struct own	*own_new(void);
void		 own_free(struct own *);	/* NULL is fine */
/* A targets_own (target.h). */
bool		 own_has(void *own, const struct address *);

#endif
