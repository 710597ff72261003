/* link.h: frames over one TLS connection, on the loop.
 *
 *   shaking --handshake complete--> up: link_up() --broken, closed, malformed: link_down()--> gone
 *      +------failed, or ten seconds are over: link_down()-------------------------------------^
 */
#ifndef SIGNET_VA_LINK_H
#define SIGNET_VA_LINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <uv.h>

#include "lib/buf.h"

struct link;

struct link_events {
	void	(*up)(void *arg);
	/* One body; borrowed for the call. False: it is malformed, and the link goes down. */
	bool	(*frame)(void *arg, struct slice body);
	/* At most once, and the link is gone; never from within link_new() or link_send(). */
	void	(*down)(void *arg, const char *why);
};

#define LINK_QUEUE_MAX (4 << 20)	/* bytes that wait to be sent: ten thousand questions */

/* Takes the connected, or connecting, socket over, also when it fails. NULL: out of memory or descriptors. events is
 * borrowed for ever. */
struct link	*link_new(uv_loop_t *, SSL_CTX *, bool server, int fd, const struct link_events *, void *arg);
/* Queues whole frames; before it is up too. False: too much waits already, and it was not taken. */
bool		 link_send(struct link *, struct slice frames);
/* Without a word to anybody; not from within up() and frame(). NULL is fine. */
void		 link_close(struct link *);

#endif
