/* body.h: whether an http-01 body is the key authorization (RFC 8555, 8.1 and 8.3). Pure. */
#ifndef SIGNET_VA_BODY_H
#define SIGNET_VA_BODY_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/reason.h"

#define BODY_MAX 1024		/* a key authorization is 87 bytes; the rest is for saying what came instead */

/* Trailing white space is ignored. cut: there was more than was read. When it is not the key
 * authorization, reason says how it differs in a phrase that continues "the body is ...", without any of
 * its bytes (RFC 8555, 10.4: a response that could be used to read what only the server can reach). */
bool	 body_check(struct slice body, bool cut, const char *token, const char *thumbprint, struct reason *);

#endif
