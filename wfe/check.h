/* check.h: what can be said of a request without knowing ACME: its media type, its path. Pure. */
#ifndef SIGNET_WFE_CHECK_H
#define SIGNET_WFE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

/* Whether a Content-Type value names application/jose+json, whatever its case and parameters (RFC 8555,
 * 6.2; RFC 9110, 8.3.1). NULL is no. */
bool media_type_is_jose(const char *value);

/* The same for application/ocsp-request (RFC 6960, C.1). */
bool media_type_is_ocsp(const char *value);

/* Whether a Content-Encoding value means that the body is as it is: NULL, "" or "identity". */
bool encoding_is_identity(const char *value);

/* Cuts a request target at its query and copies it into out, what isn't printable ASCII as '?', for logs and
 * for routing. *query: there was one. False: it was longer than size - 1, and out holds its beginning. */
bool target_clean(const char *target, char *out, size_t size, bool *query);

/* The DER of an OCSP request in a GET's path, after "/ocsp/": base64 with or without its padding, escaped or not (RFC
 * 6960, A.1). False: it is not that. */
bool ocsp_path_decode(struct slice text, struct buf *der);

/* Copies text for a log or a message: printable ASCII, all else as '?', cut to fit. NULL is "". */
void text_clean(const char *text, char *out, size_t size);

#endif
