/* hello.h: two extensions of a TLS ClientHello. Pure. */
#ifndef SIGNET_CHALLTESTSRV_HELLO_H
#define SIGNET_CHALLTESTSRV_HELLO_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/buf.h"

/* The host name in a server_name extension (RFC 6066, 3), borrowed from it; empty when there is none, or the extension
 * is malformed. */
struct slice	hello_server_name(struct slice extension);
/* The protocols of an ALPN extension (RFC 7301, 3.1) as an array of strings, null when it has none or is malformed.
 * The caller's own; NULL: out of memory. */
json_t		*hello_protocols(struct slice extension);
/* Whether acme-tls/1 is the only one (RFC 8737, 3). */
bool		 hello_is_acme(struct slice extension);

#endif
