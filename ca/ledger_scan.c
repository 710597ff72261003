#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/ledger_scan.h"
#include "ipc/wire.h"

#define SEGMENT_MAGIC "signet ledger 1\n" /* 16 bytes */
#define RECORD_MAGIC 0x53474c52u /* "SGLR" */
#define RECORD_BODY_MAX (LEDGER_DER_MAX + 512)

void
segment_name(unsigned number, char out[SEGMENT_NAME_SIZE])
{
	snprintf(out, SEGMENT_NAME_SIZE, "%08u.log", number % 100000000u);
}

enum err
segments_list(int folder, unsigned *low, unsigned *high)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir;
	struct dirent *entry;

	*low = *high = 0;
	if (fd < 0)
		return ERR_IO;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return ERR_IO;
	}
	while ((entry = readdir(dir)) != NULL) {
		char name[SEGMENT_NAME_SIZE];
		unsigned number = (unsigned)strtoul(entry->d_name, NULL, 10);

		segment_name(number, name);
		if (number == 0 || strcmp(name, entry->d_name) != 0)
			continue;
		if (*low == 0 || number < *low)
			*low = number;
		if (number > *high)
			*high = number;
	}
	closedir(dir);
	return ERR_OK;
}

void
segment_header_put(struct buf *out, const struct segment_header *header)
{
	uint8_t hash[LEDGER_HASH_SIZE];
	size_t start = out->len;

	buf_put_str(out, SEGMENT_MAGIC);
	put_u64(out, header->sequence);
	buf_put(out, header->previous, sizeof(header->previous));
	put_i64(out, header->created_ms);
	if (out->failed)
		return;
	SHA256(out->data + start, out->len - start, hash);
	buf_put(out, hash, sizeof(hash));
}

static bool
header_get(struct slice in, struct segment_header *out)
{
	uint8_t hash[LEDGER_HASH_SIZE];
	struct wire wire;

	if (in.len < SEGMENT_HEADER_SIZE || memcmp(in.data, SEGMENT_MAGIC, 16) != 0)
		return false;
	SHA256(in.data, SEGMENT_HEADER_SIZE - LEDGER_HASH_SIZE, hash);
	if (memcmp(hash, in.data + SEGMENT_HEADER_SIZE - LEDGER_HASH_SIZE, LEDGER_HASH_SIZE) != 0)
		return false;
	wire = wire_of(slice_of(in.data + 16, 8));
	out->sequence = get_u64(&wire);
	memcpy(out->previous, in.data + 24, LEDGER_HASH_SIZE);
	wire = wire_of(slice_of(in.data + 56, 8));
	out->created_ms = get_i64(&wire);
	return true;
}

enum err
segment_header_read(int folder, unsigned number, struct segment_header *out, struct reason *reason)
{
	char name[SEGMENT_NAME_SIZE];
	uint8_t bytes[SEGMENT_HEADER_SIZE];
	ssize_t n;
	int fd;

	segment_name(number, name);
	if ((fd = openat(folder, name, O_RDONLY | O_CLOEXEC)) < 0) {
		reason_set(reason, "%s: %s", name, strerror(errno));
		return errno == ENOENT ? ERR_MALFORMED : ERR_IO;
	}
	n = pread(fd, bytes, sizeof(bytes), 0);
	close(fd);
	if (n >= 0 && header_get(slice_of(bytes, (size_t)n), out))
		return ERR_OK;
	reason_set(reason, "%s: its header is broken", name);
	return ERR_MALFORMED;
}

void
record_put(struct buf *out, const struct ledger_record *record, uint8_t hash[LEDGER_HASH_SIZE])
{
	struct buf body = { 0 };

	put_u64(&body, record->sequence);
	put_u64(&body, record->durable);
	put_bytes(&body, slice_of(record->previous, LEDGER_HASH_SIZE));
	put_u8(&body, (uint8_t)record->kind);
	put_i64(&body, record->time_ms);
	put_id(&body, record->order);
	put_bytes(&body, slice_of(record->issuer, sizeof(record->issuer)));
	put_bytes(&body, record->serial);
	put_i64(&body, record->not_before);
	put_i64(&body, record->not_after);
	put_bytes(&body, record->der);
	if (body.failed || body.len > RECORD_BODY_MAX) {
		out->failed = true;
		buf_free(&body);
		return;
	}
	SHA256(body.data, body.len, hash);
	put_u32(out, RECORD_MAGIC);
	put_u32(out, (uint32_t)body.len);
	buf_put(out, body.data, body.len);
	buf_put(out, hash, LEDGER_HASH_SIZE);
	buf_free(&body);
}

