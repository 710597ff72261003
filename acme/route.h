/* route.h: the URLs of an ACME server. wfe asks for methods, ra routes the signed url by it, ca recognises an order's
 * finalize URL by it. Which paths there are, the surface says (surface.h). Pure.
 *
 * In a surface's path stand for an id: "*" its 22 characters; "@" 43 characters; "#" a number in hexadecimal without
 * leading zeros, of an id_short(); "$" the same in whole octets, seven or more, as serial numbers are written. "!" are
 * 43 characters for an id and a challenge type, which becomes the tail; "+" is the tail itself. */
#ifndef SIGNET_ACME_ROUTE_H
#define SIGNET_ACME_ROUTE_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/id.h"

enum route {
	ROUTE_NONE = 0,
	ROUTE_DIRECTORY,	/* /directory */
	ROUTE_NEW_NONCE,	/* /new-nonce */
	ROUTE_NEW_ACCOUNT,	/* /new-account */
	ROUTE_NEW_ORDER,	/* /new-order */
	ROUTE_KEY_CHANGE,	/* /key-change */
	ROUTE_REVOKE_CERT,	/* /revoke-cert */
	ROUTE_NEW_AUTHZ,	/* /new-authz */
	ROUTE_ACCOUNT,		/* /account/ID */
	ROUTE_ORDERS,		/* /account/ID/orders */
	ROUTE_ORDERS_PAGE,	/* /account/ID/orders/CURSOR */
	ROUTE_ORDER,		/* /order/ID */
	ROUTE_FINALIZE,		/* /order/ID/finalize */
	ROUTE_FINALIZE_STAR,	/* /order/ID/finalize-star: of an auto-renewal order, and signed as such */
	ROUTE_AUTHORIZATION,	/* /authorization/ID */
	ROUTE_CHALLENGE,	/* /challenge/ID/TYPE */
	ROUTE_CERTIFICATE,	/* /certificate/ID */
	ROUTE_CERTIFICATE_CHAIN, /* /certificate/ID/N */
	ROUTE_STAR_CERTIFICATE,	/* /star-certificate/ID of the order (RFC 8739) */
	ROUTE_STAR_CERTIFICATE_CHAIN, /* /star-certificate/ID/N */
	ROUTE_ISSUER,		/* /issuer/FINGERPRINT */
	ROUTE_RENEWAL_INFO,	/* /renewal-info */
	ROUTE_RENEWAL_INFO_OF,	/* /renewal-info/CERTID */
	ROUTE_COUNT
};

#define ROUTE_TAIL_MAX 127		/* a certificate's name in RFC 9773 is the longest: 55 in ours */

struct target {
	enum route	route;
	struct id	id;		/* zero where the route has none */
	bool		nowhere;	/* the path is of this route's form, and its id none (surface.h: open_ids) */
	char		tail[ROUTE_TAIL_MAX + 1];	/* what "+" stands for: a challenge type, a cursor */
};

struct surface;
/* Where one client finds the server. */
struct site {
	const struct surface	*surface;
	const char		*base;	/* every URL begins so, no trailing slash; NULL: "https://" and any host */
};

/* Recognises a path. False: no such resource. */
bool	 route_parse(const struct surface *, struct slice path, struct target *out);
/* Recognises a whole URL: the site's base, then a path. */
bool	 route_parse_url(const struct site *, const char *url, struct target *out);
/* Appends base and the path; id and tail as the route needs them, else ignored. Nothing when the route isn't served. */
void	 route_url(struct buf *, const struct site *, enum route, const struct id *, const char *tail);
bool	 route_served(const struct surface *, enum route);
/* The member's name in the directory object ("newOrder"); NULL when it is not listed there. */
const char *route_directory_name(enum route);
const char *route_name(enum route);		/* for logs and metrics: "new-order" */
/* directory, newNonce (RFC 8555, 6.3), renewalInfo (RFC 9773, 4.1), star-certificate (RFC 8739, 3.4) */
bool	 route_takes_get(enum route);
bool	 route_is_lookup(enum route);		/* ra answers its GET */
bool	 route_is_finalize(enum route);		/* of either kind of order */

#endif
