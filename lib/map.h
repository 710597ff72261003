/* map.h: a hash table from short byte strings to pointers; keys are copied. Seeded per process with
 * SipHash-like keying so that chosen keys can't collide on purpose. Not thread-safe. */
#ifndef SIGNET_LIB_MAP_H
#define SIGNET_LIB_MAP_H

#include <stddef.h>

#include "lib/err.h"

struct map;

struct map *map_new(void);				/* NULL: out of memory */
void	 map_free(struct map *);			/* not the values; NULL is fine */
/* The value, borrowed; NULL when there is none. */
void	*map_get(const struct map *, const void *key, size_t len);
/* Sets or replaces; value is not NULL. ERR_MEMORY. */
enum err map_put(struct map *, const void *key, size_t len, void *value);
/* The value that was there, or NULL. */
void	*map_remove(struct map *, const void *key, size_t len);
size_t	 map_count(const struct map *);
/* Calls visit for every entry; visit may not change the map. */
void	 map_each(const struct map *, void (*visit)(void *value, void *arg), void *arg);

#endif
