/* writer.h: the one thread that writes. It gathers what waits into one transaction and one durable commit. */
#ifndef SIGNET_STORAGE_WRITER_H
#define SIGNET_STORAGE_WRITER_H

#include <stdbool.h>

#include "storage/query.h"
#include "storage/storage.h"

struct writer;

/* Takes over tx's connection, but doesn't close it. NULL: out of memory. */
struct writer *writer_new(const struct storage_tx *);
enum err writer_start(struct writer *);		/* ERR_IO: no thread */
/* storage_write_start(), and storage_write(), which waits. Both abort unless started. */
void	 writer_put(struct writer *, struct storage_write *);
enum err writer_run(struct writer *, enum err (*fn)(struct storage_tx *, void *), void *arg);
/* For who is told in the writer's thread: what is written by then, to be read, in one transaction for all that are told
 * of one batch; it ends by itself. False: this is another thread, and *err is not set. */
bool	 writer_read(struct writer *, struct storage_tx **, enum err *);
/* After the jobs that wait; NULL is fine. */
void	 writer_free(struct writer *);

#endif
