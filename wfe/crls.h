/* crls.h: the revocation lists as ra hands them on, for the plain listener. From any thread. */
#ifndef SIGNET_WFE_CRLS_H
#define SIGNET_WFE_CRLS_H

#include <stdbool.h>

#include "ipc/msg.h"
#include "lib/buf.h"
#include "lib/err.h"

struct crls;

struct crls	*crls_new(void);		/* NULL: out of memory */
void		 crls_free(struct crls *);	/* NULL is fine */
/* Takes a part; a list that is complete replaces the one of before. ERR_MALFORMED: parts out of order; ERR_MEMORY. */
enum err	 crls_take(struct crls *, const struct msg_crl *);
/* Appends the list that this path names. ERR_NOT_FOUND: there is none; ERR_BUSY: none has come yet at all, as in
 * the first moments after a start; ERR_MEMORY. */
enum err	 crls_get(struct crls *, const char *path, struct buf *out);

#endif
