/* accounts.h: the accounts of recent requests, as they are stored, with their keys parsed: six requests of an
 * issuance come from one account. Whoever changes an account calls accounts_forget() after the commit. Bounded.
 * From any thread. */
#ifndef SIGNET_RA_ACCOUNTS_H
#define SIGNET_RA_ACCOUNTS_H

#include "jose/jwk.h"
#include "lib/err.h"
#include "storage/storage.h"

#define ACCOUNTS_MAX 4096	/* about 5 KiB each with OpenSSL's share: 20 MiB at the most */

struct accounts;

/* Constant once made. */
struct known {
	struct account	 account;
	struct jwk	*key;
};

struct accounts	*accounts_new(void);			/* NULL: out of memory */
void		 accounts_free(struct accounts *);	/* NULL is fine */
/* The account, read from storage when it isn't here. The caller owns a reference to *out.
 * ERR_NOT_FOUND, ERR_IO, ERR_MEMORY, ERR_MALFORMED (its stored key is none). */
enum err	 accounts_get(struct accounts *, struct storage *, struct id, const struct known **out);
void		 accounts_forget(struct accounts *, struct id);
void		 accounts_forget_all(struct accounts *);
void		 known_free(const struct known *);	/* drops a reference; NULL is fine */

#endif
