/* revoked.c: a header, and records of one size, each with a hash of its own. The last one of a serial counts. */
#include "ca/revoked.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/wire.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/map.h"

#define NAME_SIZE 32
#define MAGIC "signet revoked 1" /* 16 bytes */
#define MAGIC_SIZE 16
#define CHECK_SIZE 10
#define RECORD_SIZE 48 /* 1 + 20 + 8 + 1 + 8, and the hash's first bytes */
#define FORGET_LEAST 1000 /* fewer are not worth writing the file anew */

struct revoked {
	char name[NAME_SIZE], new_name[NAME_SIZE];
	int folder, fd;
	off_t size; /* on disk */
	struct buf pending; /* to be written there */
	struct map *entries;
};

static void
record_put(struct buf *out, const struct revoked_entry *entry)
{
	uint8_t serial[20] = { 0 }, hash[SHA256_DIGEST_LENGTH];
	size_t start = out->len;

	memcpy(serial, entry->serial, entry->serial_len);
	put_u8(out, (uint8_t)entry->serial_len);
	buf_put(out, serial, sizeof(serial));
	put_i64(out, entry->revoked);
	put_u8(out, (uint8_t)(entry->reason + 1));
	put_i64(out, entry->not_after);
	if (out->failed)
		return;
	SHA256(out->data + start, out->len - start, hash);
	buf_put(out, hash, CHECK_SIZE);
}

static bool
record_get(const uint8_t record[RECORD_SIZE], struct revoked_entry *out)
{
	struct wire in = wire_of(slice_of(record, RECORD_SIZE - CHECK_SIZE));
	uint8_t hash[SHA256_DIGEST_LENGTH];

	SHA256(record, RECORD_SIZE - CHECK_SIZE, hash);
	if (memcmp(hash, record + RECORD_SIZE - CHECK_SIZE, CHECK_SIZE) != 0)
		return false;
	out->serial_len = get_u8(&in);
	for (size_t i = 0; i < sizeof(out->serial); i++)
		out->serial[i] = get_u8(&in);
	out->revoked = get_i64(&in);
	out->reason = (enum revocation_reason)(get_u8(&in) - 1);
	out->not_after = get_i64(&in);
	return wire_done(&in) && out->serial_len > 0 && out->serial_len <= sizeof(out->serial) &&
	       revocation_reason_ends(out->reason);
}

/* A copy of the entry, in place of the one that was. */
static enum err
remember(struct revoked *revoked, const struct revoked_entry *entry)
{
	struct revoked_entry *copy = malloc(sizeof(*copy)),
			     *before = map_get(revoked->entries, entry->serial, entry->serial_len);

	if (copy == NULL)
		return ERR_MEMORY;
	*copy = *entry;
	if (map_put(revoked->entries, copy->serial, copy->serial_len, copy) != ERR_OK) {
		free(copy);
		return ERR_MEMORY;
	}
	free(before);
	return ERR_OK;
}

static bool
one_is_sound(const uint8_t *records, size_t count)
{
	struct revoked_entry entry;

	for (size_t i = 0; i < count; i++)
		if (record_get(records + i * RECORD_SIZE, &entry))
			return true;
	return false;
}

/* A broken record is what a crash left when it is the end of the file, and else somebody's doing. */
static enum err
records_read(struct revoked *revoked, struct slice file, struct reason *reason)
{
	const uint8_t *records = file.data + MAGIC_SIZE;
	size_t count = (file.len - MAGIC_SIZE) / RECORD_SIZE, i = 0;
	struct revoked_entry entry;
	enum err err = ERR_OK;

	for (; i < count && record_get(records + i * RECORD_SIZE, &entry); i++)
		if ((err = remember(revoked, &entry)) != ERR_OK)
			return err;
	if (i < count && one_is_sound(records + i * RECORD_SIZE, count - i)) {
		reason_set(reason, "%s: record %zu is broken, and later ones are not", revoked->name, i + 1);
		return ERR_MALFORMED;
	}
	revoked->size = (off_t)(MAGIC_SIZE + i * RECORD_SIZE);
	if ((size_t)revoked->size == file.len)
		return ERR_OK;
	log_event(LOG_WARNING, "the torn tail of a list is cut off", F_STR("file", revoked->name), F_INT("records", i));
	return ftruncate(revoked->fd, revoked->size) == 0 ? ERR_OK : ERR_IO;
}

static enum err
io_error(const struct revoked *revoked, struct reason *reason)
{
	reason_set(reason, "%s: %s", revoked->name, strerror(errno));
	return ERR_IO;
}

static void
put_entry(void *value, void *arg)
{
	record_put(arg, value);
}

