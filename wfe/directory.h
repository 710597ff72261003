/* directory.h: the directory object (RFC 8555, 7.1.1), made from the configuration. Pure. */
#ifndef SIGNET_WFE_DIRECTORY_H
#define SIGNET_WFE_DIRECTORY_H

#include "acme/surface.h"
#include "config/config.h"
#include "lib/buf.h"
#include "lib/err.h"

/* Appends the JSON text. ERR_MEMORY. */
enum err directory_put(struct buf *, const struct config *, const struct site *);

#endif
