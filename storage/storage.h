/* storage.h: the verbs ra may use. No SQL leaves this folder.
 *
 * Reads: storage_read() gives a snapshot. Writes: storage_write() runs a function in a transaction that is
 * committed durably, together with concurrent ones, before it returns; the function may run more than once
 * and must have no effect but through its tx. Rows own their strings: ROW_free(). From any thread.
 *
 * Every verb: ERR_OK, ERR_IO (logged with the statement's name), ERR_MEMORY, and what stands beside it. */
#ifndef SIGNET_STORAGE_STORAGE_H
#define SIGNET_STORAGE_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/challenge.h"
#include "acme/evidence.h"
#include "acme/identifier.h"
#include "acme/status.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/id.h"
#include "lib/reason.h"

struct storage;
struct storage_tx;

/* Opens (creating it) and migrates the database that url names ("sqlite:PATH", PATH absolute or relative to
 * dir). readers: snapshots at once. ERR_CONFIG with reason: unknown kind, or made by a newer signet.
 * The files it opens stay in PATH's folder. */
enum err storage_open(const char *url, const char *dir, unsigned readers, struct storage **out,
    struct reason *);
/* Starts the writer's thread. Separate from storage_open() because a process drops its privileges between. */
enum err storage_start(struct storage *);
/* Waits for writes under way. NULL is fine. */
void	 storage_close(struct storage *);
/* For `signet check`: the schema in the database (0: none yet) and the newest that we know. */
enum err storage_version(const char *url, const char *dir, int *have, int *know, struct reason *);

enum err storage_read(struct storage *, struct storage_tx **);	/* waits for a free reader */
void	 storage_read_end(struct storage_tx *);
/* Returns what fn returned (nothing written unless ERR_OK), or ERR_IO when the commit failed. Only after
 * storage_start(). fn runs in the writer's thread: it must not block. */
enum err storage_write(struct storage *, enum err (*fn)(struct storage_tx *, void *arg), void *arg);

/* --- accounts ------------------------------------------------------------------------------------ */
struct account {
	struct id		 id;
	char			 thumbprint[THUMBPRINT_SIZE];
	char			*jwk;		/* canonical JSON */
	enum account_status	 status;
	char			*contact;	/* JSON array text, "[]" */
	int64_t			 terms_agreed;	/* seconds; 0: never */
	int64_t			 created;
};
void	 account_free(struct account *);	/* the strings; the struct is the caller's */
enum err account_insert(struct storage_tx *, const struct account *);	/* ERR_EXISTS: this key */
enum err account_get(struct storage_tx *, struct id, struct account *);	/* ERR_NOT_FOUND */
enum err account_by_thumbprint(struct storage_tx *, const char *, struct account *); /* ERR_NOT_FOUND */
enum err account_set_contact(struct storage_tx *, struct id, const char *contact);
/* Deactivates it, its open orders (as ORDER_INVALID with error) and its pending authorizations.
 * ERR_CONFLICT: not valid any more. */
enum err account_deactivate(struct storage_tx *, struct id, const char *order_error);

/* --- authorizations: one row, the challenges share a token ---------------------------------------- */
struct authorization {
	struct id			 id;
	struct id			 account;
	struct identifier		 identifier;	/* base name */
	bool				 wildcard;
	enum authorization_state	 state;
	int64_t				 expires;
	char				 token[TOKEN_SIZE];
	uint32_t			 offered;	/* challenge_offer() */
	enum challenge_type		 tried;		/* CHALLENGE_NONE until one is */
	int64_t				 validated;	/* seconds; 0 until valid */
	char				*record;	/* JSON, or NULL */
	char				*error;		/* problem JSON, or NULL */
	struct buf			 evidence;	/* empty until valid */
};
void	 authorization_free(struct authorization *);
/* It expires only once order_insert() has put it in an order, and that has gone: one transaction does both. */
enum err authorization_insert(struct storage_tx *, const struct authorization *);
enum err authorization_get(struct storage_tx *, struct id, struct authorization *); /* ERR_NOT_FOUND */
/* The same for one that no order has yet (RFC 8555, 7.4.1). */
enum err authorization_insert_alone(struct storage_tx *, const struct authorization *);
/* The account's authorization for that base name that no order has, valid or else pending, and still so after until.
 * ERR_NOT_FOUND. */
enum err authorization_find(struct storage_tx *, struct id account, const struct identifier *, bool wildcard,
    int64_t until, struct authorization *);
/* pending -> processing with tried set. ERR_CONFLICT: it was not pending. */
enum err authorization_begin(struct storage_tx *, struct id, enum challenge_type tried);
/* processing -> valid or invalid. ERR_CONFLICT: it was not processing. */
enum err authorization_set_valid(struct storage_tx *, struct id, int64_t validated, int64_t expires,
    const char *record, struct slice evidence);
