/* handshake.h: TLS handshakes that wait for their client.
 *
 * libmicrohttpd 0.9.75 turns in a busy loop from a client's first byte to the end of its handshake: its epoll
 * loop forgets "readable" only when records are read. Two clients that stop half-way would take two cores. So
 * a handshake that has nothing to read is suspended; one thread watches these sockets and resumes them.
 *
 * A handshake is the dearest thing that a stranger may ask for: when its first record is there to its end it takes a turn
 * (turns.h), and whoever owes too much waits for it with that record unread by GnuTLS. */
#ifndef SIGNET_WFE_HANDSHAKE_H
#define SIGNET_WFE_HANDSHAKE_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "wfe/turns.h"

struct watcher;			/* the thread and its sockets; lives as long as the process */
struct handshake;		/* one connection's */

/* turns: borrowed for as long. NULL: out of memory or descriptors. */
struct watcher	*watcher_new(struct turns *turns);
/* A pthread start routine. */
_Noreturn void	*watcher_run(void *watcher);

/* Before a session's first byte is read. remote: who pays for it; "": nobody. Both borrowed for its life. NULL: out of
 * memory; the handshake then works, unwatched. */
struct handshake *handshake_new(struct watcher *, struct MHD_Connection *, int fd, gnutls_session_t,
    struct connection *peer, const char *remote);
void		 handshake_free(struct handshake *);	/* when the connection closes; NULL is fine */

#endif
