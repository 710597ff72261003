/* external.h: external account binding (RFC 8555, 7.3.4): whose key a new account comes with, and what accounts that
 * came so may ask for. */
#ifndef SIGNET_RA_EXTERNAL_H
#define SIGNET_RA_EXTERNAL_H

#include <stdbool.h>

#include "acme/identifier.h"
#include "lib/reason.h"
#include "storage/storage.h"

#define EXTERNAL_KEY_SIZE 64	/* RFC 7518, 3.2: no less than HS512's hash */

struct request;

/* For newAccount: the binding in the payload, verified, goes into request->account. False with malformed, unauthorized,
 * or externalAccountRequired when there is none and the configuration asks for one. */
bool	 external_bind(struct request *);
/* The binding was good, but the key was used up, revoked or expired before the account was stored. Returns false. */
bool	 external_lost(struct request *);
/* The key that holds the requesting account; *out has a zero id when none does. False with serverInternal. The caller
 * frees it. */
bool	 external_load(struct request *, struct external_key *out);

/* Whether the key's patterns (as in ra.policy.allow) cover the identifier; pure, as what follows. A key with a zero id,
 * or NULL, holds nobody. */
bool	 external_allows(const struct external_key *, const struct identifier *, struct reason *);
bool	 external_allows_profile(const struct external_key *, const char *profile);
/* The profile of an order that names none: the first of the key's, on the heap; *out is NULL when it has none. False:
 * out of memory. */
bool	 external_profile(const struct external_key *, char **out);

#endif
