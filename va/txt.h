/* txt.h: what dns-01 and dns-account-01 share: a TXT record that holds the key authorization's digest
 * (RFC 8555, 8.4). They differ in the name they ask for. */
#ifndef SIGNET_VA_TXT_H
#define SIGNET_VA_TXT_H

#include "acme/evidence.h"
#include "va/check.h"
#include "va/dns_answer.h"

#define TXT_DIGEST_SIZE 44		/* base64url of a SHA-256 and the NUL */

/* Asks for prefix and the identifier's name. prefix ends with a dot: "_acme-challenge.". */
void	 txt_start(struct check *, const char *prefix);
void	 txt_late(struct check *);
void	 txt_end(struct check *);

/* base64url(SHA-256(token "." thumbprint)). */
void	 txt_digest(const char *token, const char *thumbprint, char out[TXT_DIGEST_SIZE]);
/* Whether one of the records is the digest. If not, reason says in a clause how they differ, without quoting
 * them: "3 TXT records, and none is ...". Pure. */
bool	 txt_match(const struct dns_records *, const char *token, const char *thumbprint, struct reason *);

#endif
