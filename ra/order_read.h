/* order_read.h: what a newOrder request asks for (RFC 8555, 7.4), judged. Pure: the time is an argument. */
#ifndef SIGNET_RA_ORDER_READ_H
#define SIGNET_RA_ORDER_READ_H

#include <jansson.h>
#include <stdbool.h>

#include "acme/problem.h"
#include "ra/policy.h"
#include "storage/storage.h"

/* The challenge types that prove names for that profile, as bits (1 << type). */
uint32_t order_challenges(const struct ra_config *, const struct ca_config *, const char *profile);

/* Fills the order's identifiers (without repetitions), profile, notBefore, notAfter and replaces; the caller frees it by
 * order_free() either way. False with malformed, rejectedIdentifier, unsupportedIdentifier, compound, invalidProfile or
 * serverInternal; every identifier that is refused is a subproblem. */
bool order_read(const json_t *payload, const struct policy *, int64_t now, struct order *, struct problem *);

#endif
