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

#include "acme/auto_renewal.h"
#include "acme/challenge.h"
#include "acme/evidence.h"
#include "acme/identifier.h"
#include "acme/revocation.h"
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

/* Waits for a free reader; in a storage_write's done() it never does, and all of a batch see the same. */
enum err storage_read(struct storage *, struct storage_tx **);
void	 storage_read_end(struct storage_tx *);
/* Returns what fn returned (nothing written unless ERR_OK), or ERR_IO when the commit failed. Only after
 * storage_start(). fn runs in the writer's thread: it must not block. */
enum err storage_write(struct storage *, enum err (*fn)(struct storage_tx *, void *arg), void *arg);

/* The same without a thread that waits. */
struct storage_write {
	enum err		(*fn)(struct storage_tx *, void *arg);
	void			*arg;
	/* Called once, in the writer's thread, when the outcome is on disk. It may free the write, read, and start
	 * further writes; it must neither block nor call storage_write(). */
	void			(*done)(struct storage_write *);
	enum err		 err;		/* for done(): what storage_write() would return */
	unsigned		 tries;		/* the caller's, 0 at first */
	struct storage_write	*next;		/* the writer's until done() is called */
};
/* The caller fills in fn, arg and done, and leaves *write alone until done() is called. */
void	 storage_write_start(struct storage *, struct storage_write *write);

/* --- accounts ------------------------------------------------------------------------------------ */
struct account {
	struct id		 id;
	char			 thumbprint[THUMBPRINT_SIZE];
	char			*jwk;		/* canonical JSON */
	enum account_status	 status;
	char			*contact;	/* JSON array text, "[]" */
	int64_t			 terms_agreed;	/* seconds; 0: never */
	int64_t			 created;
	struct id		 external_key;	/* that it was made with; zero: none */
	char			*binding;	/* the external account binding as it was sent, or NULL */
	char			*terms;		/* URL of the terms of service that it agreed to, or NULL */
};
void	 account_free(struct account *);	/* the strings; the struct is the caller's */
enum err account_insert(struct storage_tx *, const struct account *);	/* ERR_EXISTS: this key */
enum err account_get(struct storage_tx *, struct id, struct account *);	/* ERR_NOT_FOUND */
enum err account_by_thumbprint(struct storage_tx *, const char *, struct account *); /* ERR_NOT_FOUND */
/* The newest accounts made before that one (zero: the newest of all), at most max, into an array. */
enum err accounts_before(struct storage_tx *, struct id before, struct account *, size_t max, size_t *count);
enum err account_set_contact(struct storage_tx *, struct id, const char *contact);
enum err account_agree(struct storage_tx *, struct id, const char *terms, int64_t now);
/* Deactivates it, its open orders (as ORDER_INVALID with error) and its pending authorizations.
 * ERR_CONFLICT: not valid any more. */
enum err account_deactivate(struct storage_tx *, struct id, const char *order_error);

/* What an account is held to, beside the CA's own policy: patterns as in ra.policy, and profiles, one a line. Empty, or
 * NULL, false and 0: no such bound. */
struct bounds {
	char		*names;		/* that it may have; none but these */
	char		*deny;		/* wins */
	char		*profiles;	/* none but these */
	bool		 no_wildcards;
	int64_t		 max_names;	/* in one order */
};
void	 bounds_free(struct bounds *);		/* what it holds */
/* The account's own, instead of those that it had. */
enum err account_bounds_put(struct storage_tx *, struct id, const struct bounds *);
enum err account_bounds_get(struct storage_tx *, struct id, struct bounds *);	/* ERR_NOT_FOUND: it has none */
enum err account_bounds_remove(struct storage_tx *, struct id);			/* ERR_NOT_FOUND: it had none */

/* A key that handed over to the next one, by a request that both signed (RFC 8555, 7.3.5). */
struct key_change_row {
	char		 thumbprint[THUMBPRINT_SIZE];	/* the old key's */
	char		 next[THUMBPRINT_SIZE];		/* the new key's */
	char		*jwk;				/* the old key's, canonical */
	struct buf	 jws;				/* the request as it was signed */
	int64_t		 created;
};
void	 key_changes_free(struct key_change_row *, size_t count);	/* the array too */
/* Gives the account the new key and keeps the row. ERR_EXISTS: another account has that key; ERR_CONFLICT: the
 * account is not valid, or its key is another one than row->thumbprint by now. */
enum err account_change_key_to(struct storage_tx *, struct id, const struct key_change_row *row,
    const char *new_jwk);
/* The account's newest changes made since that time (seconds), at most max of them, oldest first. The caller frees
 * *out. */
enum err account_key_changes(struct storage_tx *, struct id, int64_t since, size_t max,
    struct key_change_row **out, size_t *count);