size_t
record_length(struct slice in)
{
	struct wire wire = wire_of(in);
	uint32_t magic = get_u32(&wire);
	size_t len = get_u32(&wire);

	if (wire.bad || magic != RECORD_MAGIC || len > RECORD_BODY_MAX)
		return RECORD_HEADER;
	return RECORD_HEADER + len + LEDGER_HASH_SIZE;
}

static bool
body_get(struct slice body, struct ledger_record *out)
{
	struct wire wire = wire_of(body);
	struct slice previous, issuer;
	uint8_t kind;

	memset(out, 0, sizeof(*out));
	out->sequence = get_u64(&wire);
	out->durable = get_u64(&wire);
	previous = get_bytes(&wire, LEDGER_HASH_SIZE);
	kind = get_u8(&wire);
	out->time_ms = get_i64(&wire);
	out->order = get_id(&wire);
	issuer = get_bytes(&wire, sizeof(out->issuer));
	out->serial = get_bytes(&wire, 20);
	out->not_before = get_i64(&wire);
	out->not_after = get_i64(&wire);
	out->der = get_bytes(&wire, LEDGER_DER_MAX);
	if (!wire_done(&wire) || previous.len != LEDGER_HASH_SIZE || issuer.len != sizeof(out->issuer) ||
	    (kind != LEDGER_ORDER && kind != LEDGER_SERVER))
		return false;
	out->kind = (enum ledger_kind)kind;
	memcpy(out->previous, previous.data, LEDGER_HASH_SIZE);
	memcpy(out->issuer, issuer.data, sizeof(out->issuer));
	return true;
}

size_t
record_get(struct slice in, struct ledger_record *out, uint8_t hash[LEDGER_HASH_SIZE])
{
	struct wire wire = wire_of(in);
	uint32_t magic = get_u32(&wire);
	size_t len = get_u32(&wire);

	if (wire.bad || magic != RECORD_MAGIC || len > RECORD_BODY_MAX ||
	    in.len - RECORD_HEADER < len + LEDGER_HASH_SIZE)
		return 0;
	SHA256(in.data + RECORD_HEADER, len, hash);
	if (memcmp(hash, in.data + RECORD_HEADER + len, LEDGER_HASH_SIZE) != 0 ||
	    !body_get(slice_of(in.data + RECORD_HEADER, len), out))
		return 0;
	return RECORD_HEADER + len + LEDGER_HASH_SIZE;
}

/* Whether a later sound record knows that sequence was on disk: then what is broken here is no torn tail. */
static bool
was_durable(struct slice rest, uint64_t sequence)
{
	struct ledger_record record;
	uint8_t hash[LEDGER_HASH_SIZE];
	size_t at;

	for (at = 1; at + RECORD_HEADER < rest.len; at++)
		if (rest.data[at] == 0x53 &&
		    record_get(slice_of(rest.data + at, rest.len - at), &record, hash) != 0 &&
		    record.durable >= sequence)
			return true;
	return false;
}

static enum err
records_scan(struct slice file, const char *name, unsigned number, bool last, struct chain *chain,
    segment_visit *visit, void *arg, struct segment_end *end, struct reason *reason)
{
	uint64_t at = SEGMENT_HEADER_SIZE;

	while (at < file.len && !end->stopped) {
		struct slice rest = slice_of(file.data + at, file.len - at);
		struct ledger_record record;
		uint8_t hash[LEDGER_HASH_SIZE];
		size_t len = record_get(rest, &record, hash);

		if (len == 0 && last && !was_durable(rest, chain->sequence))
			break;
		if (len == 0 || record.sequence != chain->sequence ||
		    memcmp(record.previous, chain->previous, LEDGER_HASH_SIZE) != 0) {
			reason_set(reason,
			    "%s: the chain is broken at byte %llu, where record %llu should be", name,
			    (unsigned long long)at, (unsigned long long)chain->sequence);
			return ERR_MALFORMED;
		}
		if (visit != NULL && !visit(&record, number, at, len, arg))
			end->stopped = true;
		chain->sequence++;
		memcpy(chain->previous, hash, LEDGER_HASH_SIZE);
		at += len;
	}
	end->end = at;
	return ERR_OK;
}

