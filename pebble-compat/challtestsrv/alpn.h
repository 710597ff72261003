/* alpn.h: the server that answers tls-alpn-01 (RFC 8737), on the event loop. */
#ifndef SIGNET_CHALLTESTSRV_ALPN_H
#define SIGNET_CHALLTESTSRV_ALPN_H

#include <openssl/evp.h>
#include <uv.h>

#include "lib/err.h"
#include "pebble-compat/challtestsrv/store.h"

struct alpn;

/* What all its listeners share; store and key are borrowed for as long. NULL: out of memory. */
struct alpn	*alpn_new(struct store *, EVP_PKEY *);
void		 alpn_free(struct alpn *);
/* Serves a listening socket until the process ends; it is its own now, also on failure. ERR_MEMORY, ERR_IO. */
enum err	 alpn_serve(struct alpn *, uv_loop_t *, int fd);

#endif