/* --- keys for external account binding (RFC 8555, 7.3.4) ------------------------------------------- */
struct external_key {
	struct id	 id;		/* its kid */
	struct buf	 mac_key;	/* secret */
	char		*comment;
	struct bounds	 bounds;	/* of its accounts */
	int64_t		 expires;	/* seconds; 0: never */
	int64_t		 uses, used;	/* accounts that it may make, 0: any number; and has made */
	int64_t		 created, revoked;	/* seconds; 0: it is not */
};
void	 external_key_free(struct external_key *);	/* cleanses the key */
enum err external_key_insert(struct storage_tx *, const struct external_key *);	/* used and revoked are 0 */
enum err external_key_get(struct storage_tx *, struct id, struct external_key *);	/* ERR_NOT_FOUND */
/* The newest made before that one (zero: the newest of all), at most max, into an array. */
enum err external_keys_before(struct storage_tx *, struct id before, struct external_key *, size_t max, size_t *count);
/* One account more. ERR_CONFLICT: it is revoked, has expired, or is used up. */
enum err external_key_use(struct storage_tx *, struct id, int64_t now);
enum err external_key_revoke(struct storage_tx *, struct id, int64_t now);	/* ERR_CONFLICT: it is, or isn't there */
/* Accounts made with it, in order, beginning after that one; at most max. */
enum err external_key_accounts(struct storage_tx *, struct id, struct id after, struct id *ids, size_t max,
    size_t *count);

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
	int64_t				 next_try;	/* seconds; in processing, after a failure; else 0 */
	int64_t				 caa_checked;	/* seconds; 0: not */
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
    const char *record, struct slice evidence, int64_t caa_checked);
/* A failure that is not final (RFC 8555, 8.2): error shows while it stays in processing. ERR_CONFLICT. */
enum err authorization_set_retrying(struct storage_tx *, struct id, const char *record, const char *error,
    int64_t next_try);
/* What each perspective said, JSON; and to read it: NULL when nothing was kept, on the heap. ERR_NOT_FOUND. */
enum err authorization_set_votes(struct storage_tx *, struct id, const char *votes);
enum err authorization_votes(struct storage_tx *, struct id, char **votes);
/* Newer evidence, with CAA looked up again. ERR_CONFLICT: it is not valid any more. */
enum err authorization_set_caa(struct storage_tx *, struct id, struct slice evidence, int64_t caa_checked);
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
	char			*begin_asked, *end_asked;	/* the same as the client wrote them, to be shown so, or NULL */
	char			*profile;	/* never NULL */
	char			*replaces;	/* RFC 9773: certid_put() of the predecessor, or NULL */
	char			*error;		/* problem JSON, or NULL */
	struct id		 certificate;	/* zero until ORDER_VALID */
	struct auto_renewal	 auto_renewal;	/* RFC 8739, settled; lifetime 0: it asked for none */
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
/* open -> processing, keeping the signed request and no error; charged: what it spent, for who gives it back.
 * ERR_CONFLICT: it was not open. */
enum err order_begin_finalize(struct storage_tx *, struct id, struct slice jws, unsigned charged);
/* What its finalize request spent; 0 when there is none. */
enum err order_charged(struct storage_tx *, struct id, unsigned *charged);
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

/* --- auto-renewal orders (RFC 8739) ------------------------------------------------------------------ */
struct star {
	struct buf	 new_order;		/* the request as it was signed, */
	char		*new_order_jwk;		/* and with which key */
	char		*jwk;			/* the finalize request's key; NULL until then */
	struct buf	 key_changes;		/* what led to it: each with its length before it */
	uint32_t	 number;		/* of the newest certificate; 0: none yet */
	uint32_t	 asked;			/* of the one that ca was asked for; 0: none */
};
void	 star_free(struct star *);		/* what it holds */
enum err star_insert(struct storage_tx *, struct id order, struct slice new_order, const char *new_order_jwk);
enum err star_get(struct storage_tx *, struct id order, struct star *);	/* ERR_NOT_FOUND */
/* It is finalized; asked: for its first certificate. */
enum err star_begin(struct storage_tx *, struct id order, const char *jwk, struct slice key_changes, uint32_t asked);
/* What ca is asked for now, and when to look again (seconds; 0: never). */
enum err star_ask(struct storage_tx *, struct id order, uint32_t asked, int64_t due);
/* ERR_CONFLICT: there is this one, or a later one. */
enum err star_issued(struct storage_tx *, struct id order, uint32_t number, int64_t due);
/* Those that are due at now, the longest ones first, at most max. */
enum err stars_due(struct storage_tx *, int64_t now, struct id *ids, size_t max, size_t *count);
/* Another certificate in place of the one before, and no error. ERR_CONFLICT: the order is not valid. */
enum err order_set_renewed(struct storage_tx *, struct id, struct id certificate, int64_t expires);
/* Why there is none yet. ERR_CONFLICT likewise. */
enum err order_set_not_renewed(struct storage_tx *, struct id, const char *error);
/* valid -> canceled. ERR_CONFLICT: it is not valid, is over at now, or is no such order. */
enum err order_cancel(struct storage_tx *, struct id, int64_t now);
enum err account_cancel_orders(struct storage_tx *, struct id account, int64_t now);
/* Those that were canceled and would not be over at now; or all that were of an account (NULL: of any). By id, beginning
 * after that one; at most max. */
