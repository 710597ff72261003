/* bounds.h: what accounts are held to, as columns (BOUNDS_COLUMNS). */
#ifndef SIGNET_STORAGE_BOUNDS_H
#define SIGNET_STORAGE_BOUNDS_H

#include "storage/query.h"
#include "storage/storage.h"

/* "" for what is NULL: the columns take no null. */
const char *bounds_lines(const char *);

/* The values of the columns, among those of VALUES(). */
#define BOUNDS_VALUES(b)                                                                                               \
	value_text(bounds_lines((b)->names)), value_text(bounds_lines((b)->deny)),                                     \
	    value_text(bounds_lines((b)->profiles)), value_integer((b)->no_wildcards), value_integer((b)->max_names)
void query_bounds(struct query *, struct bounds *);

#endif
