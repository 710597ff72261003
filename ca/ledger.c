#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "ca/ledger.h"
#include "ca/ledger_index.h"
#include "ca/ledger_scan.h"
#include "ca/ledger_summary.h"
#include "lib/log.h"

struct ledger {
	int folder, fd;
	unsigned segment;
	uint64_t size; /* of the segment on disk */
	struct chain chain;
	uint64_t durable;
	struct buf pending; /* appended, not written */
	struct buf summary; /* of the segment, with what is pending */
	struct buf found; /* what ledger_find() lends */
	struct index *orders;
	int64_t since_ms;
	bool failed; /* a write failed: nothing more is released */
};

void
ledger_forget(struct ledger *ledger, int64_t since_ms)
{
	index_forget(ledger->orders, since_ms);
}

static bool
remember(struct ledger *ledger, struct id order, unsigned segment, uint32_t offset)
{
	if (id_time_ms(order) >= ledger->since_ms &&
	    index_add(ledger->orders, order, (struct place){ segment, offset }) != ERR_OK)
		ledger->failed = true;
	return !ledger->failed;
}

static bool
open_visit(const struct ledger_record *record, unsigned segment, uint64_t offset, size_t len, void *arg)
{
	struct ledger *ledger = arg;

	(void)len;
	summary_add(&ledger->summary, record, offset);
	return record->kind != LEDGER_ORDER || remember(ledger, record->order, segment, (uint32_t)offset);
}

struct summed {
	struct ledger *ledger;
	unsigned segment;
};

static bool
summary_visit(struct id order, uint32_t offset, void *arg)
{
	const struct summed *summed = arg;

	return remember(summed->ledger, order, summed->segment, offset);
}

/* A closed segment: by its summary, or else all of it, and then it has one. */
static enum err
closed_read(struct ledger *ledger, unsigned number, struct reason *reason)
{
	struct summed summed = { ledger, number };
	struct segment_end end;
	enum err err = summary_read(ledger->folder, number, &ledger->chain, summary_visit, &summed, reason);

	if (err != ERR_NOT_FOUND)
		return err;
	err = segment_scan(ledger->folder, number, false, &ledger->chain, open_visit, ledger, &end, reason);
	if (err == ERR_OK && !ledger->failed)
		summary_write(&ledger->summary, ledger->folder, number, end.end, &ledger->chain);
	buf_clear(&ledger->summary);
	return err;
}

static enum err
io_error(struct reason *reason, const char *what)
{
	reason_set(reason, "%s: %s", what, strerror(errno));
	return ERR_IO;
}

