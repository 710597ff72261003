/* reuse.h: what a newOrder request finds done already. */
#ifndef SIGNET_RA_REUSE_H
#define SIGNET_RA_REUSE_H

#include "ra/request.h"

/* The account's newest orders, of any state: who asks for the same again does so soon. */
#define RECENT_MAX 50
struct recent {
	struct order orders[RECENT_MAX];
	size_t count;
};

/* None, unless the configuration says that something is reused. False with serverInternal; either way
 * recent_unload(). */
bool recent_load(struct request *, struct recent *out);
void recent_unload(struct recent *);

/* An authorization of the requesting account for that identifier, which the new order can have: made by newAuthz
 * and in no order yet (RFC 8555, 7.4.1), or, with ra.reuse_authorizations, a valid one of a recent order; and proven
 * by nothing but these challenge types (bits: 1 << type). *found tells whether there is one; then the caller frees
 * *out. False with serverInternal. */
bool reuse_authorization(struct request *, const struct recent *, const struct identifier *, uint32_t challenges,
    int64_t now, struct authorization *out, bool *found);

/* With ra.reuse_orders: the id of a recent order that is pending or ready and asks for the same, in whatever
 * sequence of names; zero: there is none. False with serverInternal. */
bool reuse_order(
    struct request *, const struct recent *, const struct order *wanted, int64_t now, struct id *out);

#endif