enum err orders_canceled(struct storage_tx *, const struct id *account, struct id after, int64_t now, struct id *ids,
    size_t max, size_t *count);

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

/* A certificate as lists show it: without its bytes, with the names of its order. */
struct certificate_row {
	struct id		 id, order, account;
	uint8_t			 issuer[32];
	uint8_t			 serial[20];
	size_t			 serial_len;
	int64_t			 not_before, not_after;
	struct identifier	*identifiers;	/* owned */
	size_t			 identifier_count;
	char			*profile;	/* owned */
	int64_t			 revoked;	/* seconds; 0: it is not */
	enum revocation_reason	 reason;
	int64_t			 renewed_until;	/* its order's end, when further ones come by themselves; or 0 */
};
void	 certificate_rows_free(struct certificate_row *, size_t count);	/* the array is the caller's */
/* By serial. ERR_NOT_FOUND. */
enum err certificate_row_get(struct storage_tx *, struct slice serial, struct certificate_row *);

/* A walk through all certificates, the newest first; through an account's; or through those that end before a time,
 * the first to end first. The rest says where it goes on: zero at first. */
struct certificate_walk {
	struct id	 account;	/* zero: all accounts'; not with before */
	int64_t		 before;	/* seconds; 0: the newest first */
	bool		 begun;
	struct id	 last;
	int64_t		 last_end;
};
/* The walk's next rows, at most max, into an array; fewer: it is over. */
enum err certificates_next(struct storage_tx *, struct certificate_walk *, struct certificate_row *, size_t max,
    size_t *count);

/* --- revocations and CRLs ------------------------------------------------------------------------- */
struct revocation {
	uint8_t			 serial[20];
	size_t			 serial_len;
	struct id		 certificate;
	uint8_t			 issuer[32];
	unsigned		 shard;
	int64_t			 revoked;		/* seconds */
	enum revocation_reason	 reason;
	int64_t			 not_after;		/* the certificate's */
};
enum err revocation_insert(struct storage_tx *, const struct revocation *);	/* ERR_EXISTS */
enum err revocation_get(struct storage_tx *, struct slice serial, struct revocation *);	/* ERR_NOT_FOUND */
/* Another reason becomes keyCompromise. ERR_CONFLICT: it was that, or there is no such revocation. */
enum err revocation_compromise(struct storage_tx *, struct slice serial);
/* One shard's, by serial, beginning after that one (empty: from the first); at most max. */
enum err revocations_of_shard(struct storage_tx *, const uint8_t issuer[32], unsigned shard, struct slice after,
    struct revocation *out, size_t max, size_t *count);
/* The last CRLNumber, 0 when there was none; and keeping it, when it is higher. */
enum err crl_number_get(struct storage_tx *, const uint8_t issuer[32], unsigned shard, uint64_t *number);
enum err crl_number_put(struct storage_tx *, const uint8_t issuer[32], unsigned shard, uint64_t number);
/* How many shards an issuer ever had: certificates may name any of them. */
enum err crl_shards_known(struct storage_tx *, const uint8_t issuer[32], unsigned *shards);
/* A key that nobody may use any more. Idempotent; ERR_NOT_FOUND: it is not blocked. */
enum err key_block(struct storage_tx *, const char *thumbprint, int64_t now);
enum err key_blocked(struct storage_tx *, const char *thumbprint);
/* Whether the account has a valid authorization for the identifier ("*.x" wants one of the wildcard).
 * ERR_NOT_FOUND: it has none. */
enum err authorization_held(struct storage_tx *, struct id account, const struct identifier *, int64_t now);

