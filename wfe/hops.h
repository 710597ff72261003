/* hops.h: whom a request comes from where reverse proxies stand in front (signet.yaml: wfe.trusted_proxies). Each proxy
 * adds the address that it was asked from behind what its client sent, so that a header is to be believed from its end up
 * to the first address that is no trusted proxy's, and not a byte further. Pure. */
#ifndef SIGNET_WFE_HOPS_H
#define SIGNET_WFE_HOPS_H

#include "config/config.h"
#include "lib/address.h"

#define HOPS_MAX 16	/* the last ones: nobody has so many proxies of his own */

struct hops {
	enum proxy_header header;	/* which one is read */
	struct address all[HOPS_MAX];	/* family 0: not an address: "unknown", "_hidden", garbage */
	size_t count;			/* 0 at first */
};

/* Adds what one line of the header says, which is as the client or a proxy sent it. Lines are added in the order in which
 * they came. */
void hops_add(struct hops *, const char *line);
/* The address to count the request by: peer, who opened the connection, unless that is a trusted proxy ("10.0.0.0/8"). */
struct address hops_client(const struct hops *, const struct strings *trusted, const struct address *peer);
bool hops_trusted(const struct strings *trusted, const struct address *);

#endif
