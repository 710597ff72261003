/* revocation.h: why a certificate was revoked (RFC 5280, 5.3.1). Pure. */
#ifndef SIGNET_ACME_REVOCATION_H
#define SIGNET_ACME_REVOCATION_H

#include <stdbool.h>

/* The numbers are RFC 5280's. Those for CAs, for holds and for delta CRLs are given to a subscriber only where a
 * client's test wants to see them taken (ra.any_reason). */
enum revocation_reason {
	REVOCATION_NONE = -1,		/* none was given */
	REVOCATION_UNSPECIFIED = 0,
	REVOCATION_KEY_COMPROMISE = 1,
	REVOCATION_CA_COMPROMISE = 2,
	REVOCATION_AFFILIATION_CHANGED = 3,
	REVOCATION_SUPERSEDED = 4,
	REVOCATION_CESSATION_OF_OPERATION = 5,
	REVOCATION_CERTIFICATE_HOLD = 6,
	REVOCATION_REMOVE_FROM_CRL = 8,
	REVOCATION_PRIVILEGE_WITHDRAWN = 9,
	REVOCATION_AA_COMPROMISE = 10
};

/* "keyCompromise"; "none" for REVOCATION_NONE; NULL for a number that is none of them. Static. */
const char	*revocation_reason_name(int reason);
/* Whether a subscriber's certificate ends for it, so that a CRL may say it; REVOCATION_NONE is one. */
bool		 revocation_reason_ends(int reason);
/* False: no such name, or not of a reason for which a subscriber's certificate ends. "none" is no name. */
bool		 revocation_reason_by_name(const char *, enum revocation_reason *);

#endif
