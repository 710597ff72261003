/* listen.h: the listening sockets and libmicrohttpd's daemons behind them. */
#ifndef SIGNET_WFE_LISTEN_H
#define SIGNET_WFE_LISTEN_H

#include "wfe/server.h"

/* Starts one daemon for each listener. False when one can't be; logged. */
bool	 listen_start(struct wfe *, const struct listener *, size_t count);
/* Takes no new connection from now on. */
void	 listen_quiesce(struct wfe *);
/* Ends every connection that is left and every thread. No request may be suspended. */
void	 listen_stop(struct wfe *);

#endif