/* Writes all that is in memory to a file that takes the place of the other. */
static enum err
file_make(struct revoked *revoked)
{
	struct buf bytes = { 0 };
	int fd;
	bool ok;

	buf_put_str(&bytes, MAGIC);
	map_each(revoked->entries, put_entry, &bytes);
	if (bytes.failed) {
		buf_free(&bytes);
		return ERR_MEMORY;
	}
	fd = openat(revoked->folder, revoked->new_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok = fd >= 0 && pwrite(fd, bytes.data, bytes.len, 0) == (ssize_t)bytes.len && fsync(fd) == 0 &&
	     renameat(revoked->folder, revoked->new_name, revoked->folder, revoked->name) == 0 && fsync(revoked->folder) == 0;
	if (!ok) {
		if (fd >= 0)
			close(fd);
		buf_free(&bytes);
		return ERR_IO;
	}
	if (revoked->fd >= 0)
		close(revoked->fd);
	revoked->fd = fd;
	revoked->size = (off_t)bytes.len;
	buf_clear(&revoked->pending);
	buf_free(&bytes);
	return ERR_OK;
}

static enum err
file_load(struct revoked *revoked, const char *path, struct reason *reason)
{
	struct buf file = { 0 };
	enum err err = file_read(path, MAGIC_SIZE + (size_t)REVOKED_MAX * 2 * RECORD_SIZE, &file);

	if (err == ERR_OK && (file.len < MAGIC_SIZE || memcmp(file.data, MAGIC, MAGIC_SIZE) != 0)) {
		reason_set(reason, "%s: it doesn't begin as such a file does", revoked->name);
		err = ERR_MALFORMED;
	}
	if (err == ERR_OK && (revoked->fd = openat(revoked->folder, revoked->name, O_RDWR | O_CLOEXEC)) < 0)
		err = io_error(revoked, reason);
	if (err == ERR_OK)
		err = records_read(revoked, buf_slice(&file), reason);
	else if (err == ERR_NOT_FOUND && (err = file_make(revoked)) == ERR_IO)
		err = io_error(revoked, reason);
	buf_free(&file);
	return err;
}

enum err
revoked_open(const char *folder, const char *name, int64_t now, struct revoked **out, struct reason *reason)
{
	struct revoked *revoked = calloc(1, sizeof(*revoked));
	char *path = NULL;
	enum err err = ERR_MEMORY;

	*out = NULL;
	if (revoked == NULL)
		goto out;
	revoked->fd = revoked->folder = -1;
	snprintf(revoked->name, sizeof(revoked->name), "%s.log", name);
	snprintf(revoked->new_name, sizeof(revoked->new_name), "%s.new", name);
	if ((path = file_join(folder, revoked->name)) == NULL)
		goto out;
	if ((revoked->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		err = io_error(revoked, reason);
		goto out;
	}
	if ((revoked->entries = map_new()) != NULL && (err = file_load(revoked, path, reason)) == ERR_OK)
		err = revoked_forget(revoked, now);
 out:
	free(path);
	if (err == ERR_OK)
		*out = revoked;
	else
		revoked_close(revoked);
	return err;
}

static void
entry_free(void *value, void *arg)
{
	(void)arg;
	free(value);
}

void
revoked_close(struct revoked *revoked)
{
	if (revoked == NULL)
		return;
	if (revoked->entries != NULL)
		map_each(revoked->entries, entry_free, NULL);
	map_free(revoked->entries);
	buf_free(&revoked->pending);
	if (revoked->fd >= 0)
		close(revoked->fd);
	if (revoked->folder >= 0)
		close(revoked->folder);
	free(revoked);
}

void
revoked_descriptors(const struct revoked *revoked, int fds[2])
{
	fds[0] = revoked->folder;
	fds[1] = revoked->fd;
}

enum err
revoked_add(struct revoked *revoked, const struct revoked_entry *entry)
{
	const struct revoked_entry *known = map_get(revoked->entries, entry->serial, entry->serial_len);
	struct revoked_entry added = *entry;
	enum err err;

	if (known != NULL) {
		if (known->reason == REVOCATION_KEY_COMPROMISE || entry->reason != REVOCATION_KEY_COMPROMISE)
			return ERR_OK;
		added.revoked = known->revoked;
		added.not_after = known->not_after;
	} else if (map_count(revoked->entries) >= REVOKED_MAX)
		return ERR_TOO_LARGE;
	if ((err = remember(revoked, &added)) != ERR_OK)
		return err;
	record_put(&revoked->pending, &added);
	return revoked->pending.failed ? ERR_MEMORY : ERR_OK;
}

enum err
revoked_sync(struct revoked *revoked)
{
	struct slice bytes = buf_slice(&revoked->pending);

	if (bytes.len == 0)
		return ERR_OK;
	if (pwrite(revoked->fd, bytes.data, bytes.len, revoked->size) != (ssize_t)bytes.len ||
	    fdatasync(revoked->fd) != 0)
		return ERR_IO;
	revoked->size += (off_t)bytes.len;
	buf_clear(&revoked->pending);
	return ERR_OK;
}

const struct revoked_entry *
revoked_find(const struct revoked *revoked, struct slice serial)
{
	return map_get(revoked->entries, serial.data, serial.len);
}

/* Those that stay, and how many don't. */
struct sorting {
	struct map *keep;
	int64_t now;
	size_t ended;
	bool failed;
};

static void
sort(void *value, void *arg)
{
	struct revoked_entry *entry = value;
	struct sorting *sorting = arg;

	if (entry->not_after < sorting->now)
		sorting->ended++;
	else if (map_put(sorting->keep, entry->serial, entry->serial_len, entry) != ERR_OK)
		sorting->failed = true;
}

static void
ended_free(void *value, void *arg)
{
	struct revoked_entry *entry = value;
	const struct sorting *sorting = arg;

	if (entry->not_after < sorting->now)
		free(entry);
}

enum err
revoked_forget(struct revoked *revoked, int64_t now)
{
	struct sorting sorting = { .keep = map_new(), .now = now };
	struct map *all = revoked->entries;
	enum err err;

	if (sorting.keep == NULL)
		return ERR_MEMORY;
	map_each(all, sort, &sorting);
	if (sorting.failed || sorting.ended < FORGET_LEAST || sorting.ended < map_count(all) / 2) {
		map_free(sorting.keep);
		return sorting.failed ? ERR_MEMORY : ERR_OK;
	}
	revoked->entries = sorting.keep;
	if ((err = file_make(revoked)) != ERR_OK) {
		revoked->entries = all;
		map_free(sorting.keep);
		return err;
	}
	map_each(all, ended_free, &sorting);
	map_free(all);
	return ERR_OK;
}
