/* keys.h: account keys already parsed, by thumbprint. A pure cache: a key never changes under its
 * thumbprint, so nothing here goes stale. Bounded. From any thread. */
#ifndef SIGNET_RA_KEYS_H
#define SIGNET_RA_KEYS_H

#include "jose/jwk.h"
#include "lib/err.h"

#define KEYS_MAX 4096	/* about 4 KiB each with OpenSSL's share: 16 MiB at the most */

struct keys;

struct keys	*keys_new(void);		/* NULL: out of memory */
void		 keys_free(struct keys *);	/* NULL is fine */
/* The key with that thumbprint; text (canonical JSON) is parsed when it isn't here yet. The caller owns a
 * reference. ERR_MALFORMED when text is no key, ERR_MEMORY. */
enum err	 keys_get(struct keys *, const char *thumbprint, const char *text, struct jwk **out);

#endif
