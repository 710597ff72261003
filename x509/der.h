/* der.h: DER (X.690, 10 and 11): a strict check before anything else reads it, and a small writer. Pure. */
#ifndef SIGNET_X509_DER_H
#define SIGNET_X509_DER_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/reason.h"

/* Whether the bytes are exactly one DER value: definite minimal lengths, low tag numbers, minimal integers,
 * booleans 00 or FF, bit strings with zero padding, nested at most DER_DEPTH_MAX, nothing after it. */
#define DER_DEPTH_MAX 24 /* a certificate nests 9 deep */
bool der_check(struct slice, struct reason *);

/* Cuts the first value off bytes that der_check() passed, when it has that tag; value is its content. False: it has
 * another, or there is none. */
bool der_take(struct slice *in, uint8_t tag, struct slice *value);

/* Appends tag, length and content. */
void der_put(struct buf *, uint8_t tag, struct slice content);

#endif
