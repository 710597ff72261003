/* ocsp.h: OCSP requests between wfe, which has read them, and ca, which signs. ra looks up what they ask for, and keeps
 * what was signed: each request sees the database first, so a revocation shows at once, on every node; only the
 * signature is spared. */
#ifndef SIGNET_RA_OCSP_H
#define SIGNET_RA_OCSP_H

#include "lib/buf.h"

struct ra;
struct ocsp_cache;

struct ocsp_cache *ocsp_cache_new(void);		/* NULL: out of memory */
void		 ocsp_cache_free(struct ocsp_cache *);	/* NULL is fine */
/* What wfe asks; answered from the cache, or by ca. From any thread. */
void		 ocsp_take(struct ra *, struct slice body);
/* What ca signed. */
void		 ocsp_take_signed(struct ra *, struct slice body);

#endif