enum err authorization_set_invalid(struct storage_tx *, struct id, const char *record, const char *error);
/* pending, processing or valid -> deactivated. ERR_CONFLICT otherwise. */
enum err authorization_deactivate(struct storage_tx *, struct id);
/* Those in processing, oldest first, at most max; for the start of ra. */
enum err authorizations_processing(struct storage_tx *, struct id *ids, size_t max, size_t *count);

/* --- orders --------------------------------------------------------------------------------------- */
struct order {
	struct id		 id;
	struct id		 account;
	enum order_state	 state;
	int64_t			 expires;
	struct identifier	*identifiers;	/* owned; as the client sent them, without duplicates */
	size_t			 identifier_count;
	int64_t			 not_before, not_after;		/* 0: not asked for */
	char			*profile;	/* never NULL */
	char			*replaces;	/* RFC 9773: certid_put() of the predecessor, or NULL */
	char			*error;		/* problem JSON, or NULL */
	struct id		 certificate;	/* zero until ORDER_VALID */
	int64_t			 created;
	struct buf		 finalize;	/* the finalize request as signed; empty until then.
						 * Only order_get_finalize() fills it. */
};
void	 order_free(struct order *);
/* Inserts it with its authorizations, which exist already. */
enum err order_insert(struct storage_tx *, const struct order *, const struct id *authorizations,
    size_t count);
enum err order_get(struct storage_tx *, struct id, struct order *);	/* ERR_NOT_FOUND */
enum err order_get_finalize(struct storage_tx *, struct id, struct order *);
/* The order's authorizations in identifier order, at most IDENTIFIERS_MAX. The caller frees *out's rows and
 * *out. */
enum err order_authorizations(struct storage_tx *, struct id, struct authorization **out, size_t *count);
/* Their ids alone: ids is an array of IDENTIFIERS_MAX. None, when there is no such order. */
enum err order_authorization_ids(struct storage_tx *, const struct id *order, struct id *ids, size_t *count);
/* open -> processing, keeping the signed request and no error. ERR_CONFLICT: it was not open. */
enum err order_begin_finalize(struct storage_tx *, struct id, struct slice jws);
/* processing -> open, the signed request dropped (a bad CSR leaves the order ready). The order keeps error
 * (NULL: none) until it is finalized again. ERR_CONFLICT. */
enum err order_reopen(struct storage_tx *, struct id, const char *error);
/* processing -> invalid. ERR_CONFLICT. */
enum err order_set_invalid(struct storage_tx *, struct id, const char *error);
/* processing -> valid. From here on the certificate keeps the order from expiring. ERR_CONFLICT. */
enum err order_set_valid(struct storage_tx *, struct id, struct id certificate);
/* The account's orders older than before, newest first, at most max; without those that are invalid at now,
 * whether that is stored or follows from time or an authorization (RFC 8555, 7.1.6). */
enum err orders_of_account(struct storage_tx *, struct id account, struct id before, int64_t now, struct id *ids,
    size_t max, size_t *count);
/* Whether an order that is not invalid at now replaces that certificate: ERR_OK, or ERR_NOT_FOUND. */
enum err order_replacing(struct storage_tx *, const char *certid, int64_t now);
/* The account's newest orders of any state, newest first, at most max. */
enum err orders_newest(struct storage_tx *, struct id account, struct id *ids, size_t max, size_t *count);
enum err orders_processing(struct storage_tx *, struct id *ids, size_t max, size_t *count);

/* --- certificates and issuers --------------------------------------------------------------------- */
struct certificate {
	struct id	 id;
	struct id	 order;			/* zero: the server's own */
	struct id	 account;
	uint8_t		 issuer[32];		/* SHA-256 of the issuer's DER */
	struct buf	 serial;		/* 1 to 20 bytes */
	int64_t		 not_before, not_after;
	struct buf	 der;
};
void	 certificate_free(struct certificate *);
enum err certificate_insert(struct storage_tx *, const struct certificate *);	/* ERR_EXISTS: the serial */
enum err certificate_get(struct storage_tx *, struct id, struct certificate *);	/* ERR_NOT_FOUND */
enum err issuer_put(struct storage_tx *, const uint8_t fingerprint[32], struct slice der); /* idempotent */
enum err issuer_get(struct storage_tx *, const uint8_t fingerprint[32], struct buf *der);

/* By serial; serials of all issuers are random. ERR_NOT_FOUND. */
enum err certificate_by_serial(struct storage_tx *, struct slice serial, struct certificate *);

/* --- housekeeping --------------------------------------------------------------------------------- */
/* Deletes at most limit rows of each kind that nobody can ask for any more: orders that expired before cutoff
 * (seconds) and whose certificate (order_set_valid()) is not live, authorizations that expired before it and
 * have outlived their orders, certificates whose notAfter is before it. Never an order in processing: ca may
 * have signed for it, and its end is still owed. *deleted tells how many. */
enum err storage_expire(struct storage_tx *, int64_t cutoff, unsigned limit, unsigned *deleted);

#endif
