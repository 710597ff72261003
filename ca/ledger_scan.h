/* ledger_scan.h: the ledger's bytes, and reading a segment through. Only for ledger*.c. */
#ifndef SIGNET_CA_LEDGER_SCAN_H
#define SIGNET_CA_LEDGER_SCAN_H

#include "ca/ledger.h"

#define SEGMENT_NAME_SIZE 13 /* "00000001.log" and the NUL */
#define SEGMENT_HEADER_SIZE 96
#define RECORD_HEADER 8 /* magic and length */

/* The chain so far: what the next record must say. */
struct chain {
	uint64_t sequence; /* of the next record */
	uint8_t previous[LEDGER_HASH_SIZE];
	bool started; /* else the first segment read says where it starts */
};

struct segment_header {
	uint64_t sequence; /* of its first record */
	uint8_t previous[LEDGER_HASH_SIZE];
	int64_t created_ms;
};

void segment_name(unsigned number, char out[SEGMENT_NAME_SIZE]);
/* The lowest and highest number in the folder; both 0 when there is none. ERR_IO. */
enum err segments_list(int folder, unsigned *low, unsigned *high);
void segment_header_put(struct buf *, const struct segment_header *);
enum err segment_header_read(int folder, unsigned number, struct segment_header *, struct reason *);

/* Whether the segment's header says that it goes on where the chain is; a chain that has not started starts there.
 * ERR_MALFORMED, ERR_IO. */
enum err segment_continues(int folder, unsigned number, struct chain *, struct reason *);

/* Appends the record and gives its hash. A pair with record_get(), which takes one from the front of the
 * bytes: its length, or 0 when there is no whole, sound record. */
void record_put(struct buf *, const struct ledger_record *, uint8_t hash[LEDGER_HASH_SIZE]);
size_t record_get(struct slice, struct ledger_record *, uint8_t hash[LEDGER_HASH_SIZE]);

/* What the record's first RECORD_HEADER bytes say of the length of all of it; RECORD_HEADER when they are none. */
size_t record_length(struct slice);

typedef bool segment_visit(
    const struct ledger_record *, unsigned segment, uint64_t offset, size_t len, void *arg);

/* Reads one segment and moves the chain on. In the last one a torn tail is no error: *end is where it starts,
 * *size the file's length. *stopped: visit said so. */
struct segment_end {
	uint64_t end, size;
	bool stopped;
};
enum err segment_scan(int folder, unsigned number, bool last, struct chain *chain, segment_visit *visit,
    void *arg, struct segment_end *end, struct reason *reason);

#endif
