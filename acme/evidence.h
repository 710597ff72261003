/* evidence.h: what a perspective saw, in its own words, authenticated to ca.
 *
 * Each perspective makes its own statements, va gathers those about one validation in a bundle, ra stores and
 * carries that unread, and ca checks and counts (DESIGN: rules 2 and 3). The perspectives that are part of the
 * server's own va share a MAC key, which only va and ca hold; one on another machine signs with a key of its
 * own, of which ca knows the public half. Pure: keys are arguments. */
#ifndef SIGNET_ACME_EVIDENCE_H
#define SIGNET_ACME_EVIDENCE_H

#include <openssl/evp.h>
#include <stdint.h>

#include "acme/challenge.h"
#include "acme/identifier.h"
#include "lib/buf.h"
#include "lib/err.h"

#define EVIDENCE_KEY_SIZE 32		/* HMAC-SHA256; and a raw Ed25519 key, either half */
#define EVIDENCE_MAX 1300		/* the fields below at their largest, and a signature */
#define THUMBPRINT_SIZE 44		/* base64url of a SHA-256 and the NUL (RFC 7638) */
#define PERSPECTIVE_MAX 63
#define PERSPECTIVE_PRIMARY "primary"	/* the one that every validation needs: va's own */
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
	int64_t			validated;	/* the same; 0: a statement about CAA alone */
	int64_t			until;		/* the same: the proof counts no longer; 0: it doesn't say */
	char			account_url[ACCOUNT_URL_SIZE];	/* whose CAA parameters and labels counted */
	char			perspective[PERSPECTIVE_MAX + 1];
};

/* How one perspective's word is told from another's: one of the two. */
struct evidence_key {
	const uint8_t	*mac;		/* EVIDENCE_KEY_SIZE */
	EVP_PKEY	*ed25519;	/* private to put, public to get */
};

/* Appends the statement and its MAC or signature. */
void	 evidence_put(struct buf *, const struct evidence *, const struct evidence_key *);
/* Whose statement it says it is, so that the key can be found. False: it is none. */
bool	 evidence_by(struct slice, char perspective[PERSPECTIVE_MAX + 1]);
/* Checks the MAC, in constant time, or the signature, then decodes. ERR_BAD_SIGNATURE, ERR_MALFORMED. */
enum err evidence_get(struct slice, const struct evidence_key *, struct evidence *out);
/* Whether both are about the same challenge of the same account. */
bool	 evidence_same_claim(const struct evidence *, const struct evidence *);

#define PERSPECTIVES_MAX 8		/* beside the primary; the public rules ask for five at the most */
/* Of each perspective one about the validation, and one about CAA when that was looked at again. */
#define BUNDLE_STATEMENTS_MAX (2 * (PERSPECTIVES_MAX + 1))
#define BUNDLE_MAX (BUNDLE_STATEMENTS_MAX * (EVIDENCE_MAX + 4) + 4)

/* Statements are borrowed: from their buffers, and from the bytes. */
struct bundle {
	size_t		count;
	struct slice	statements[BUNDLE_STATEMENTS_MAX];
};
void	 bundle_put(struct buf *, const struct bundle *);
bool	 bundle_get(struct slice, struct bundle *);	/* false: malformed */

/* Keys as configurations write them: 43 characters of base64url. NULL: not that. The caller owns it. */
EVP_PKEY *evidence_public_key(const char *text);
EVP_PKEY *evidence_private_key(const char *text);

#endif
