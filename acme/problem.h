/* problem.h: RFC 8555, 6.7: problem documents. Pure. */
#ifndef SIGNET_ACME_PROBLEM_H
#define SIGNET_ACME_PROBLEM_H

#include <jansson.h>
#include <stdint.h>

#include "acme/identifier.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

/* Registered types only (RFC 8555, 6.7 and the registry it opened). Order: the wire and the database
 * know the names, never these numbers, except between two processes of one binary. */
enum problem_type {
	PROBLEM_NONE = 0,
	PROBLEM_ACCOUNT_DOES_NOT_EXIST,
	PROBLEM_ALREADY_REPLACED,
	PROBLEM_ALREADY_REVOKED,
	PROBLEM_AUTO_RENEWAL_CANCELED,
	PROBLEM_AUTO_RENEWAL_CANCELLATION_INVALID,
	PROBLEM_AUTO_RENEWAL_EXPIRED,
	PROBLEM_AUTO_RENEWAL_REVOCATION_NOT_SUPPORTED,
	PROBLEM_BAD_CSR,
	PROBLEM_BAD_NONCE,
	PROBLEM_BAD_PUBLIC_KEY,
	PROBLEM_BAD_REVOCATION_REASON,
	PROBLEM_BAD_SIGNATURE_ALGORITHM,
	PROBLEM_CAA,
	PROBLEM_COMPOUND,
	PROBLEM_CONNECTION,
	PROBLEM_DNS,
	PROBLEM_EXTERNAL_ACCOUNT_REQUIRED,
	PROBLEM_INCORRECT_RESPONSE,
	PROBLEM_INVALID_CONTACT,
	PROBLEM_INVALID_PROFILE,
	PROBLEM_MALFORMED,
	PROBLEM_ORDER_NOT_READY,
	PROBLEM_RATE_LIMITED,
	PROBLEM_REJECTED_IDENTIFIER,
	PROBLEM_SERVER_INTERNAL,
	PROBLEM_TLS,
	PROBLEM_UNAUTHORIZED,
	PROBLEM_UNSUPPORTED_CONTACT,
	PROBLEM_UNSUPPORTED_IDENTIFIER,
	PROBLEM_USER_ACTION_REQUIRED,
	PROBLEM_TYPE_COUNT
};

/* "malformed", without the URN's prefix; static. "none" for PROBLEM_NONE. */
const char	*problem_name(enum problem_type);
/* PROBLEM_NONE when the name is unknown. */
enum problem_type problem_by_name(const char *);
/* The HTTP status that PROTOCOL.md A 19 gives the type. */
uint16_t	 problem_status(enum problem_type);

/* The problems that another surface may tell in other words: surface.h. */
enum said {
	SAID_NOTHING = 0,
	SAID_ACCOUNT_DEACTIVATED,
	SAID_ACCOUNT_UNKNOWN,
	SAID_ALGORITHM_OF_KEY,
	SAID_ALREADY_REPLACED,
	SAID_ALREADY_REVOKED,
	SAID_CHALLENGE_BODY,
	SAID_CHALLENGE_OVER,
	SAID_CHALLENGE_KEY_AUTHORIZATION,
	SAID_CONTACT_COUNT,
	SAID_CSR_COUNT,
	SAID_CSR_KEY,
	SAID_CSR_NAME,
	SAID_EMPTY_UPDATE,
	SAID_KEY_DEACTIVATED,
	SAID_KEY_FORM,
	SAID_KEY_TAKEN,
	SAID_KID,
	SAID_KID_UNKNOWN,
	SAID_MEDIA_TYPE,
	SAID_METHOD,
	SAID_NAME_CHARACTER,
	SAID_NAME_FORBIDDEN,
	SAID_NONCE_BAD,
	SAID_NONCE_MISSING,
	SAID_NO_CERTIFICATE,
	SAID_NO_IDENTIFIER,
	SAID_NO_OBJECT,
	SAID_NO_PROFILE,
	SAID_NO_RESOURCE,
	SAID_ORDER_NOT_READY,
	SAID_PAYLOAD_NOT_EMPTY,
	SAID_REASON,
	SAID_SIGNATURE,
	SAID_TERMS,
	SAID_URL,
	SAID_COUNT
};

#define PROBLEM_SUBS_MAX 100	/* one for each identifier of the largest order */

struct subproblem {
	enum problem_type	 type;
	struct identifier	 identifier;
	struct reason		 detail;
};

/* Zero-initialised is "no problem". */
struct problem {
	enum problem_type	 type;
	uint16_t		 status;	/* 0: the type's own */
	struct reason		 detail;
	struct subproblem	*subs;		/* owned; NULL when there are none */
	size_t			 sub_count;
	bool			 lone;		/* they are not told */
	char			*instance;	/* owned URL, or NULL (7.3.3) */
	enum said		 said;
	char			 about[128];	/* what a retelling repeats */
};

/* Sets type and detail and returns false, so that a check can end "return problem_set(...)". */
bool problem_set(struct problem *, enum problem_type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Names what was just set, for surfaces that tell it otherwise; about: what of the request it is about. Returns false. */
bool problem_said(struct problem *, enum said, const char *about);
/* Adds a subproblem; beyond PROBLEM_SUBS_MAX or without memory it is dropped. */
void problem_add(struct problem *, enum problem_type, const struct identifier *, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Whether there is a subproblem of this identifier. */
bool problem_names(const struct problem *, const struct identifier *);
/* Gives a problem with subproblems its own type and detail: the common type, or compound (6.7.1). */
void problem_sum_up(struct problem *, const char *what);
void problem_free(struct problem *);		/* back to "no problem"; NULL is fine */

/* As application/problem+json; algorithms is added for badSignatureAlgorithm (6.2). NULL: no memory. */
json_t *problem_json(const struct problem *);
/* Reads what problem_json() wrote into text (as the database keeps it). NULL when it is not JSON. */
json_t *problem_json_parse(const char *text);
/* The same as type, detail and subproblems; out had no problem. serverInternal when text is no problem of ours. */
void	problem_read(const char *text, struct problem *out);

#endif