/* Made under another name and then renamed, so that a segment always has its header. */
static enum err
segment_create(struct ledger *ledger, unsigned number, struct reason *reason)
{
	struct segment_header header = { .sequence = ledger->chain.sequence };
	struct timespec now;
	struct buf bytes = { 0 };
	char name[SEGMENT_NAME_SIZE];
	int fd = openat(ledger->folder, "new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok;

	clock_gettime(CLOCK_REALTIME, &now);
	header.created_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	memcpy(header.previous, ledger->chain.previous, LEDGER_HASH_SIZE);
	segment_header_put(&bytes, &header);
	segment_name(number, name);
	ok = fd >= 0 && !bytes.failed && write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len &&
	     fsync(fd) == 0 && renameat(ledger->folder, "new", ledger->folder, name) == 0 &&
	     fsync(ledger->folder) == 0;
	buf_free(&bytes);
	if (!ok) {
		enum err err = io_error(reason, "can't start a new segment");

		if (fd >= 0)
			close(fd);
		return err;
	}
	if (ledger->fd >= 0)
		close(ledger->fd);
	ledger->fd = fd;
	ledger->segment = number;
	ledger->size = SEGMENT_HEADER_SIZE;
	return ERR_OK;
}

static enum err
tail_cut(struct ledger *ledger, const struct segment_end *end, struct reason *reason)
{
	char name[SEGMENT_NAME_SIZE];

	segment_name(ledger->segment, name);
	if ((ledger->fd = openat(ledger->folder, name, O_RDWR | O_CLOEXEC)) < 0)
		return io_error(reason, name);
	ledger->size = end->end;
	if (end->end < end->size) {
		log_event(LOG_WARNING, "the ledger's torn tail is cut off: it was never released",
		    F_STR("segment", name), F_INT("bytes", end->size - end->end),
		    F_INT("records", ledger->chain.sequence - 1));
		if (ftruncate(ledger->fd, (off_t)end->end) != 0)
			return io_error(reason, name);
	}
	/* Records that a crash left whole but unsynced become durable before anything builds on them. */
	if (fsync(ledger->fd) != 0 || fsync(ledger->folder) != 0)
		return io_error(reason, name);
	return ERR_OK;
}

static enum err
segments_read(struct ledger *ledger, struct reason *reason)
{
	struct segment_header header;
	struct segment_end end = { 0 };
	unsigned low, high, first, number;
	enum err err;

	if (segments_list(ledger->folder, &low, &high) != ERR_OK)
		return io_error(reason, "can't list the folder");
	if (high == 0) {
		ledger->chain = (struct chain){ .sequence = 1, .started = true };
		return segment_create(ledger, 1, reason);
	}
	/* A segment made before the window closes the search: all before it are older still. */
	for (first = high; first > low; first--) {
		if ((err = segment_header_read(ledger->folder, first, &header, reason)) != ERR_OK)
			return err;
		if (header.created_ms < ledger->since_ms)
			break;
	}
	for (number = first; number < high; number++)
		if ((err = closed_read(ledger, number, reason)) != ERR_OK)
			return err;
	if ((err = segment_scan(ledger->folder, high, true, &ledger->chain, open_visit, ledger, &end, reason)) != ERR_OK)
		return err;
	if (ledger->failed)
		return ERR_MEMORY;
	ledger->segment = high;
	return tail_cut(ledger, &end, reason);
}

/* The process before us may still be dying; it takes no longer than this. */
#define LOCK_TRIES 50
#define LOCK_PAUSE_MS 100

static enum err
folder_lock(int folder, struct reason *reason)
{
	static const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(folder, LOCK_EX | LOCK_NB) == 0)
			return ERR_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return io_error(reason, "can't lock the folder");
		nanosleep(&pause, NULL);
	}
	reason_set(reason, "another signet has this ledger open");
	return ERR_BUSY;
}

enum err
ledger_open(const char *folder, int64_t since_ms, struct ledger **out, struct reason *reason)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	enum err err;

	*out = NULL;
	if (ledger == NULL)
		return ERR_MEMORY;
	ledger->fd = -1;
	ledger->since_ms = since_ms;
	ledger->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if ((ledger->orders = index_new()) == NULL)
		err = ERR_MEMORY;
	else if (ledger->folder < 0)
		err = io_error(reason, folder);
	else if ((err = folder_lock(ledger->folder, reason)) == ERR_OK)
		err = segments_read(ledger, reason);
	if (err != ERR_OK) {
		ledger_close(ledger);
		return err;
	}
	ledger->durable = ledger->chain.sequence - 1;
	*out = ledger;
	return ERR_OK;
}

void
ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	index_free(ledger->orders);
	buf_free(&ledger->pending);
	buf_free(&ledger->summary);
	buf_free(&ledger->found);
	if (ledger->fd >= 0)
		close(ledger->fd);
	if (ledger->folder >= 0)
		close(ledger->folder);
	free(ledger);
}

void
ledger_descriptors(const struct ledger *ledger, int fds[2])
{
	fds[0] = ledger->folder;
	fds[1] = ledger->fd;
}

