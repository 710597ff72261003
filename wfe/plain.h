/* plain.h: the pages of the plain-HTTP listener: what this is, the root, the issuers' certificates. They
 * are public, and TLS can't be asked of somebody who doesn't trust the root yet. All are made at start. */
#ifndef SIGNET_WFE_PLAIN_H
#define SIGNET_WFE_PLAIN_H

#include "config/config.h"
#include "lib/buf.h"
#include "lib/err.h"

struct page {
	char		*path;
	const char	*media_type;
	struct buf	 body;
};

struct plain;

/* Reads DIR/pki/root.pem, which may be missing (the root is elsewhere), and the issuers' certificates.
 * ERR_CONFIG, logged; ERR_MEMORY. */
enum err plain_open(const struct config *, struct plain **out);
void	 plain_free(struct plain *);		/* NULL is fine */
/* NULL: no such page. Borrowed. */
const struct page *plain_find(const struct plain *, const char *path);

#endif
