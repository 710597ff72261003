/* dns.h: the DNS server, by UDP and TCP, on the event loop. */
#ifndef SIGNET_CHALLTESTSRV_DNS_H
#define SIGNET_CHALLTESTSRV_DNS_H

#include <uv.h>

#include "lib/err.h"
#include "pebble-compat/challtestsrv/store.h"

/* Serves the two sockets until the process ends; both are its own now, also on failure. The store is borrowed for as
 * long. ERR_MEMORY, ERR_IO. */
enum err dns_serve(uv_loop_t *, struct store *, int udp, int tcp);

#endif
