/* crl.h: revocation lists, made of what ra says is revoked. Nothing is proven here, and needn't be: a captured ra
 * can refuse, delay and lie, but a revocation never gives anybody a certificate. What ca sees to is the form, and
 * that a list's number never goes back. */
#ifndef SIGNET_CA_CRL_H
#define SIGNET_CA_CRL_H

#include "ca/authority.h"
#include "ipc/channel.h"
#include "ipc/msg.h"

struct crl_maker; /* the list in hand, and the numbers of those before */

struct crl_maker *crl_maker_new(void); /* NULL: out of memory */
void crl_maker_free(struct crl_maker *); /* waits too; NULL is fine */
/* Until the list that is being made has left. */
void crl_maker_wait(struct crl_maker *);

/* Takes one part of a list. ERR_BUSY: there is more to come. ERR_OK: the list was complete, and a thread of its own signs
 * it and sends it to ra, so that no certificate waits for a long one; ca's issuers stay as they are until
 * crl_maker_free(), which waits for it. ERR_MALFORMED: not what may come now, so ra is broken. ERR_DENIED: no list, for
 * the reason that is logged. ERR_MEMORY. */
enum err crl_take(struct ca *, const struct msg_crl_entries *, int64_t now_ms, struct channel *ra);

#endif
