/* ledger_index.h: where each order's record lies in the ledger, in some thirty bytes an order: a CA that issues
 * millions of certificates within the life of an order holds one for each of them. Not thread-safe. */
#ifndef SIGNET_CA_LEDGER_INDEX_H
#define SIGNET_CA_LEDGER_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"

struct index;

/* A record's place: its segment, and its first byte there. */
struct place {
	uint32_t segment, offset;
};

struct index *index_new(void);	/* NULL: out of memory */
void index_free(struct index *); /* NULL is fine */
/* ERR_MEMORY */
enum err index_add(struct index *, struct id order, struct place);
/* Calls visit for each place where the order's record may be, until it returns something else than ERR_NOT_FOUND, and
 * returns that. Of the order only a hash is kept: visit reads the record and compares. */
enum err index_find(const struct index *, struct id order, enum err (*visit)(struct place, void *arg), void *arg);
/* Forgets orders from the oldest on, as they were added, until one was made at since_ms or later. */
void index_forget(struct index *, int64_t since_ms);
size_t index_count(const struct index *);

#endif
