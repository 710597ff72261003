/* ledger_summary.h: which orders a closed segment of the ledger holds and where, in a file beside it (00000001.idx), so
 * that a start reads a fortieth of the ledger's bytes. It is a copy of what the segment says: it may be missing, and is
 * made again. Only for ledger*.c. */
#ifndef SIGNET_CA_LEDGER_SUMMARY_H
#define SIGNET_CA_LEDGER_SUMMARY_H

#include <stdbool.h>

#include "ca/ledger_scan.h"
#include "lib/id.h"

/* Reads the summary, moves the chain on past the segment, and calls visit for each order in it; visit returns false to
 * stop. ERR_NOT_FOUND: there is no summary, or it is not that of the segment; chain is as it was, and visit was not
 * called. ERR_MALFORMED: the segment doesn't continue the chain, with a reason. */
enum err summary_read(int folder, unsigned number, struct chain *,
    bool (*visit)(struct id order, uint32_t offset, void *arg), void *arg, struct reason *);

/* Adds a record to entries, which are gathered while a segment is scanned or written. */
void summary_add(struct buf *entries, const struct ledger_record *, uint64_t offset);
/* Writes them: the segment ends there, and the chain has come to this. What can't be written is left out, with a line in
 * the log. */
void summary_write(const struct buf *entries, int folder, unsigned number, uint64_t end, const struct chain *);

#endif
