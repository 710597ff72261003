/* answer.h: what the challenge server says to a DNS question. */
#ifndef SIGNET_CHALLTESTSRV_ANSWER_H
#define SIGNET_CHALLTESTSRV_ANSWER_H

#include "lib/buf.h"
#include "lib/err.h"
#include "pebble-compat/challtestsrv/message.h"
#include "pebble-compat/challtestsrv/store.h"

/* Reads a query, notes the question in the history with the asker's User-Agent ("" but by HTTPS), and appends the
 * answer's bytes to out, which is empty.
 * ERR_OK; ERR_CLOSED: say nothing; ERR_BUSY: the answer needs a host's address, which takes time: call answer_wait()
 * with *query; ERR_MEMORY. */
enum err answer(struct store *, struct slice packet, const char *user_agent, struct dns_query *query, struct buf *out);
/* The rest of it, on a thread that may wait. ERR_OK, ERR_MEMORY. */
enum err answer_wait(struct store *, const struct dns_query *, struct buf *out);

#endif
