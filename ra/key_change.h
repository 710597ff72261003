/* key_change.h: the keys that an account had before, as long as names proven under them count. */
#ifndef SIGNET_RA_KEY_CHANGE_H
#define SIGNET_RA_KEY_CHANGE_H

#include "config/config.h"
#include "ipc/msg.h"
#include "jose/jwk.h"
#include "storage/storage.h"

struct key_changes {
	struct key_change_row	*rows;		/* oldest first */
	size_t			 count;
};

/* Those made since then (seconds since 1970) can matter to a name proven before: 0, for all, when there are records that
 * persist and name an old key. */
int64_t		 key_changes_since(const struct config *);
/* ERR_IO, ERR_MEMORY. */
enum err	 key_changes_load(struct storage_tx *, const struct config *, struct id account,
    struct key_changes *);
void		 key_changes_unload(struct key_changes *);
/* Puts those that lead to the key with this thumbprint into the message; borrowed. */
void		 key_changes_put(const struct key_changes *, const char *thumbprint, struct msg_issue *);
/* Which of the account's keys signed a request that was accepted once: the present one, or an earlier one. The
 * caller owns *out. ERR_NOT_FOUND: none of them. */
enum err	 key_changes_signer(const struct key_changes *, const struct account *, struct slice jws,
    struct jwk **out);

#endif
