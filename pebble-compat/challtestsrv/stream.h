/* stream.h: TCP connections on the event loop that are asked and answered: DNS, and TLS records. */
#ifndef SIGNET_CHALLTESTSRV_STREAM_H
#define SIGNET_CHALLTESTSRV_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"

struct stream;

struct stream_service {
	/* All that came and was not yet taken, borrowed for the call. How much of it is done with, or -1 to hang up when
	 * what was written has gone out. */
	ssize_t	(*on_bytes)(struct stream *, void *arg, struct slice bytes);
	void	(*on_close)(struct stream *);	/* or NULL */
	unsigned idle_ms;			/* without a byte */
	size_t	 pending_max;			/* of bytes not taken; one more, and the connection is closed */
};

#define STREAM_CONNECTIONS_MAX 4096	/* of one service at once; then new ones are closed */

/* Serves a listening socket until the process ends; it is its own now, also on failure. service and arg are
 * borrowed for as long. ERR_MEMORY, ERR_IO. */
enum err stream_serve(uv_loop_t *, const struct stream_service *, void *arg, int fd);

/* Writes the bytes, and empties the buf. Nothing happens on a connection that is closing. */
void	 stream_write(struct stream *, struct buf *);
/* Between these two the stream exists, though it may be closed meanwhile. */
void	 stream_hold(struct stream *);
void	 stream_release(struct stream *);
uv_loop_t *stream_loop(const struct stream *);
/* A pointer for the service's own use; NULL at the start. */
void	 stream_set(struct stream *, void *);
void	*stream_get(const struct stream *);

#endif
