/* writer.h: the one thread that writes. It gathers what waits into one transaction and one durable commit. */
#ifndef SIGNET_STORAGE_WRITER_H
#define SIGNET_STORAGE_WRITER_H

#include "storage/query.h"
#include "storage/storage.h"

struct writer;

/* Takes over tx's connection, but doesn't close it. NULL: out of memory. */
struct writer *writer_new(const struct storage_tx *);
enum err writer_start(struct writer *);		/* ERR_IO: no thread */
/* storage_write_start(), and storage_write(), which waits. Both abort unless started. */
void	 writer_put(struct writer *, struct storage_write *);
enum err writer_run(struct writer *, enum err (*fn)(struct storage_tx *, void *), void *arg);
/* After the jobs that wait; NULL is fine. */
void	 writer_free(struct writer *);

#endif
