/* keep.h: a test CA that outlives its run, so that clients can have its root in their image. */
#ifndef SIGNET_PEBBLE_KEEP_H
#define SIGNET_PEBBLE_KEEP_H

#include "lib/reason.h"
#include "pebble-compat/hierarchy.h"

/* Reads the CA from the folder; when that has no root-0.pem, makes one and writes it there. The folder is made when it is
 * missing. The caller frees *h in any case. ERR_CONFIG with the reason: what is there is not of this shape. */
enum err hierarchy_keep(struct hierarchy *h, const char *folder, size_t chains, size_t length, bool ecdsa,
    struct reason *);

#endif