enum err
ledger_append(struct ledger *ledger, struct ledger_record *record)
{
	uint8_t hash[LEDGER_HASH_SIZE];
	uint64_t offset;
	enum err err;

	if (ledger->failed)
		return ERR_IO;
	if (ledger->pending.len == 0 && ledger->size >= LEDGER_SEGMENT_MAX) {
		struct reason reason;

		summary_write(&ledger->summary, ledger->folder, ledger->segment, ledger->size, &ledger->chain);
		buf_clear(&ledger->summary);
		if ((err = segment_create(ledger, ledger->segment + 1, &reason)) != ERR_OK) {
			log_event(LOG_ERROR, "ledger", F_STR("error", reason.text));
			ledger->failed = true;
			return err;
		}
	}
	record->sequence = ledger->chain.sequence;
	record->durable = ledger->durable;
	memcpy(record->previous, ledger->chain.previous, LEDGER_HASH_SIZE);
	offset = ledger->size + ledger->pending.len;
	record_put(&ledger->pending, record, hash);
	summary_add(&ledger->summary, record, offset);
	if (ledger->pending.failed || ledger->summary.failed ||
	    (record->kind == LEDGER_ORDER && index_add(ledger->orders, record->order,
						 (struct place){ ledger->segment, (uint32_t)offset }) != ERR_OK)) {
		ledger->failed = true;
		return ERR_MEMORY;
	}
	ledger->chain.sequence++;
	memcpy(ledger->chain.previous, hash, LEDGER_HASH_SIZE);
	return ERR_OK;
}

enum err
ledger_sync(struct ledger *ledger)
{
	size_t done = 0;

	if (ledger->failed)
		return ERR_IO;
	if (ledger->pending.len == 0)
		return ERR_OK;
	ledger->failed = true; /* until all of it is on disk */
	while (done < ledger->pending.len) {
		ssize_t n = pwrite(ledger->fd, ledger->pending.data + done, ledger->pending.len - done,
		    (off_t)(ledger->size + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		done += (size_t)n;
	}
	if (fdatasync(ledger->fd) != 0)
		return ERR_IO;
	ledger->failed = false;
	ledger->size += done;
	ledger->durable = ledger->chain.sequence - 1;
	buf_clear(&ledger->pending);
	return ERR_OK;
}

/* Fills ledger->found with the record at that place of the segment's file. */
static enum err
place_read(struct ledger *ledger, struct place place)
{
	char name[SEGMENT_NAME_SIZE];
	int fd = ledger->fd;
	uint8_t chunk[4096];
	size_t done = 0, len = RECORD_HEADER;
	ssize_t n = 1;

	if (place.segment != ledger->segment) {
		segment_name(place.segment, name);
		if ((fd = openat(ledger->folder, name, O_RDONLY | O_CLOEXEC)) < 0)
			return ERR_IO;
	}
	for (; done < len && n > 0; done += n > 0 ? (size_t)n : 0) {
		n = pread(fd, chunk, sizeof(chunk), (off_t)(place.offset + done));
		if (n > 0)
			buf_put(&ledger->found, chunk, (size_t)n);
		len = record_length(buf_slice(&ledger->found));
	}
	if (fd != ledger->fd)
		close(fd);
	return done >= len && !ledger->found.failed ? ERR_OK : ERR_IO;
}

struct search {
	struct ledger *ledger;
	struct id order;
	struct ledger_record *out;
};

static enum err
try_place(struct place place, void *arg)
{
	struct search *search = arg;
	struct ledger *ledger = search->ledger;
	uint8_t hash[LEDGER_HASH_SIZE];

	buf_clear(&ledger->found);
	if (place.segment == ledger->segment && place.offset >= ledger->size) {
		size_t at = place.offset - ledger->size;

		buf_put(&ledger->found, ledger->pending.data + at, ledger->pending.len - at);
	} else if (place_read(ledger, place) != ERR_OK)
		return ERR_IO;
	if (ledger->found.failed)
		return ERR_MEMORY;
	if (record_get(buf_slice(&ledger->found), search->out, hash) == 0)
		return ERR_MALFORMED;
	return id_eq(search->out->order, search->order) ? ERR_OK : ERR_NOT_FOUND;
}

enum err
ledger_find(struct ledger *ledger, struct id order, struct ledger_record *out)
{
	return index_find(ledger->orders, order, try_place, &(struct search){ ledger, order, out });
}
