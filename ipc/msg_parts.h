/* msg_parts.h: what decoders of several messages share; for ipc/msg*.c alone. */
#ifndef SIGNET_IPC_MSG_PARTS_H
#define SIGNET_IPC_MSG_PARTS_H

#include "acme/revocation.h"
#include "ipc/wire.h"

/* Seconds since 1970, in years of four digits: whoever adds a lifetime to it can't overflow. */
int64_t		 get_time(struct wire *);
/* One for which a certificate ends, or none. */
enum revocation_reason get_reason(struct wire *);
/* Bytes without a length before them. */
void		 get_raw(struct wire *, uint8_t *out, size_t len);

#endif
