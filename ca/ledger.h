/* ledger.h: what was signed, written down before it leaves the process (DESIGN: rule 4).
 *
 * A folder of segments, 00000001.log and on, each append-only. Every record names its number and the SHA-256
 * of the record before it, so nothing in the middle can be changed or taken out unseen. What a crash left
 * half written at the very end was never released: it is cut off, with a line in the log. */
#ifndef SIGNET_CA_LEDGER_H
#define SIGNET_CA_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/id.h"
#include "lib/reason.h"

#define LEDGER_SEGMENT_MAX (16 << 20) /* bytes; a start reads the newest to its end, in some 30 ms */
#define LEDGER_HASH_SIZE 32
#define LEDGER_DER_MAX 65536

enum ledger_kind { LEDGER_ORDER = 1, LEDGER_SERVER };

struct ledger_record {
	uint64_t sequence; /* from 1, no gaps; set by ledger_append() */
	uint64_t durable; /* the last that was synced when this was written; set likewise */
	uint8_t previous[LEDGER_HASH_SIZE]; /* set likewise */
	enum ledger_kind kind;
	int64_t time_ms;
	struct id order; /* zero: the server's own */
	uint8_t issuer[32]; /* SHA-256 of the issuer's DER */
	struct slice serial; /* at most 20 bytes */
	int64_t not_before, not_after;
	struct slice der;
};

struct ledger;

/* Opens the folder (which exists) and locks it against a second process. Orders made since since_ms can be
 * found again; older segments are not read. ERR_MALFORMED: the chain is broken, and reason says where;
 * ERR_BUSY: somebody else has it; ERR_IO; ERR_MEMORY. */
enum err ledger_open(const char *folder, int64_t since_ms, struct ledger **out, struct reason *);
void ledger_close(struct ledger *); /* what was not synced is lost; NULL is fine */
/* The descriptors that must stay open: the folder's and the segment's. */
void ledger_descriptors(const struct ledger *, int fds[2]);
/* Takes the record into memory, from where ledger_find() sees it. ERR_MEMORY, ERR_IO: no new segment. */
enum err ledger_append(struct ledger *, struct ledger_record *);
/* Writes what was appended and waits until it is on disk. ERR_IO: nothing appended may be released. */
enum err ledger_sync(struct ledger *);
/* out's slices are borrowed until the next call on the ledger. ERR_NOT_FOUND, ERR_IO, ERR_MALFORMED. */
enum err ledger_find(struct ledger *, struct id order, struct ledger_record *out);
/* Forgets the orders that were made before since_ms: nobody may ask for them any more. */
void ledger_forget(struct ledger *, int64_t since_ms);

/* Reads a whole folder, checking the chain, while signet runs or not. visit may be NULL; it returns false to
 * stop. A torn tail is the end. ERR_MALFORMED, ERR_IO, ERR_NOT_FOUND (no segments), ERR_MEMORY. */
enum err ledger_each(const char *folder, bool (*visit)(const struct ledger_record *, void *arg), void *arg,
    uint64_t *count, struct reason *);

#endif
