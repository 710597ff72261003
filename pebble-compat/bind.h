/* bind.h: listening sockets by the addresses that Go's net.Listen takes: "host:port", ":port", "[::1]:port". */
#ifndef SIGNET_PEBBLE_BIND_H
#define SIGNET_PEBBLE_BIND_H

#include <netdb.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/reason.h"

/* Every address of this machine, of both families, when the host is empty or one of the two unspecified
 * addresses; else the host's first IPv4 address, or its first. Port 0 takes a free one. type is SOCK_STREAM
 * (listening when it returns) or SOCK_DGRAM. On ERR_OK the caller owns *fd: non-blocking, closed on exec.
 * ERR_MALFORMED: no such form; ERR_NOT_FOUND: no such host; ERR_IO: the system refuses. With the reason. */
enum err bind_address(const char *address, int type, int *fd, struct reason *);
/* The first address of that family in a list that isn't empty, or else the first of all; points into the list. */
const struct addrinfo *bind_choose(const struct addrinfo *, int family);
/* The socket's address as text that bind_address() takes: what port 0 came to. */
#define BIND_TEXT_SIZE 64
void	 bind_text(int fd, char out[BIND_TEXT_SIZE]);

#endif
