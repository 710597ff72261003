#include "ca/crl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define ENTRIES_MAX 500000 /* 20 MiB in memory, half a second of signing: time for ca.crl_shards */
#define ISSUERS_MAX 16 /* of the option table */

struct crl_maker {
	bool open; /* a list is in hand */
	uint8_t issuer[FINGERPRINT_SIZE];
	uint32_t shard;
	struct crl_entry *entries;
	size_t count, room;
	uint64_t numbers[ISSUERS_MAX][CRL_SHARDS_MAX];
	struct buf der;
};

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
	free(maker->entries);
	buf_free(&maker->der);
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

static enum err
list_sign(struct ca *ca, size_t index, uint64_t number, int64_t now)
{
	struct crl_maker *maker = ca->crls;
	struct crl list = { .number = number,
		.this_update = now - ISSUER_BACKDATE,
		.next_update = now - ISSUER_BACKDATE + ca->config->ca.crl_lifetime,
		.entries = maker->entries,
		.count = maker->count };
	struct reason cause = { "" };
	enum err err;

	buf_clear(&maker->der);
	err = issuer_sign_crl(&ca->issuers[index], &list, maker->shard, now, &maker->der, &cause);
	if (err == ERR_OK && maker->der.len > CRL_DER_MAX)
		err = ERR_TOO_LARGE;
	if (err == ERR_OK)
		return ERR_OK;
	log_event(LOG_ERROR, "CRL not signed", F_STR("error", err_text(err)), F_STR("cause", cause.text),
	    F_INT("entries", maker->count));
	return ERR_DENIED;
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
crl_take(
    struct ca *ca, const struct msg_crl_entries *part, int64_t now_ms, struct slice *der, uint64_t *number)
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
	*number = number_next(&maker->numbers[index][maker->shard], part->number, now_ms);
	err = list_sign(ca, index, *number, now_ms / 1000);
	*der = buf_slice(&maker->der);
	return err;
}
