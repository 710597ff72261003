#include "ra/ocsp.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/wire.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "ra/ra.h"
#include "x509/ocsp.h"

#define SLOTS 32768	/* responses of 0.4 KiB with P-256, 1 KiB with RSA: at the most 32 MiB */
/* Signatures for those who want one of their own (a nonce, several certificates, a serial that is nobody's): 5 ms each
 * with RSA-4096, so that issuance keeps four fifths of ca at the worst. */
#define FRESH_RATE_MS 20
#define FRESH_BURST 100

struct slot {
	uint8_t		key[OCSP_KEY_SIZE];
	int64_t		this_update, next_update;
	struct buf	der;
};

struct ocsp_cache {
	pthread_mutex_t	lock;
	int64_t		full_ms;	/* the bucket's: when it will be full again; monotonic */
	struct slot	slots[SLOTS];
};

struct ocsp_cache *
ocsp_cache_new(void)
{
	struct ocsp_cache *cache = calloc(1, sizeof(*cache));

	if (cache != NULL)
		pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

void
ocsp_cache_free(struct ocsp_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		buf_free(&cache->slots[i].der);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* --- the cache -------------------------------------------------------------------------------------- */

/* The key is a hash. Two that meet take turns: it costs a signature. */
static struct slot *
slot_of(struct ocsp_cache *cache, const uint8_t key[OCSP_KEY_SIZE])
{
	return &cache->slots[((size_t)key[0] << 8 | key[1]) % SLOTS];
}

static bool
is_none(const uint8_t key[OCSP_KEY_SIZE])
{
	static const uint8_t none[OCSP_KEY_SIZE];

	return memcmp(key, none, sizeof(none)) == 0;
}

/* All that the response says, so that one who knows more finds no old one. */
static void
key_make(const struct ocsp_item *item, uint8_t out[OCSP_KEY_SIZE])
{
	struct buf text = { 0 };

	put_u8(&text, (uint8_t)item->id.hash);
	buf_put(&text, item->id.name, ocsp_hash_size(item->id.hash));
	buf_put(&text, item->id.key, ocsp_hash_size(item->id.hash));
	put_bytes(&text, slice_of(item->id.serial, item->id.serial_len));
	put_i64(&text, item->revoked);
	put_u8(&text, (uint8_t)(item->reason + 1));
	if (text.failed)
		memset(out, 0, OCSP_KEY_SIZE);
	else
		SHA256(text.data, text.len, out);
	buf_free(&text);
}

/* One in the first half of its time. */
static bool
cache_get(struct ocsp_cache *cache, const uint8_t key[OCSP_KEY_SIZE], int64_t now, struct msg_ocsp_answer *out,
    struct buf *der)
{
	struct slot *slot = slot_of(cache, key);
	bool found;

	pthread_mutex_lock(&cache->lock);
	found = memcmp(slot->key, key, OCSP_KEY_SIZE) == 0 && slot->der.len > 0 && slot->this_update <= now &&
	    now - slot->this_update < slot->next_update - now;
	if (found) {
		buf_put(der, slot->der.data, slot->der.len);
		out->this_update = slot->this_update;
		out->next_update = slot->next_update;
	}
	pthread_mutex_unlock(&cache->lock);
	return found && !der->failed;
}

static void
cache_put(struct ocsp_cache *cache, const struct msg_ocsp_signed *m)
{
	struct slot *slot = slot_of(cache, m->key);

	pthread_mutex_lock(&cache->lock);
	buf_clear(&slot->der);
	buf_put(&slot->der, m->der.data, m->der.len);
	if (slot->der.failed)
		buf_free(&slot->der);
	memcpy(slot->key, m->key, OCSP_KEY_SIZE);
	slot->this_update = m->this_update;
	slot->next_update = m->next_update;
	pthread_mutex_unlock(&cache->lock);
}

static bool
fresh_take(struct ocsp_cache *cache, int64_t now_ms)
{
	bool taken;

	pthread_mutex_lock(&cache->lock);
	if (cache->full_ms < now_ms)
		cache->full_ms = now_ms;
	taken = cache->full_ms - now_ms <= (FRESH_BURST - 1) * FRESH_RATE_MS;
	if (taken)
		cache->full_ms += FRESH_RATE_MS;
	pthread_mutex_unlock(&cache->lock);
	return taken;
}

/* --- requests --------------------------------------------------------------------------------------- */

/* A request with the certificates that it asks for, which items' slices point into. */
struct inquiry {
	struct msg_ocsp		asked;
	struct msg_ocsp_sign	sign;
	struct certificate	certificates[OCSP_IDS_MAX];
};

static void
answer(struct ra *ra, const struct msg_ocsp_answer *m)
{
	struct buf out = { 0 };

	put_ocsp_answer(&out, m);
	if (out.failed || channel_send(ra->wfe, MSG_OCSP_ANSWER, &out) != ERR_OK)
		log_event(LOG_WARNING, "an OCSP response was lost: wfe is gone");
	buf_free(&out);
}

static void
answer_error(struct ra *ra, uint64_t number, enum ocsp_status status)
{
	struct msg_ocsp_answer m = { .number = number, .status = status };
	struct buf	       der = { 0 };

	if (ocsp_error_put(status, &der) != ERR_OK)
		abort();
	m.der = buf_slice(&der);
	answer(ra, &m);
	buf_free(&der);
}

static enum err
revocation_find(struct storage_tx *tx, struct slice serial, struct ocsp_item *item)
{
	struct revocation row;
	enum err err = revocation_get(tx, serial, &row);

	if (err != ERR_OK)
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	item->revoked = row.revoked;
	/* As in a CRL: it is for good. */
	item->reason = revocation_reason_ends(row.reason) ? row.reason : REVOCATION_NONE;
	item->not_after = row.not_after;
	return ERR_OK;
}

/* What has ended is nobody's business any more, and what revoked it may be forgotten already. */
static enum err
item_find(struct storage_tx *tx, const struct ocsp_id *id, int64_t now, struct certificate *certificate,
    struct ocsp_item *item)
{
	struct slice serial = slice_of(id->serial, id->serial_len);
	enum err err = certificate_by_serial(tx, serial, certificate);

	*item = (struct ocsp_item){ .id = *id, .reason = REVOCATION_NONE };
	if (err != ERR_OK || certificate->not_after < now)
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	item->certificate = buf_slice(&certificate->der);
	return revocation_find(tx, serial, item);
}

static enum err
inquiry_look(struct ra *ra, struct inquiry *q, int64_t now)
{
	struct storage_tx *tx;
	enum err err = storage_read(ra->storage, &tx);

	if (err != ERR_OK)
		return err;
	q->sign.number = q->asked.number;
	q->sign.count = (uint32_t)q->asked.request.count;
	for (uint32_t i = 0; err == ERR_OK && i < q->sign.count; i++)
		err = item_find(tx, &q->asked.request.ids[i], now, &q->certificates[i], &q->sign.items[i]);
	storage_read_end(tx);
	return err;
}

static void
inquiry_send(struct ra *ra, const struct inquiry *q)
{
	struct buf out = { 0 };

	put_ocsp_sign(&out, &q->sign);
	if (out.failed || channel_send(ra->ca, MSG_OCSP_SIGN, &out) != ERR_OK)
		answer_error(ra, q->asked.number, OCSP_TRY_LATER);
	buf_free(&out);
}

/* One of our certificates, and nothing else. */
static bool
is_common(const struct inquiry *q)
{
	return q->sign.count == 1 && q->sign.items[0].certificate.len > 0;
}

/* Who wants a response of his own gets it while there is time for that; else one that is the same for all, which
 * RFC 9654 lets a client refuse. */
static void
inquiry_answer(struct ra *ra, struct inquiry *q, int64_t now)
{
	struct msg_ocsp_answer m = { .number = q->asked.number, .shared = true };
	struct buf	       der = { 0 };
	bool		       own = !is_common(q) || q->asked.request.nonce_len > 0;

	if (own && fresh_take(ra->ocsp, clock_monotonic_ms())) {
		memcpy(q->sign.nonce, q->asked.request.nonce, q->asked.request.nonce_len);
		q->sign.nonce_len = q->asked.request.nonce_len;
		inquiry_send(ra, q);
		return;
	}
	if (!is_common(q)) {
		answer_error(ra, q->asked.number, OCSP_TRY_LATER);
		return;
	}
	key_make(&q->sign.items[0], q->sign.key);
	if (!is_none(q->sign.key) && cache_get(ra->ocsp, q->sign.key, now, &m, &der)) {
		m.der = buf_slice(&der);
		answer(ra, &m);
	} else
		inquiry_send(ra, q);
	buf_free(&der);
}

void
ocsp_take(struct ra *ra, struct slice body)
{
	struct inquiry *q = calloc(1, sizeof(*q));
	int64_t		now = clock_now();
	enum err	err;

	if (q == NULL)
		abort();
	if (ra->ocsp == NULL || !get_ocsp(body, &q->asked))
		channel_malformed(ra->wfe, MSG_OCSP);
	if ((err = inquiry_look(ra, q, now)) == ERR_OK)
		inquiry_answer(ra, q, now);
	else {
		log_event(LOG_ERROR, "an OCSP request can't be answered", F_STR("error", err_text(err)));
		answer_error(ra, q->asked.number, OCSP_INTERNAL_ERROR);
	}
	for (size_t i = 0; i < OCSP_IDS_MAX; i++)
		certificate_free(&q->certificates[i]);
	free(q);
}

void
ocsp_take_signed(struct ra *ra, struct slice body)
{
	struct msg_ocsp_signed m;
	struct msg_ocsp_answer a;

	if (ra->ocsp == NULL || !get_ocsp_signed(body, &m))
		channel_malformed(ra->ca, MSG_OCSP_SIGNED);
	if (m.status != OCSP_SUCCESSFUL) {
		answer_error(ra, m.number, m.status);
		return;
	}
	a = (struct msg_ocsp_answer){ .number = m.number, .this_update = m.this_update, .next_update = m.next_update,
		.shared = !is_none(m.key), .der = m.der };
	if (a.shared)
		cache_put(ra->ocsp, &m);
	answer(ra, &a);
}
