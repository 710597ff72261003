#include "ra/crl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "ra/ra.h"

#define ISSUERS_MAX 16 /* of the option table */
#define SHARDS_MAX 256
#define TICK_MS 50
#define GAP_MS 200 /* between two lists of one shard: revocations that come together share one */
#define RETRY_MS 10000

struct crl_schedule {
	atomic_bool dirty[ISSUERS_MAX][SHARDS_MAX];
	/* The thread's own: */
	int64_t not_before[ISSUERS_MAX][SHARDS_MAX]; /* monotonic ms */
	struct revocation rows[CRL_CHUNK];
	struct msg_crl_entries part;
};

struct crl_schedule *
crl_schedule_new(void)
{
	return calloc(1, sizeof(struct crl_schedule));
}

/* The certificate that ca signs by. */
static const uint8_t *
fingerprint_of(const struct ra *ra, size_t issuer)
{
	return ra->issuers.items[issuer].items[0].certs[0].fingerprint;
}

void
crl_schedule_mark(struct ra *ra, const uint8_t issuer[32], unsigned shard)
{
	for (size_t i = 0; i < ra->issuers.count && i < ISSUERS_MAX; i++)
		if (memcmp(fingerprint_of(ra, i), issuer, FINGERPRINT_SIZE) == 0 && shard < SHARDS_MAX)
			atomic_store(&ra->crls->dirty[i][shard], true);
}

static void
part_fill(struct msg_crl_entries *part, const struct revocation *rows, size_t count)
{
	for (part->count = 0; part->count < count; part->count++) {
		struct msg_crl_entry *entry = &part->entries[part->count];
		const struct revocation *row = &rows[part->count];

		memcpy(entry->serial, row->serial, sizeof(entry->serial));
		entry->serial_len = row->serial_len;
		entry->revoked = row->revoked;
		/* A list is for good, so it knows none of those that are not (ra.any_reason). */
		entry->reason = revocation_reason_ends(row->reason) ? row->reason : REVOCATION_NONE;
		entry->not_after = row->not_after;
	}
}

static enum err
part_send(struct ra *ra, const struct msg_crl_entries *part)
{
	struct buf out = { 0 };
	enum err err;

	put_crl_entries(&out, part);
	err = out.failed ? ERR_MEMORY : channel_send(ra->ca, MSG_CRL_ENTRIES, &out);
	buf_free(&out);
	return err;
}

/* Sends ca all that the shard lists, as of one moment. */
static enum err
shard_send(struct ra *ra, size_t issuer, unsigned shard, size_t *total)
{
	struct crl_schedule *crls = ra->crls;
	struct msg_crl_entries *part = &crls->part;
	const uint8_t *fingerprint = fingerprint_of(ra, issuer);
	struct slice after = { 0 };
	struct storage_tx *tx;
	size_t count = 0;
	enum err err;

	*total = 0;
	if ((err = storage_read(ra->storage, &tx)) != ERR_OK)
		return err;
	memcpy(part->issuer, fingerprint, sizeof(part->issuer));
	part->shard = shard;
	part->first = true;
	part->last = false;
	err = crl_number_get(tx, fingerprint, shard, &part->number);
	while (err == ERR_OK && !part->last) {
		err = revocations_of_shard(tx, fingerprint, shard, after, crls->rows, CRL_CHUNK, &count);
		if (err != ERR_OK)
			break;
		if (count > 0)
			after = slice_of(crls->rows[count - 1].serial, crls->rows[count - 1].serial_len);
		part->last = count < CRL_CHUNK;
		part_fill(part, crls->rows, count);
		err = part_send(ra, part);
		part->first = false;
		*total += count;
	}
	storage_read_end(tx);
	return err;
}

static void
shard_make(struct ra *ra, size_t issuer, unsigned shard)
{
	struct crl_schedule *crls = ra->crls;
	size_t total;
	enum err err;

	/* Before the rows are read: what is revoked meanwhile marks it again. */
	atomic_store(&crls->dirty[issuer][shard], false);
	err = shard_send(ra, issuer, shard, &total);
	if (err == ERR_OK) {
		/* A long list costs ca a microsecond an entry and more, which it shall not spend all the time. */
		crls->not_before[issuer][shard] = clock_monotonic_ms() + GAP_MS + (int64_t)(total / 200);
		return;
	}
	log_event(LOG_ERROR, "a CRL could not be made: it is tried again", F_STR("error", err_text(err)),
	    F_INT("shard", shard));
	atomic_store(&crls->dirty[issuer][shard], true);
	crls->not_before[issuer][shard] = clock_monotonic_ms() + RETRY_MS;
}

/* As many as are configured, and those that certificates of before may name. */
static unsigned
shard_count(struct ra *ra, size_t issuer)
{
	unsigned configured = (unsigned)ra->config->ca.crl_shards, known = 0;
	struct storage_tx *tx;

	if (storage_read(ra->storage, &tx) == ERR_OK) {
		if (crl_shards_known(tx, fingerprint_of(ra, issuer), &known) != ERR_OK)
			known = 0;
		storage_read_end(tx);
	}
	return known > configured ? known : configured;
}

void
crl_schedule_mark_all(struct ra *ra)
{
	for (size_t i = 0; i < ra->issuers.count && i < ISSUERS_MAX; i++) {
		unsigned count = shard_count(ra, i);

		for (unsigned s = 0; s < count && s < SHARDS_MAX; s++)
			atomic_store(&ra->crls->dirty[i][s], true);
	}
}

void
crl_schedule_run(struct ra *ra, const atomic_bool *stopping)
{
	const int64_t period = ra->config->ca.crl_lifetime / 4;
	int64_t made = 0, date, now;

	/* Nobody could fetch one. */
	if (ra->config->wfe.plain_url[0] == '\0')
		return;
	while (!atomic_load(stopping)) {
		/* By the clock that the lists' own dates are of: a machine that slept wakes with old ones. */
		if ((date = clock_now()) >= made + period || date < made) {
			crl_schedule_mark_all(ra);
			made = date;
		}
		now = clock_monotonic_ms();
		for (size_t i = 0; i < ra->issuers.count && i < ISSUERS_MAX; i++)
			for (unsigned s = 0; s < SHARDS_MAX && !atomic_load(stopping); s++)
				if (atomic_load(&ra->crls->dirty[i][s]) && now >= ra->crls->not_before[i][s])
					shard_make(ra, i, s);
		usleep(TICK_MS * 1000);
	}
}
