/* connector.h: TCP connections to addresses that were checked, directly or by a proxy, on the loop. While one is on its
 * way it takes little memory: those who never answer are many.
 *
 *   CONNECTING --connected--> over
 *       |  +--to the proxy--> TALKING --it passes on--> over
 *       +--refused, no route, time-+--------------------> over, without a connection */
#ifndef SIGNET_VA_CONNECTOR_H
#define SIGNET_VA_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "config/network.h"
#include "lib/address.h"
#include "va/egress.h"

#define CONNECT_MS 10000	/* Boulder's dial timeout; a proxy's part is in it */

enum connect_outcome {
	CONNECT_DONE = 1,
	CONNECT_UNREACHABLE,	/* the target, also as the proxy says; another address may do */
	CONNECT_NO_WAY		/* it was not asked: the proxy is no use, or memory or descriptors are out */
};

struct connect_answer {
	enum connect_outcome outcome;
	int		 fd;		/* CONNECT_DONE: the receiver's; non-blocking */
	int		 error;		/* CONNECT_UNREACHABLE: as of connect(), or 0 */
	const char	*why;		/* else: a clause, "refused the connection" */
	const char	*advice;	/* and what to do */
};
typedef void connect_done(void *arg, const struct connect_answer *);	/* the answer lives for the call */

struct connector;
struct connecting;

/* The egress, and in it the proxy, is borrowed and outlives it. NULL: out of memory or descriptors. */
struct connector *connector_new(uv_loop_t *, const struct egress *);
/* Every connection must be over. The loop must run once more. NULL is fine. */
void		 connector_free(struct connector *);

/* done is called once, later, unless cancelled. responder: what should answer there, "http-01". NULL: out of memory. */
struct connecting *connect_start(struct connector *, const struct address *, uint16_t port, const char *responder,
    connect_done *, void *arg);
void		 connect_cancel(struct connecting *);	/* NULL is fine; not from its own done */
/* What it waits for, a clause: "did not accept a connection". While it is on its way. */
const char	*connect_waits(const struct connecting *);

#endif