static enum err
chain_continue(const struct segment_header *header, const char *name, struct chain *chain, struct reason *reason)
{
	if (!chain->started) {
		chain->started = true;
		chain->sequence = header->sequence;
		memcpy(chain->previous, header->previous, LEDGER_HASH_SIZE);
	}
	if (chain->sequence == header->sequence &&
	    memcmp(chain->previous, header->previous, LEDGER_HASH_SIZE) == 0)
		return ERR_OK;
	reason_set(reason, "%s: it doesn't continue the segment before it; the chain is broken", name);
	return ERR_MALFORMED;
}

enum err
segment_continues(int folder, unsigned number, struct chain *chain, struct reason *reason)
{
	char name[SEGMENT_NAME_SIZE];
	struct segment_header header;
	enum err err = segment_header_read(folder, number, &header, reason);

	segment_name(number, name);
	return err != ERR_OK ? err : chain_continue(&header, name, chain, reason);
}

enum err
segment_scan(int folder, unsigned number, bool last, struct chain *chain, segment_visit *visit, void *arg,
    struct segment_end *end, struct reason *reason)
{
	char name[SEGMENT_NAME_SIZE];
	struct segment_header header;
	struct stat st;
	struct slice file;
	void *map = MAP_FAILED;
	enum err err;
	int fd;

	memset(end, 0, sizeof(*end));
	segment_name(number, name);
	if ((fd = openat(folder, name, O_RDONLY | O_CLOEXEC)) < 0) {
		reason_set(reason, "%s: %s", name, strerror(errno));
		return errno == ENOENT ? ERR_MALFORMED : ERR_IO;
	}
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED) {
		reason_set(reason, "%s: it is empty or can't be read", name);
		return ERR_IO;
	}
	file = slice_of(map, (size_t)st.st_size);
	end->size = file.len;
	if (!header_get(file, &header)) {
		reason_set(reason, "%s: its header is broken", name);
		err = ERR_MALFORMED;
	} else if ((err = chain_continue(&header, name, chain, reason)) == ERR_OK)
		err = records_scan(file, name, number, last, chain, visit, arg, end, reason);
	munmap(map, file.len);
	return err;
}

struct each {
	bool (*visit)(const struct ledger_record *, void *);
	void *arg;
	uint64_t count;
};

static bool
each_visit(const struct ledger_record *record, unsigned segment, uint64_t offset, size_t len, void *arg)
{
	struct each *each = arg;

	(void)segment;
	(void)offset;
	(void)len;
	each->count++;
	return each->visit == NULL || each->visit(record, each->arg);
}

enum err
ledger_each(const char *folder, bool (*visit)(const struct ledger_record *, void *arg), void *arg,
    uint64_t *count, struct reason *reason)
{
	struct each each = { visit, arg, 0 };
	struct chain chain = { 0 };
	struct segment_end end = { 0 };
	unsigned low, high, number;
	enum err err;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*count = 0;
	if (fd < 0) {
		reason_set(reason, "%s: %s", folder, strerror(errno));
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	}
	if ((err = segments_list(fd, &low, &high)) != ERR_OK)
		reason_set(reason, "%s: %s", folder, strerror(errno));
	else if (high == 0) {
		reason_set(reason, "%s: no ledger here", folder);
		err = ERR_NOT_FOUND;
	}
	for (number = low; err == ERR_OK && number <= high && !end.stopped; number++)
		err = segment_scan(fd, number, number == high, &chain, each_visit, &each, &end, reason);
	close(fd);
	*count = each.count;
	return err;
}
