/* conduct_book.h: who broke or kept which rule: what conduct.c writes and conduct_report.c reads. Not locked. */
#ifndef SIGNET_RA_CONDUCT_BOOK_H
#define SIGNET_RA_CONDUCT_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/msg.h"
#include "ra/conduct_rules.h"

#define CLIENTS_MAX 48		/* a report of so many fits one message; further ones are not told apart */
#define TRACKED_MAX 1024	/* orders, validations and polls in hand; the oldest is forgotten */
#define DIGEST_TEXT_SIZE 44	/* SHA-256 in base64url, and its NUL */

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
	bool		 retry_beside;			/* another request came before it: the client asks several at once */
	uint32_t	 bad_nonces;			/* in a row */
	uint32_t	 posts, new_nonces, directories;
	uint64_t	 refused;			/* digest of the identifiers that were refused last; 0: none */
	char		 next_page[URL_PATH_MAX + 1];	/* announced and not fetched */
	char		 next_request[REQUEST_ID_SIZE];
	bool		 asked_renewal;
	int64_t		 place;				/* where in its window the last renewal was, in millionths; 0: none */
};

enum order_step { STEP_MADE, STEP_FINALIZED, STEP_ENDED, STEP_DOWNLOADED };

/* What still stands at the path of http-01 when its authorization is final: looked for when the report is asked for. */
enum remains { REMAINS_UNKNOWN, REMAINS_LOOKING, REMAINS_GONE, REMAINS_LEFT };

/* An order, or an authorization whose challenge was answered, or a path that may not be asked for yet. */
/* Also an authorization that was shown, with what its token makes of the account's key; and a window to renew in. */
enum tracked_kind { TRACKED_NONE, TRACKED_ORDER, TRACKED_AUTHORIZATION, TRACKED_POLL, TRACKED_TOKEN, TRACKED_WINDOW };
struct tracked {
	enum tracked_kind kind;
	struct conduct_client *client;
	struct id	 id;
	char		 path[URL_PATH_MAX + 1];
	char		 request[REQUEST_ID_SIZE];
	enum order_step	 step;
	uint32_t	 polls;
	uint64_t	 names;		/* digest of an order's identifiers */
	int64_t		 until;		/* clock_now_ms(): of a path; a window's end; when a token's authorization ended */
	int64_t		 since;		/* the same: a window's begin; when a token was shown first */
	char		 digest[DIGEST_TEXT_SIZE];	/* of a token, as dns-01 has it */
	enum challenge_type method;
	/* Of a token: what it takes to look for it again, and what came of that. */
	char		 token[TOKEN_SIZE], thumbprint[THUMBPRINT_SIZE];
	struct identifier identifier;
	enum remains	 remains;
};

/* A validation that was over before the request that began it was answered: it is judged then. */
#define EARLY_MAX 32
struct early {
	struct msg_result result;	/* its slices point into votes, and nowhere */
	struct buf	 votes;
};

struct book {
	struct conduct_client *clients[CLIENTS_MAX];
	size_t		 client_count;
	struct tracked	 tracked[TRACKED_MAX];
	size_t		 next;
	struct early	 early[EARLY_MAX];
	size_t		 next_early;
	/* Looks at what remains: how many are under way, in which round; their CHECKs' ids begin with the mark. */
	size_t		 looking;
	uint32_t	 round;
	uint8_t		 mark[8];	/* random */
};

/* conduct_trace.c: writing it down. */
void		 book_keep(struct conduct_client *, enum conduct_rule);
void		 book_broke(struct conduct_client *, enum conduct_rule, const char *request, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
struct tracked	*book_track(struct book *, enum tracked_kind, struct conduct_client *);
struct tracked	*book_find(struct book *, enum tracked_kind, struct id);	/* NULL: none */

/* The same file: what a client leaves in DNS, how long its responder lives, and when it renews. */
struct request;
void		 trace_authorization(struct book *, struct conduct_client *, const struct request *);	/* it was shown */
void		 trace_window(struct book *, struct conduct_client *, const struct request *);	/* the same */
void		 trace_renewal(struct book *, struct conduct_client *, const struct request *);	/* an order with "replaces" */
void		 trace_challenge(struct book *, const struct tracked *);	/* it was answered */
void		 trace_result(struct book *, const struct msg_result *);	/* how a validation ended */

/* conduct_look.c: begins a round; then one CHECK after the other, from place 0 until false. Whether a RESULT is of a
 * look. */
void		 book_look_begin(struct book *);
bool		 book_look_next(struct book *, size_t *place, struct msg_check *);
bool		 book_look_result(struct book *, const struct msg_result *);

/* What the book would say if everything ended now, per client and rule: its verdict, and what is still owed. */
struct verdict	 book_verdict(const struct book *, const struct conduct_client *, enum conduct_rule);
void		 book_put_json(const struct book *, unsigned indent, struct buf *out);
void		 book_put_junit(const struct book *, struct buf *out);
void		 book_put_page(const struct book *, struct buf *out);

#endif
