/* order.h: what its authorizations make of an order, for the other verbs of storage/. */
#ifndef SIGNET_STORAGE_ORDER_H
#define SIGNET_STORAGE_ORDER_H

#include "storage/query.h"
#include "storage/storage.h"

/* Whether it is invalid at now, stored or derived (RFC 8555, 7.1.6); also when there is none. */
enum err order_over(struct storage_tx *, const struct id *order, int64_t now, bool *over);

#endif
