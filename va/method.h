/* method.h: how each challenge type is validated, one table row each. */
#ifndef SIGNET_VA_METHOD_H
#define SIGNET_VA_METHOD_H

#include "va/check.h"

struct method {
	enum challenge_type type;
	/* Begins; ends, sooner or later, in check_pass() or check_fail(). */
	void		(*start)(struct check *);
	/* The time is up: calls check_fail() with what was being waited for. */
	void		(*late)(struct check *);
	/* Stops what runs and frees check->work, which may be NULL. */
	void		(*end)(struct check *);
};

const struct method *method_of(enum challenge_type);	/* NULL: none */

extern const struct method http_01_method;		/* http_01.c: RFC 8555, 8.3 */
#define TLS_ALPN_PROTOCOL "acme-tls/1"			/* RFC 8737, 6.2 */
extern const struct method tls_alpn_01_method;		/* tls_alpn_01.c: RFC 8737 */
extern const struct method dns_01_method;		/* dns_01.c: RFC 8555, 8.4 */
extern const struct method dns_account_01_method;	/* dns_account_01.c */
extern const struct method dns_persist_01_method;	/* dns_persist_01.c */

#endif
