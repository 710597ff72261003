/* base64url.h: RFC 4648, 5, without padding, strict (RFC 8555, 6.1). Pure. */
#ifndef SIGNET_LIB_BASE64URL_H
#define SIGNET_LIB_BASE64URL_H

#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"

#define BASE64URL_LEN(n) (((n) * 4 + 2) / 3)	/* characters for n bytes */

void	 base64url_put(struct buf *, const void *, size_t);
/* out holds BASE64URL_LEN(len) + 1; NUL-terminated. */
void	 base64url_text(const void *, size_t len, char *out);
/* Appends the bytes. ERR_MALFORMED on '=', white space, foreign characters, an impossible length, or
 * set bits past the end (so that one byte string has one text). */
enum err base64url_get(struct slice text, struct buf *out);
/* The same, as strict, into exactly len bytes and without the heap; on an error out may be written to. */
enum err base64url_bytes(struct slice text, void *out, size_t len);

#endif
