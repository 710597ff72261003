/* limits.h: how often (signet.yaml: ra.limits). Which buckets a request takes from follows from the rates, from what
 * administrators gave single subjects, and from what is asked for; storage takes them, all or none, in the transaction of
 * what they limit, so that nothing is spent by what is refused, and never more than there is.
 *
 * An order looks whether there are certificates left for its names; they are taken when it is finalized, and given back
 * when nothing comes of it. Orders that replace a certificate (RFC 9773) take nothing of the limits on orders and
 * certificates, other renewals of the same names nothing of the first two (Let's Encrypt's rules). */
#ifndef SIGNET_RA_LIMITS_H
#define SIGNET_RA_LIMITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "storage/storage.h"

enum limit {
	LIMIT_ACCOUNTS_PER_ADDRESS,
	LIMIT_ACCOUNTS_PER_NETWORK,
	LIMIT_ORDERS_PER_ACCOUNT,
	LIMIT_CERTIFICATES_PER_DOMAIN,
	LIMIT_CERTIFICATES_PER_SET,
	LIMIT_FAILURES,
	LIMIT_PAUSE_AFTER,		/* a number, and no period */
	LIMIT_COUNT
};
const char	*limit_name(enum limit);		/* as in signet.yaml: "orders_per_account"; static */
bool		 limit_by_name(const char *, enum limit *);
/* What a bucket of that limit counts, for people: "failed validations of"; static. */
const char	*limit_counts(enum limit);

struct limits;

/* NULL: out of memory. A rate that is none aborts: the configuration was read. */
struct limits	*limits_new(const struct limits_config *);
void		 limits_free(struct limits *);		/* NULL is fine */
/* For tests: rates in the place of those that were configured, {"orders_per_account": "3/1h", "pause_after": 5}; a limit
 * that has no member keeps the configured one. NULL: all of them do. From any thread. ERR_MALFORMED with the reason, and
 * nothing has changed. */
enum err	 limits_set(struct limits *, const json_t *rates, struct reason *);
/* All rates as that object, the caller's. NULL: out of memory. */
json_t		*limits_json(struct limits *);
/* Reads the overrides again. From any thread. ERR_IO, ERR_MEMORY: they stay as they were. */
enum err	 limits_load(struct limits *, struct storage *);
/* Whether there is any limit at all; without one nothing below does anything. */
bool		 limits_active(struct limits *);
/* The rate that holds for a subject, or else for the account (NULL: none); count 0: no limit. own: the account has its
 * own rate, so that its bucket is its own too. */
struct limit_rate {
	int64_t	count, period;
	bool	own;
};
struct limit_rate limits_rate(struct limits *, enum limit, const struct id *account, const char *subject);

/* What is taken, in arrays of the same length. Zero-initialised is nothing. */
struct charge {
	enum limit	 limit;
	char		 subject[LIMIT_SUBJECT_SIZE];
	struct identifier identifier;	/* that it is about; type 0: none */
};
struct charges {
	struct bucket	*buckets;
	struct charge	*notes;
	size_t		 count;
	bool		 failed;	/* memory was out */
};
void	 charges_free(struct charges *);

/* Each adds to *out. remote: the client's address. look: nothing is taken. */
void	 charges_account(struct limits *, const char *remote, struct charges *out);
void	 charges_order(struct limits *, const struct order *, bool renewal, struct charges *out);
/* newAuthz: it is as much work as an order for one name, and would be a way around that limit. */
void	 charges_authorization(struct limits *, struct id account, const struct identifier *, struct charges *out);
void	 charges_failure(struct limits *, struct id account, const struct identifier *, bool look, struct charges *out);
/* What a certificate takes: bits, which order_charged() keeps. */
#define CHARGED_DOMAINS 1u
#define CHARGED_SET 2u
unsigned charges_of(const struct order *, bool renewal);
void	 charges_certificate(struct limits *, const struct order *, unsigned which, bool look, struct charges *out);

/* A bucket's name from a limit and a subject as people write it: an account, an address, a domain, a set of names with
 * commas between, "ACCOUNT/NAME" for failures; account: whose own it is, or NULL. False: it is none of that limit. */
bool	 limits_bucket_name(enum limit, const struct id *account, const char *subject, char out[BUCKET_NAME_SIZE]);
/* The other way round: the limit, what it is about, and the account whose own it is (zero: nobody's). */
bool	 limits_bucket_read(const char *name, enum limit *, struct id *account, const char **subject);
/* The registered domain, the address, or the /64 of IPv6. */
void	 limits_domain(const struct identifier *, char out[LIMIT_SUBJECT_SIZE]);
#define NAME_SET_HASH_SIZE 16
void	 limits_set_hash(const struct identifier *, size_t count, uint8_t out[NAME_SET_HASH_SIZE]);

/* In the writer's thread, with what they are about; now in ms. */
enum err limits_give_back(struct storage_tx *, struct limits *, struct id order, int64_t now_ms);
enum err limits_issued(struct storage_tx *, struct limits *, const struct order *, int64_t not_after);
enum err limits_validated(struct storage_tx *, struct limits *, struct id authorization);
/* Of what a client can mend. *paused: the account and the name are paused from now on. */
enum err limits_failed(struct storage_tx *, struct limits *, struct id authorization, int64_t now_ms, bool *paused);

/* limits_request.c: for requests, whose charges are request->charges. */
struct request;
/* Whether such names were issued for already. False with serverInternal. */
bool	 limits_is_renewal(struct request *, const struct order *, bool *renewal);
/* False with rateLimited when validations of one of the names are paused for the account. */
bool	 limits_check_pauses(struct request *, const struct identifier *, size_t count);
/* The problem for what buckets_take() refused: each limit, until when, and for whom. Returns false. */
bool	 limits_refuse(struct request *);

#endif
