/* egress.h: the way out that connections and questions take. */
#ifndef SIGNET_VA_EGRESS_H
#define SIGNET_VA_EGRESS_H

#include <stdbool.h>

#include "config/network.h"

/* All zero: as the kernel chooses. */
struct egress {
	struct address	source;		/* family 0: any */
	bool		tcp;		/* questions go by it */
	const struct proxy *proxy;	/* that connections to targets go by; NULL: none */
};

/* Gives a new socket of that family the source. False with errno: it can't go there from that source. */
bool	 egress_bind(const struct egress *, int fd, int family);

#endif
