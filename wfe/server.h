/* server.h: what the parts of the front end share: one struct wfe for the process, one struct server for
 * each listening socket. Filled by wfe.c before any thread starts; only what says so changes later. */
#ifndef SIGNET_WFE_SERVER_H
#define SIGNET_WFE_SERVER_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "acme/surface.h"
#include "proc/proc.h"
#include "wfe/connections.h"
#include "wfe/crls.h"
#include "wfe/handshake.h"
#include "wfe/in_flight.h"
#include "wfe/management.h"
#include "wfe/metrics.h"
#include "wfe/nonce_stock.h"
#include "wfe/plain.h"
#include "wfe/tls.h"
#include "wfe/turns.h"

struct quotas;
struct wfe;

struct server {
	struct wfe		*wfe;
	enum listener_kind	 kind;
	struct crowd		*crowd;
	struct MHD_Daemon	*daemon;
};

struct wfe {
	const struct config	*config;
	struct channel		*ra;
	const struct surface	*surface;
	struct connections	*connections;
	struct in_flight	*in_flight;
	struct nonce_stock	*nonces;
	struct metrics		*metrics;
	struct plain		*plain;
	struct management	*management;
	struct crls		*crls;
	struct tls		*tls;			/* NULL: off */
	struct watcher		*watcher;
	struct turns		*turns;
	struct quotas		*quotas;
	struct buf		 directory;		/* under the configured name */
	char			*index_link;		/* <directory>;rel="index" */
	unsigned		 threads;
	atomic_bool		 stopping;
	struct server		 servers[LISTENERS_MAX];
	size_t			 server_count;
};

/* Asks ra for nonces when the stock wants some. */
void wfe_want_nonces(struct wfe *);

#endif
