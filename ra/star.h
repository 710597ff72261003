/* star.h: auto-renewal orders (RFC 8739). The database says when each is due, and which certificate ca was asked for and has
 * not answered yet: so a start goes on where the last one was, and what ca signed while ra died is asked for again, not made
 * again (ca/star.h). What is due is looked for four times a second, by the clock that tests move. */
#ifndef SIGNET_RA_STAR_H
#define SIGNET_RA_STAR_H

#include "ipc/msg.h"
#include "ra/ra.h"

struct request;

/* --- star.c: certificate after certificate ---------------------------------------------------------------- */

/* Asks for certificates that are due, those first that are so the longest. Waits for the disk. */
void star_run(struct ra *);
/* Tells ca which orders were canceled: of an account, or (NULL) all. */
void star_tell(struct ra *, const struct id *account);
/* Ends one: valid -> canceled, and ca is told. Waits for the disk. ERR_CONFLICT: it is not valid, or no such order. */
enum err star_end(struct ra *, struct id order);
/* Sends ca the ISSUE that is due for the order, being finalized or renewed; or has CAA looked up again first (unless !ask:
 * that is under way). ERR_CONFLICT: none is; and others. */
enum err star_send(struct ra *, struct id order, bool ask);
/* Of one that is being finalized: what ca has to see of newOrder, and which certificate is asked for, into the message; the
 * changes of the account's key in it into *changes, to be kept by star_begin(). star is filled, and the caller frees it when
 * the message is written. */
enum err star_prove(struct storage_tx *, const struct order *, struct msg_issue *, struct star *, struct buf *changes);

/* In the writer's thread. A certificate came, and is stored: it takes the place of the one before, unless the order was
 * canceled. */
enum err star_came(struct storage_tx *, const struct order *, struct id certificate, uint32_t number);
/* None came: number as ca was asked, 0 when it was not. The error shows in the order, which goes on. STAR_FIRST: it never
 * had one, so that this is as with any order. STAR_LATE: its first one would be another by now, to be sent for. */
enum star_refusal { STAR_FIRST, STAR_LATE, STAR_KEPT };
enum err star_refused(struct storage_tx *, const struct order *, uint32_t number, const char *error, enum star_refusal *);

/* --- star_order.c: what clients ask ------------------------------------------------------------------------ */

/* The newest certificate of the order in the URL, for who may have it (RFC 8739, 3.3 and 3.4). False with the problem. */
bool star_load(struct request *, struct certificate *);
/* When to fetch the one after that certificate, if there will be one: from when it is out, a quarter of the lifetime long.
 * ERR_NOT_FOUND. */
enum err star_next(struct storage_tx *, const struct certificate *, int64_t now, int64_t *start, int64_t *end);

#endif
