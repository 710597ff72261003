/* relay.h: a DNS server whose name nobody knows yet: containers start in any order. A process of its own listens at
 * 127.0.0.1, looks the name up for each connection, as Pebble does, and passes the bytes on, by TCP as va asks. It knows
 * nothing else, and ends with its parent. */
#ifndef SIGNET_PEBBLE_RELAY_H
#define SIGNET_PEBBLE_RELAY_H

#include "lib/err.h"

#define RELAY_TEXT_SIZE 24	/* 127.0.0.1:65535 */

/* out: where to ask instead of server ("host:port"); "" when the host is known, or server is none, which others
 * complain of. Before there are threads. ERR_IO. */
enum err relay_start(const char *server, char out[RELAY_TEXT_SIZE]);

#endif
