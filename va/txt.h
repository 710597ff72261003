/* txt.h: what the challenges that ask for TXT records share: the look-up at a name below the identifier's. In dns-01
 * and dns-account-01, which differ in that name, a record is the key authorization's digest (RFC 8555, 8.4). */
#ifndef SIGNET_VA_TXT_H
#define SIGNET_VA_TXT_H

#include "acme/evidence.h"
#include "va/check.h"
#include "va/dns_answer.h"

#define TXT_DIGEST_SIZE 44		/* base64url of a SHA-256 and the NUL */

#define TXT_ADVICE_MAX 512

struct txt_kind {
	/* Ends the check: there are records. name and servers say where they are from. */
	void	(*judge)(struct check *, const struct dns_records *, const char *name, const char *servers);
	/* What to do when there are none: a clause. */
	void	(*advise)(const struct check *, char advice[TXT_ADVICE_MAX]);
};
extern const struct txt_kind txt_digest_kind;	/* RFC 8555, 8.4 */

/* Asks for prefix and the identifier's name. prefix ends with a dot: "_acme-challenge.". */
void	 txt_start(struct check *, const struct txt_kind *, const char *prefix);
void	 txt_late(struct check *);
void	 txt_end(struct check *);

/* base64url(SHA-256(token "." thumbprint)). */
void	 txt_digest(const char *token, const char *thumbprint, char out[TXT_DIGEST_SIZE]);
/* Whether one of the records is the digest. If not, reason says in a clause how they differ, without quoting
 * them: "3 TXT records, and none is ...". Pure. */
bool	 txt_match(const struct dns_records *, const char *token, const char *thumbprint, struct reason *);

#endif
