/* conduct_book.h: who broke or kept which rule: what conduct.c writes and conduct_report.c reads. Not locked. */
#ifndef SIGNET_RA_CONDUCT_BOOK_H
#define SIGNET_RA_CONDUCT_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/msg.h"
#include "ra/conduct_rules.h"

#define CLIENTS_MAX 48		/* a report of so many fits one message; further ones are not told apart */
#define TRACKED_MAX 1024	/* orders, validations and polls in hand; the oldest is forgotten */

struct verdict {
	uint32_t kept, broken;		/* how often */
	char	 request[REQUEST_ID_SIZE];	/* the first that broke it */
	char	 detail[REASON_MAX];
};

struct conduct_client {
	char		 agent[HEADER_TEXT_MAX + 1];
	char		 account[ID_TEXT_SIZE];	/* "": none yet */
	struct verdict	 of[RULE_COUNT];
	/* badNonce: what a retry must bring. */
	char		 retry_nonce[NONCE_SIZE];	/* "": nothing is owed */
	char		 retry_path[URL_PATH_MAX + 1];
	char		 retry_request[REQUEST_ID_SIZE];
	uint32_t	 bad_nonces;			/* in a row */
	uint32_t	 posts, new_nonces;
	uint64_t	 refused;			/* digest of the identifiers that were refused last; 0: none */
	char		 next_page[URL_PATH_MAX + 1];	/* announced and not fetched */
	char		 next_request[REQUEST_ID_SIZE];
	bool		 asked_renewal;
};

enum order_step { STEP_MADE, STEP_FINALIZED, STEP_ENDED, STEP_DOWNLOADED };

/* An order, or an authorization whose challenge was answered, or a path that may not be asked for yet. */
enum tracked_kind { TRACKED_NONE, TRACKED_ORDER, TRACKED_AUTHORIZATION, TRACKED_POLL };
struct tracked {
	enum tracked_kind kind;
	struct conduct_client *client;
	struct id	 id;
	char		 path[URL_PATH_MAX + 1];
	char		 request[REQUEST_ID_SIZE];
	enum order_step	 step;
	uint32_t	 polls;
	uint64_t	 names;		/* digest of an order's identifiers */
	int64_t		 until;		/* clock_now_ms(): of a path */
	enum challenge_type method;
};

struct book {
	struct conduct_client *clients[CLIENTS_MAX];
	size_t		 client_count;
	struct tracked	 tracked[TRACKED_MAX];
	size_t		 next;
};

/* What the book would say if everything ended now, per client and rule: its verdict, and what is still owed. */
struct verdict	 book_verdict(const struct book *, const struct conduct_client *, enum conduct_rule);
void		 book_put_json(const struct book *, unsigned indent, struct buf *out);
void		 book_put_junit(const struct book *, struct buf *out);
void		 book_put_page(const struct book *, struct buf *out);

#endif
