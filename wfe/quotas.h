/* quotas.h: how often one address may ask (signet.yaml: wfe.limits). Counted before ra hears of a request; what accounts
 * and orders are held to is ra's (ra.limits). */
#ifndef SIGNET_WFE_QUOTAS_H
#define SIGNET_WFE_QUOTAS_H

#include "config/config.h"
#include "wfe/request.h"

struct quotas;

/* Borrows config's texts. NULL: out of memory. */
struct quotas	*quotas_new(const struct wfe_config *);
void		 quotas_free(struct quotas *);	/* NULL is fine */
/* The Link of a 429, where a person reads about limits (RFC 8555, 6.6); "": there is none. */
const char	*quotas_help(const struct quotas *);
/* Counts a request that has its turn and its route. Refuses it when there were too many of its kind (RFC 8555, 6.6). */
void		 quotas_check(const struct quotas *, struct request *);

#endif
