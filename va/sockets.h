/* sockets.h: the sockets that libcurl and the resolver open and want watched, in an epoll of their own that the
 * loop watches. libuv spends seven system calls on a socket that comes, is written, read and goes; this three. */
#ifndef SIGNET_VA_SOCKETS_H
#define SIGNET_VA_SOCKETS_H

#include <stdbool.h>
#include <uv.h>

struct sockets;

/* An error on the socket shows as both. It may come once more after the socket was closed. */
typedef void sockets_ready(void *arg, int fd, bool readable, bool writable);

/* NULL: out of memory or descriptors. */
struct sockets	*sockets_new(uv_loop_t *, sockets_ready *, void *arg);
/* Neither: no longer, and before it is closed. False: the kernel says no. */
bool		 sockets_watch(struct sockets *, int fd, bool readable, bool writable);
/* The loop must run once more. NULL is fine; not from within a sockets_ready. */
void		 sockets_free(struct sockets *);

#endif
