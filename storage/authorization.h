/* authorization.h: reading an authorization's row, for the other verbs of storage/. */
#ifndef SIGNET_STORAGE_AUTHORIZATION_H
#define SIGNET_STORAGE_AUTHORIZATION_H

#include "storage/query.h"
#include "storage/storage.h"

/* AUTHORIZATION_COLUMNS. The row is the caller's to free, whatever query->err says. */
void authorization_read(struct query *, struct authorization *out);

#endif
