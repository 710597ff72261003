/* revocation.h: why a certificate was revoked (RFC 5280, 5.3.1). Pure. */
#ifndef SIGNET_ACME_REVOCATION_H
#define SIGNET_ACME_REVOCATION_H

#include <stdbool.h>

/* The numbers are RFC 5280's. Those for CAs, for holds and for delta CRLs are never given to a subscriber. */
enum revocation_reason {
	REVOCATION_NONE = -1,		/* none was given */
	REVOCATION_UNSPECIFIED = 0,
	REVOCATION_KEY_COMPROMISE = 1,
	REVOCATION_AFFILIATION_CHANGED = 3,
	REVOCATION_SUPERSEDED = 4,
	REVOCATION_CESSATION_OF_OPERATION = 5,
	REVOCATION_PRIVILEGE_WITHDRAWN = 9
};

/* "keyCompromise"; "none" for REVOCATION_NONE; NULL for a number that is none of them. Static. */
const char	*revocation_reason_name(int reason);
/* False: no such name. "none" is no name. */
bool		 revocation_reason_by_name(const char *, enum revocation_reason *);

#endif
