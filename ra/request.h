/* request.h: one POST, from the signed bytes to the reply. */
#ifndef SIGNET_RA_REQUEST_H
#define SIGNET_RA_REQUEST_H

#include <stdbool.h>

#include "acme/problem.h"
#include "acme/route.h"
#include "ipc/msg.h"
#include "jose/jws.h"
#include "ra/faults.h"
#include "ra/park.h"
#include "ra/ra.h"

struct request;

/* What a handler that wants to wait leaves behind. */
struct wait {
	struct id	 object;		/* an order or an authorization */
	uint64_t	  stamp;	/* park_stamp() from before the state was read */
	struct buf	  issue;	/* sent to ca once the request is parked, so that no certificate
					 * can come before there is somebody to wake; empty: nothing is */
	bool		(*resume)(struct request *);	/* answers when the wait is over */
};

/* What a handler that wants to write leaves behind. */
struct writing {
	struct storage_write	 write;
	bool			(*after)(struct request *, void *arg, enum err);	/* answers; NULL: nothing to write */
	void			*arg;
};

struct request {
	struct parked		 parked;	/* first: a request may wait */
	struct ra		*ra;
	struct msg_request	 msg;		/* its body is owned through body */
	struct buf		 body;
	struct jws		*jws;
	bool			 nonce_is_ours_to_blame;	/* it was refused by chance, or was stale when we gave it */
	struct fault		 fault;		/* zero: none */
	bool			 is_scripted;	/* a fault script gave the answer */
	bool			 lookup;	/* a GET: nobody signed it, and there is no nonce */
	struct site		 site;		/* as this client knows it */
	struct target		 target;	/* from the signed url; a GET's path */
	struct jwk		*key;		/* the account's, or for newAccount the one in the request */
	const struct known	*known;		/* who signed; NULL when it was a "jwk" */
	struct account		 account;	/* the same, borrowed from known; newAccount's own */
	json_t			*payload;	/* an object; NULL for POST-as-GET */
	struct storage_tx	*tx;		/* the snapshot, once a handler asked for it */
	struct charges		 charges;	/* what the request takes of the limits (limits.h) */
	unsigned		 charged;	/* of which a certificate's: charges_of() */
	uint32_t		 star_number;	/* of an auto-renewal order that is finalized: which certificate is asked for, */
	struct buf		 star_changes;	/* and for star_begin(); 0: it is none */
	struct problem		 problem;
	struct msg_reply	 reply;
	struct buf		 reply_body;
	struct writing		 writing;	/* set by request_write() */
	struct wait		 wait;		/* set by request_wait() */
	bool			 waited;	/* the wait is over: answer with what there is */
};

/* Takes a decoded message over by copying it. NULL: out of memory. */
struct request	*request_new(struct ra *, const struct msg_request *);
/* The same for what nobody signs. */
struct request	*request_new_lookup(struct ra *, const struct msg_lookup *);
/* Authenticates, routes, acts, answers; takes the request over. */
void		 request_run(struct request *);

/* authenticate.c: RFC 8555, 6.2 to 6.5, from the signed bytes alone. False with a problem. */
bool		 authenticate(struct request *);

/* A snapshot for reads, shared by the request's handlers. NULL with serverInternal set. */
struct storage_tx *request_tx(struct request *);
void		 request_tx_end(struct request *);	/* before writing; harmless when there is none */

/* Sets what an unknown object gets: 404 with these words. Returns false. */
bool		 request_no_object(struct request *, const char *words);

/* Sets what a payload gets where only POST-as-GET is served. Returns false. */
bool		 request_not_empty(struct request *);

/* Sets serverInternal for an error that is ours, and logs it with where. Returns false. */
bool		 request_broken(struct request *, const char *where, enum err);

/* reply.c: what a handler answers with. All return true, or false with serverInternal. */
bool		 reply_json(struct request *, uint16_t status, json_t *owned);
/* The same, with its lists in changing order where ra.shuffle says so. */
bool		 reply_object(struct request *, uint16_t status, json_t *owned);
/* Retry-After of what is in processing; 0: none. */
void		 reply_poll_after(struct request *, int64_t seconds);
void		 reply_location(struct request *, enum route, const struct id *);
void		 reply_link(struct request *, const char *url, const char *relation);
void		 reply_send(struct request *);		/* encodes the reply or the problem, sends it */

/* Has fn(tx, arg) write, and goes on with after() once the outcome is on disk; a handler ends with
 * "return request_write(...)". after() runs in the writer's thread: it answers or waits, and writes no more. Whatever
 * arg holds is its own to free. */
bool		 request_write(struct request *, enum err (*fn)(struct storage_tx *, void *arg),
    bool (*after)(struct request *, void *arg, enum err), void *arg);

/* Leaves the request waiting until the object changes, at most config->ra.finalize_wait_ms; a handler ends
 * with "return request_wait(...)". resume answers when the wait is over. */
bool		 request_wait(struct request *, struct id object, uint64_t stamp,
    bool (*resume)(struct request *));

/* account.c: whether this key was blocked, since a certificate was revoked for it. False with a problem of that type,
 * which begins with what. */
bool		 key_unblocked(struct request *, const char *thumbprint, enum problem_type, const char *what);

/* order.c: an order of the requesting account with its authorizations, for the handlers that need both. False
 * with a problem. Either way order_unload() frees what was loaded. */
bool		 order_load(struct request *, struct id, struct order *, struct authorization **, size_t *count);
void		 order_unload(struct order *, struct authorization *, size_t count);

/* account.c: 200 with the account object. */
bool		 account_answer(struct request *, const struct account *);
/* Whether the URL is the requesting account's. False with unauthorized. */
bool		 account_is_own(struct request *);

/* order.c: a pending authorization for that identifier, with those of its challenges (bits: 1 << type), not stored
 * yet. */
void		 authorization_fill(struct request *, const struct identifier *, uint32_t challenges, int64_t now,
    struct authorization *);

/* renewal.c: whether the order may replace the certificate that it names, if any (RFC 9773, 5), but for what other
 * orders do. False with a problem. */
bool		 renewal_check(struct request *, const struct order *);

/* The handlers, each in the file of its object. False with a problem; true with a reply or a wait. */
bool account_new(struct request *);
bool account_update(struct request *);
bool account_orders(struct request *);
bool account_change_key(struct request *);
bool order_new(struct request *);
bool authorization_new(struct request *);
bool order_show(struct request *);
bool order_update(struct request *);
bool order_finalize(struct request *);
bool authorization_show(struct request *);
bool challenge_respond(struct request *);
bool certificate_show(struct request *);
bool certificate_revoke(struct request *);
bool issuer_show(struct request *);
bool renewal_show(struct request *);

#endif
