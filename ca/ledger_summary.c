#include "ca/ledger_summary.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/wire.h"
#include "lib/log.h"

#define SUMMARY_MAGIC "signet summary1\n" /* 16 bytes */
#define SUMMARY_HEADER (16 + 8 + 8 + 4 + LEDGER_HASH_SIZE + 8 + 4 + LEDGER_HASH_SIZE)
#define ENTRY_SIZE (ID_SIZE + 4)
#define ENTRIES_MAX (LEDGER_SEGMENT_MAX / 100) /* no record is as short */
#define NAME_SIZE 13

/* What stands before the entries: the segment's size, and the chain before and after it. */
struct header {
	uint64_t end;
	struct chain before, after;
};

static void
summary_name(unsigned number, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%08u.idx", number % 100000000u);
}

static void
chain_put(struct buf *out, const struct chain *chain)
{
	put_u64(out, chain->sequence);
	put_bytes(out, slice_of(chain->previous, LEDGER_HASH_SIZE));
}

static bool
chain_get(struct wire *wire, struct chain *chain)
{
	struct slice previous;

	chain->started = true;
	chain->sequence = get_u64(wire);
	previous = get_bytes(wire, LEDGER_HASH_SIZE);
	if (wire->bad || previous.len != LEDGER_HASH_SIZE)
		return false;
	memcpy(chain->previous, previous.data, LEDGER_HASH_SIZE);
	return true;
}

/* A pair with header_get(). */
static void
header_put(struct buf *out, const struct header *header)
{
	buf_put_str(out, SUMMARY_MAGIC);
	put_u64(out, header->end);
	chain_put(out, &header->before);
	chain_put(out, &header->after);
}

static bool
header_get(struct slice in, struct header *out)
{
	struct wire wire;

	if (in.len < SUMMARY_HEADER || memcmp(in.data, SUMMARY_MAGIC, 16) != 0)
		return false;
	wire = wire_of(slice_of(in.data + 16, SUMMARY_HEADER - 16));
	out->end = get_u64(&wire);
	return chain_get(&wire, &out->before) && chain_get(&wire, &out->after) && wire_done(&wire);
}

static bool
read_all(int folder, const char *name, struct buf *out)
{
	uint8_t chunk[65536];
	ssize_t n = 0;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	while (!out->failed && out->len <= SUMMARY_HEADER + ENTRIES_MAX * ENTRY_SIZE + SHA256_DIGEST_LENGTH &&
	       (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_put(out, chunk, (size_t)n);
	close(fd);
	return n == 0 && !out->failed;
}

/* The bytes of the file without its hash, when they are whole. */
static bool
whole(struct slice file, struct slice *out)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	if (file.len < SUMMARY_HEADER + sizeof(hash))
		return false;
	*out = slice_of(file.data, file.len - sizeof(hash));
	SHA256(out->data, out->len, hash);
	return memcmp(hash, file.data + out->len, sizeof(hash)) == 0 && (out->len - SUMMARY_HEADER) % ENTRY_SIZE == 0;
}

/* Whether the segment begins and ends as when it was summed up. */
static bool
is_of(const struct header *header, int folder, unsigned number)
{
	char name[SEGMENT_NAME_SIZE];
	struct segment_header segment;
	struct reason unused;
	struct stat st;

	segment_name(number, name);
	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_size == header->end &&
	       segment_header_read(folder, number, &segment, &unused) == ERR_OK &&
	       segment.sequence == header->before.sequence &&
	       memcmp(segment.previous, header->before.previous, LEDGER_HASH_SIZE) == 0;
}

static void
each_entry(struct slice entries, bool (*visit)(struct id, uint32_t, void *), void *arg)
{
	struct wire wire = wire_of(entries);
	bool more = true;

	while (more && !wire_done(&wire)) {
		struct id order = get_id(&wire);
		uint32_t offset = get_u32(&wire);

		more = visit(order, offset, arg);
	}
}

enum err
summary_read(int folder, unsigned number, struct chain *chain,
    bool (*visit)(struct id order, uint32_t offset, void *arg), void *arg, struct reason *reason)
{
	char name[NAME_SIZE];
	struct buf file = { 0 };
	struct slice bytes;
	struct header header;
	enum err err = ERR_NOT_FOUND;

	summary_name(number, name);
	if (read_all(folder, name, &file) && whole(buf_slice(&file), &bytes) && header_get(bytes, &header) &&
	    is_of(&header, folder, number) && (err = segment_continues(folder, number, chain, reason)) == ERR_OK) {
		*chain = header.after;
		each_entry(slice_of(bytes.data + SUMMARY_HEADER, bytes.len - SUMMARY_HEADER), visit, arg);
	}
	buf_free(&file);
	return err;
}

void
summary_add(struct buf *entries, const struct ledger_record *record, uint64_t offset)
{
	if (record->kind != LEDGER_ORDER)
		return;
	put_id(entries, record->order);
	put_u32(entries, (uint32_t)offset);
}

static bool
write_file(int folder, const char *name, struct slice bytes)
{
	static const char fresh[] = "new.idx";
	int fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0;

	for (size_t done = 0; ok && done < bytes.len;) {
		ssize_t n = write(fd, bytes.data + done, bytes.len - done);

		ok = n > 0 || (n < 0 && errno == EINTR);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return ok && renameat(folder, fresh, folder, name) == 0;
}

void
summary_write(const struct buf *entries, int folder, unsigned number, uint64_t end, const struct chain *chain)
{
	struct header header = { .end = end, .after = *chain };
	struct segment_header segment = { 0 };
	struct reason reason = { "" };
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char name[NAME_SIZE];
	struct buf file = { 0 };
	bool ok = segment_header_read(folder, number, &segment, &reason) == ERR_OK;

	header.before.sequence = segment.sequence;
	memcpy(header.before.previous, segment.previous, LEDGER_HASH_SIZE);
	header_put(&file, &header);
	buf_put(&file, entries->data, entries->len);
	summary_name(number, name);
	if (!file.failed && !entries->failed) {
		SHA256(file.data, file.len, hash);
		buf_put(&file, hash, sizeof(hash));
	}
	/* Not synced: one that a crash leaves torn is no summary, and is made again. */
	if (!ok || file.failed || entries->failed || !write_file(folder, name, buf_slice(&file)))
		log_event(LOG_WARNING, "a segment of the ledger could not be summed up: the next start reads all of it",
		    F_STR("file", name), F_STR("error", strerror(errno)));
	buf_free(&file);
}
