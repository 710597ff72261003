#include "ca/crl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/memory.h"

#define ENTRIES_MAX 500000 /* 20 MiB in memory, a second of work: time for ca.crl_shards */
#define ISSUERS_MAX 16 /* of the option table */

/* One list, from its last part on; the thread's alone. */
struct work {
	const struct issuer *issuer;
	struct channel *ra;
	struct crl list;
	struct crl_entry *entries; /* owned; the list's */
	struct msg_crl head; /* what each part sent says */
	int64_t now;
};

struct crl_maker {
	bool running; /* the thread, which may be over */
	pthread_t thread;
	bool open; /* a list is in hand */
	uint8_t issuer[FINGERPRINT_SIZE];
	uint32_t shard;
	struct crl_entry *entries;
	size_t count, room;
	uint64_t numbers[ISSUERS_MAX][CRL_SHARDS_MAX];
};

void
crl_maker_wait(struct crl_maker *maker)
{
	if (maker->running)
		pthread_join(maker->thread, NULL);
	maker->running = false;
}

struct crl_maker *
crl_maker_new(void)
{
	return calloc(1, sizeof(struct crl_maker));
}

void
crl_maker_free(struct crl_maker *maker)
{
	if (maker == NULL)
		return;
	crl_maker_wait(maker);
	free(maker->entries);
	free(maker);
}

static enum err
entries_add(struct crl_maker *maker, const struct msg_crl_entries *part, int64_t now)
{
	size_t need = maker->count + part->count, room = maker->room;
	struct crl_entry *more;

	if (need > ENTRIES_MAX)
		return ERR_TOO_LARGE;
	if (need > room) {
		while (room < need)
			room = room == 0 ? CRL_CHUNK : 2 * room;
		if ((more = realloc(maker->entries, room * sizeof(*more))) == NULL)
			return ERR_MEMORY;
		maker->entries = more;
		maker->room = room;
	}
	for (uint32_t i = 0; i < part->count; i++) {
		struct crl_entry *entry = &maker->entries[maker->count++];

		memcpy(entry->serial, part->entries[i].serial, sizeof(entry->serial));
		entry->serial_len = part->entries[i].serial_len;
		/* A clock that was set back must not stop the lists. */
		entry->revoked = part->entries[i].revoked < now ? part->entries[i].revoked : now;
		entry->reason = part->entries[i].reason;
	}
	return ERR_OK;
}

/* It rises from start to start, without anything kept: the time in milliseconds, unless the clock went back. */
static uint64_t
number_next(uint64_t *last, uint64_t known, int64_t now_ms)
{
	uint64_t number = (uint64_t)now_ms;

	if (number <= known)
		number = known + 1;
	if (number <= *last)
		number = *last + 1;
	*last = number;
	return number;
}

/* A CRL says nothing that the ledger doesn't know, so it leaves at once. When ra is gone, the main thread sees it. */
static void
list_send(struct work *work, struct slice der)
{
	struct msg_crl *part = &work->head;
	struct buf out = { 0 };
	bool ok = true;

	part->total = (uint32_t)der.len;
	for (size_t at = 0; ok && at < der.len; at += part->part.len) {
		part->offset = (uint32_t)at;
		part->part = slice_of(der.data + at, der.len - at < CRL_PART_MAX ? der.len - at : CRL_PART_MAX);
		buf_clear(&out);
		put_crl(&out, part);
		ok = channel_send(work->ra, MSG_CRL, &out) == ERR_OK;
	}
	buf_free(&out);
}

static void *
list_make(void *arg)
{
	struct work *work = arg;
	struct buf der = { 0 };
	struct reason cause = { "" };
	enum err err = memory_checked(
	    issuer_sign_crl(work->issuer, &work->list, work->head.shard, work->now, &der, &cause));

	if (err == ERR_OK && der.len > CRL_DER_MAX)
		err = ERR_TOO_LARGE;
	if (err == ERR_OK)
		list_send(work, buf_slice(&der));
	else
		log_event(LOG_ERROR, "CRL not signed", F_STR("error", err_text(err)), F_STR("cause", cause.text),
		    F_INT("entries", work->list.count));
	buf_free(&der);
	free(work->entries);
	free(work);
	return NULL;
}

/* Hands what was gathered to a thread. One at a time: lists leave in the order of their numbers. */
static enum err
list_start(struct ca *ca, size_t index, uint64_t number, int64_t now, struct channel *ra)
{
	struct crl_maker *maker = ca->crls;
	struct work *work = calloc(1, sizeof(*work));

	crl_maker_wait(maker);
	if (work == NULL)
		return ERR_MEMORY;
	work->issuer = &ca->issuers[index];
	work->ra = ra;
	work->now = now;
	work->head = (struct msg_crl){ .shard = maker->shard, .number = number };
	memcpy(work->head.issuer, maker->issuer, sizeof(work->head.issuer));
	work->entries = maker->entries;
	work->list = (struct crl){ .number = number,
		.this_update = now - ISSUER_BACKDATE,
		.next_update = now - ISSUER_BACKDATE + ca->config->ca.crl_lifetime,
		.entries = maker->entries,
		.count = maker->count };
	maker->entries = NULL;
	maker->count = maker->room = 0;
	if (pthread_create(&maker->thread, NULL, list_make, work) == 0) {
		maker->running = true;
		return ERR_OK;
	}
	free(work->entries);
	free(work);
	return ERR_MEMORY;
}

/* The configured issuer with this fingerprint, or their count. */
static size_t
issuer_find(const struct ca *ca, const uint8_t fingerprint[FINGERPRINT_SIZE])
{
	size_t i = 0;

	while (i < ca->config->ca.issuer_count &&
	       memcmp(ca->issuers[i].fingerprint, fingerprint, FINGERPRINT_SIZE) != 0)
		i++;
	return i;
}

enum err
crl_take(struct ca *ca, const struct msg_crl_entries *part, int64_t now_ms, struct channel *ra)
{
	struct crl_maker *maker = ca->crls;
	size_t index = issuer_find(ca, part->issuer);
	enum err err;

	if (index == ca->config->ca.issuer_count || index >= ISSUERS_MAX ||
	    ca->issuers[index].crl_base == NULL)
		return ERR_MALFORMED;
	if (part->first) {
		maker->open = true;
		maker->count = 0;
		maker->shard = part->shard;
		memcpy(maker->issuer, part->issuer, sizeof(maker->issuer));
	} else if (!maker->open || maker->shard != part->shard ||
		   memcmp(maker->issuer, part->issuer, sizeof(maker->issuer)) != 0)
		return ERR_MALFORMED;
	if ((err = entries_add(maker, part, now_ms / 1000)) == ERR_TOO_LARGE && part->last)
		log_event(LOG_ERROR, "CRL not signed: too many revoked certificates for one",
		    F_STR("remedy", "set ca.crl_shards"));
	if (!part->last)
		return err == ERR_MEMORY ? err : ERR_BUSY;
	maker->open = false;
	if (err != ERR_OK)
		return err == ERR_MEMORY ? err : ERR_DENIED;
	return list_start(ca, index, number_next(&maker->numbers[index][maker->shard], part->number, now_ms),
	    now_ms / 1000, ra);
}
