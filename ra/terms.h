/* terms.h: the terms of service (RFC 8555, 7.3.3). An agreement is to the URL that the configuration had then; when it
 * has another one now, the account has to agree again. */
#ifndef SIGNET_RA_TERMS_H
#define SIGNET_RA_TERMS_H

#include <stdbool.h>

#include "storage/storage.h"

struct ra;
struct request;

/* Whether there are terms now, and the account agreed to them. */
bool	 terms_agreed(const struct ra *, const struct account *);
/* False with userActionRequired when the account has to agree first: to whatever but reading, agreeing and ending the
 * account itself, and revocation. For requests by an account. */
bool	 terms_check(struct request *);
/* The answer to who doesn't agree: the link and the instance, and how. Returns false. */
bool	 terms_refuse(struct request *, const char *what);
/* Keeps the requesting account's agreement to the terms of now. False with serverInternal. */
bool	 terms_agree(struct request *);

#endif
