/* server_set.h: one set of DNS servers, by c-ares on the loop: a question goes out, its bytes come back. */
#ifndef SIGNET_VA_SERVER_SET_H
#define SIGNET_VA_SERVER_SET_H

#include <stdint.h>
#include <uv.h>

#include "config/config.h"
#include "lib/buf.h"
#include "va/egress.h"

struct server_set;

/* "system" or addresses. Reads /etc/resolv.conf: before the sandbox. NULL, and it is logged why. */
struct server_set	*server_set_new(const struct strings *words, const struct egress *);
bool			 server_set_start(struct server_set *, uv_loop_t *);	/* false: out of memory or descriptors */
/* Ends every question. closed, if any, is called when the loop has let go: at once when it never started. */
void			 server_set_free(struct server_set *, void (*closed)(void *arg), void *arg);
const char		*server_set_text(const struct server_set *);	/* "10.0.0.53:53" */

/* status is one of c-ares' ARES_*; the reply lives for the call, empty when there was none. */
typedef void server_set_done(void *arg, int status, struct slice reply);
/* done is called exactly once, perhaps before this returns. The name is absolute without its dot. */
void			 server_set_ask(struct server_set *, const char *name, uint16_t type, server_set_done *,
    void *arg);

#endif
