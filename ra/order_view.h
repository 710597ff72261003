/* order_view.h: orders and authorizations as clients see them (RFC 8555, 7.1.3 and 7.1.4). Statuses that
 * follow from others are derived here, so that nothing stored can contradict its cause. Pure. */
#ifndef SIGNET_RA_ORDER_VIEW_H
#define SIGNET_RA_ORDER_VIEW_H

#include <jansson.h>

#include "acme/route.h"
#include "config/config.h"
#include "storage/storage.h"

/* RFC 8555, 7.1.6, at now (seconds). */
enum order_status order_status_at(const struct order *, const struct authorization *, size_t count,
    int64_t now);

/* NULL: out of memory. site is where every URL begins. */
json_t	*order_json(const struct site *site, const struct order *, const struct authorization *, size_t count,
    int64_t now);
json_t	*authorization_json(const struct site *site, const struct ra_config *, const struct authorization *, int64_t now);
json_t	*challenge_json(const struct site *site, const struct ra_config *, const struct authorization *,
    enum challenge_type);

#endif
