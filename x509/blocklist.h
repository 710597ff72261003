/* blocklist.h: public keys that get no account and no certificate, weak or stolen ones, by the SHA-256 of
 * their SubjectPublicKeyInfo. Pure. */
#ifndef SIGNET_X509_BLOCKLIST_H
#define SIGNET_X509_BLOCKLIST_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define BLOCKLIST_TEXT_MAX (64 << 20)	/* bytes: a million keys */

struct blocklist;

/* One hash a line, 64 hexadecimal digits; empty lines and those that begin with # don't count. ERR_MALFORMED
 * with the line, ERR_MEMORY. */
enum err blocklist_parse(struct slice text, struct blocklist **out, struct reason *);
void	 blocklist_free(struct blocklist *);	/* NULL is fine */
size_t	 blocklist_count(const struct blocklist *);
/* NULL holds nothing. ERR_BAD_KEY with the cause when the key is on it; ERR_CRYPTO. */
enum err blocklist_check(const struct blocklist *, EVP_PKEY *, struct reason *);

#endif
