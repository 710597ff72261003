/* external.h: external account binding (RFC 8555, 7.3.4): whose key a new account comes with. What accounts that came so
 * may ask for is a layer of policy (layers.h). */
#ifndef SIGNET_RA_EXTERNAL_H
#define SIGNET_RA_EXTERNAL_H

#include <stdbool.h>

#define EXTERNAL_KEY_SIZE 64	/* RFC 7518, 3.2: no less than HS512's hash */

struct request;

/* For newAccount: the binding in the payload, verified, goes into request->account. False with malformed, unauthorized,
 * or externalAccountRequired when there is none and the configuration asks for one. */
bool	 external_bind(struct request *);
/* The binding was good, but the key was used up, revoked or expired before the account was stored. Returns false. */
bool	 external_lost(struct request *);
#endif
