/* evidence.h: what a perspective saw, in its own words, authenticated to ca.
 *
 * va makes statements, ra stores and carries them unread, ca checks them (DESIGN: rules 2 and 3). The
 * co-located perspective uses a MAC key that only va and ca hold. Pure: the key is an argument. */
#ifndef SIGNET_ACME_EVIDENCE_H
#define SIGNET_ACME_EVIDENCE_H

#include <stdint.h>

#include "acme/challenge.h"
#include "acme/identifier.h"
#include "lib/buf.h"
#include "lib/err.h"

#define EVIDENCE_KEY_SIZE 32		/* HMAC-SHA256 */
#define EVIDENCE_MAX 2048		/* the fields below at their largest, and the MAC */
#define THUMBPRINT_SIZE 44		/* base64url of a SHA-256 and the NUL (RFC 7638) */
#define PERSPECTIVE_MAX 63
#define ACCOUNT_URL_SIZE 256
#define EVIDENCE_ADDRESSES_MAX 511	/* "192.0.2.1 2001:db8::1": eleven hops of both families */

enum caa_outcome { CAA_NOT_CHECKED = 1, CAA_ABSENT, CAA_ALLOWED };

struct evidence {
	struct identifier	identifier;		/* the base name, without "*." */
	bool			wildcard;		/* the method proves the wildcard too */
	enum challenge_type	method;
	char			token[TOKEN_SIZE];
	char			thumbprint[THUMBPRINT_SIZE];	/* of the account key */
	char			addresses[EVIDENCE_ADDRESSES_MAX + 1];
	enum caa_outcome	caa;
	int64_t			caa_checked;	/* seconds since 1970; 0: not checked */
	int64_t			validated;		/* seconds since 1970 */
	int64_t			until;			/* the same: the proof counts no longer; 0: it doesn't say */
	char			account_url[ACCOUNT_URL_SIZE];	/* whose CAA parameters and labels counted */
	char			perspective[PERSPECTIVE_MAX + 1];
};

/* Appends the statement and its MAC. */
void	 evidence_put(struct buf *, const struct evidence *, const uint8_t key[EVIDENCE_KEY_SIZE]);
/* Checks the MAC in constant time, then decodes. ERR_BAD_SIGNATURE, ERR_MALFORMED. */
enum err evidence_get(struct slice, const uint8_t key[EVIDENCE_KEY_SIZE], struct evidence *out);

#endif