/* --- rate limits ---------------------------------------------------------------------------------- */
/* A bucket of GCRA: count at once, and from then on one each period / count. Kept as one time. */
#define BUCKET_NAME_SIZE 320	/* a limit's name, an account and a DNS name */
struct bucket {
	char	 name[BUCKET_NAME_SIZE];
	int64_t	 count, period;		/* seconds */
	bool	 look;			/* whether there is one left is asked, but none is taken */
	int64_t	 until;			/* out: when there is one, in ms since 1970; 0: there is */
};
/* Takes one from each, or nothing. ERR_BUSY: some have none, as until says. */
enum err buckets_take(struct storage_tx *, struct bucket *, size_t count, int64_t now_ms);
/* Takes one from each that has one. */
enum err buckets_drain(struct storage_tx *, struct bucket *, size_t count, int64_t now_ms);
/* Gives one back to each. */
enum err buckets_give_back(struct storage_tx *, struct bucket *, size_t count, int64_t now_ms);
/* How many are gone from a bucket whose time that is. */
int64_t	 bucket_used(const struct bucket *, int64_t time, int64_t now_ms);
enum err bucket_fill(struct storage_tx *, const char *name);	/* ERR_NOT_FOUND: nothing is gone */
struct bucket_row {
	char	 name[BUCKET_NAME_SIZE];
	int64_t	 time;			/* microseconds since 1970 */
};
/* By name, beginning after that one; at most max, into an array. */
enum err buckets_after(struct storage_tx *, const char *name, struct bucket_row *, size_t max, size_t *count);

/* An account and a name whose validations fail. */
struct pause {
	struct id		 account;
	struct identifier	 identifier;	/* base name */
	int64_t			 failures;	/* one after the other */
	int64_t			 last;		/* seconds */
	int64_t			 paused;	/* seconds; 0: not */
};
/* One failure more; from so many on it is paused. *now_paused: by this one. */
enum err pause_count(struct storage_tx *, struct id account, const struct identifier *, int64_t failures_max,
    int64_t now, bool *now_paused);
enum err pause_get(struct storage_tx *, struct id account, const struct identifier *, struct pause *); /* ERR_NOT_FOUND */
/* Forgets the pair, or with NULL all of the account's. ERR_NOT_FOUND. */
enum err pause_end(struct storage_tx *, struct id account, const struct identifier *);
/* In some order that stays, beginning after that pair (zero: the first), at most max, into an array. */
enum err pauses_after(struct storage_tx *, const struct pause *after, struct pause *, size_t max, size_t *count);

/* What an administrator gave one subject instead of the configured rate. */
#define LIMIT_NAME_SIZE 32
#define LIMIT_SUBJECT_SIZE 288	/* an account, a slash and a DNS name */
struct limit_override {
	char	 limit[LIMIT_NAME_SIZE];
	char	 subject[LIMIT_SUBJECT_SIZE];
	int64_t	 count, period;		/* 0: no limit */
};
enum err limit_override_put(struct storage_tx *, const struct limit_override *);
enum err limit_override_remove(struct storage_tx *, const char *limit, const char *subject);	/* ERR_NOT_FOUND */
/* All of them, at most max; the caller frees *out. */
enum err limit_overrides(struct storage_tx *, size_t max, struct limit_override **out, size_t *count);

/* Sets of names, by a hash, that a certificate was issued for; kept until then. */
enum err name_set_put(struct storage_tx *, struct slice hash, int64_t until);
enum err name_set_known(struct storage_tx *, struct slice hash);	/* ERR_NOT_FOUND */

/* --- all rows at once, for tests of clients: state.c ---------------------------------------------- */
/* Empties the tables, but for issuers and the numbers of CRLs. */
enum err state_reset(struct storage_tx *);
/* Keeps what there is, in place of what was kept before, until the process ends; and puts it back. */
enum err state_keep(struct storage_tx *);
enum err state_restore(struct storage_tx *);	/* something is kept */

/* --- housekeeping --------------------------------------------------------------------------------- */
/* Deletes at most limit rows of each kind that nobody can ask for any more: orders that expired before cutoff
 * (seconds) and whose certificate (order_set_valid()) is not live, authorizations that expired before it and
 * have outlived their orders, certificates whose notAfter is before it. Never an order in processing: ca may
 * have signed for it, and its end is still owed. *deleted tells how many. */
enum err storage_expire(struct storage_tx *, int64_t cutoff, unsigned limit, unsigned *deleted);
/* The same for revocations of certificates that ended before cutoff: a CRL may forget them then. */
enum err revocations_expire(struct storage_tx *, int64_t cutoff, unsigned limit, unsigned *deleted);
/* The same for key changes made before cutoff. */
enum err key_changes_expire(struct storage_tx *, int64_t cutoff, unsigned limit, unsigned *deleted);
/* The same for buckets that are full again, for failures last seen before cutoff without a pause, and for sets kept
 * until before cutoff. */
enum err limits_expire(struct storage_tx *, int64_t now_ms, int64_t cutoff, unsigned limit, unsigned *deleted);

#endif
