#include "ca/ocsp.h"

#include <openssl/err.h>
#include <string.h>

#include "lib/log.h"
#include "x509/ocsp.h"

static void
heard(struct ca *ca, const struct revoked_entry *entry)
{
	enum err err = revoked_add(ca->revoked, entry);

	if (err != ERR_OK)
		log_event(LOG_ERROR, "a revocation was not taken down", F_STR("error", err_text(err)));
}

static void
heard_all(struct ca *ca)
{
	enum err err = ca->revoked != NULL ? revoked_sync(ca->revoked) : ERR_OK;

	if (err != ERR_OK)
		log_event(LOG_ERROR, "revocations can't be written down yet: it is tried again",
		    F_STR("error", err_text(err)), F_STR("remedy", "is the disk full or read-only?"));
}

void
ocsp_heard(struct ca *ca, const struct msg_crl_entries *part)
{
	if (ca->revoked == NULL)
		return;
	for (uint32_t i = 0; i < part->count; i++) {
		const struct msg_crl_entry *said = &part->entries[i];
		struct revoked_entry entry = { .serial_len = said->serial_len,
			.revoked = said->revoked,
			.reason = said->reason,
			.not_after = said->not_after };

		memcpy(entry.serial, said->serial, said->serial_len);
		heard(ca, &entry);
	}
	heard_all(ca);
}

/* The proof that it was issued: the issuer's signature on it. And when it ends. */
static bool
is_issued(const struct issuer *issuer, const struct ocsp_item *item, int64_t *not_after)
{
	X509 *cert = NULL;
	int64_t not_before;
	uint8_t serial[20];
	size_t len;
	bool ok = item->certificate.len > 0 && certificate_parse(item->certificate, &cert, NULL) == ERR_OK &&
		  certificate_serial(cert, serial, &len) == ERR_OK && len == item->id.serial_len &&
		  memcmp(serial, item->id.serial, len) == 0 && certificate_validity(cert, &not_before, not_after) &&
		  X509_verify(cert, X509_get0_pubkey(issuer->cert)) == 1;

	ERR_clear_error();
	X509_free(cert);
	return ok;
}

/* What ra knows goes before what ca remembers: a reason may have become worse since. */
static void
revocation_find(struct ca *ca, const struct ocsp_item *item, int64_t not_after, struct ocsp_single *single)
{
	struct slice serial = slice_of(item->id.serial, item->id.serial_len);
	const struct revoked_entry *known = ca->revoked != NULL ? revoked_find(ca->revoked, serial) : NULL;
	struct revoked_entry entry = { .serial_len = serial.len,
		.revoked = item->revoked,
		.reason = item->reason,
		.not_after = not_after };

	if (item->revoked == 0 && known == NULL)
		return;
	single->status = OCSP_REVOKED;
	single->revoked = item->revoked != 0 ? item->revoked : known->revoked;
	single->reason = item->revoked != 0 ? item->reason : known->reason;
	if (item->revoked != 0 && ca->revoked != NULL) {
		memcpy(entry.serial, serial.data, serial.len);
		heard(ca, &entry);
	}
}

static void
single_make(struct ca *ca, const struct issuer *issuer, const struct ocsp_item *item, int64_t now,
    struct ocsp_single *out)
{
	int64_t not_after = 0;

	*out = (struct ocsp_single){ .id = item->id, .status = OCSP_UNKNOWN };
	if (!ocsp_id_of(&item->id, issuer->cert) || !is_issued(issuer, item, &not_after) || not_after < now)
		return;
	out->status = OCSP_GOOD;
	revocation_find(ca, item, not_after, out);
}

/* Who answers: the issuer of the first certificate that is one of ours. Several certificates of one issuer have one
 * name and key, and so one answer. */
static const struct issuer *
responder_find(const struct ca *ca, const struct msg_ocsp_sign *asked)
{
	for (uint32_t i = 0; i < asked->count; i++)
		for (size_t j = 0; j < ca->config->ca.issuer_count; j++)
			if (ocsp_id_of(&asked->items[i].id, ca->issuers[j].cert))
				return &ca->issuers[j];
	return NULL;
}

/* Clocks that are late shall take it; but nothing is said of the time before a revocation. */
static int64_t
this_update(const struct ocsp_single *singles, size_t count, int64_t now)
{
	int64_t at = now - ISSUER_BACKDATE;

	for (size_t i = 0; i < count; i++)
		if (singles[i].status == OCSP_REVOKED && singles[i].revoked > at)
			at = singles[i].revoked < now ? singles[i].revoked : now;
	return at;
}

enum err
ocsp_answer(struct ca *ca, const struct msg_ocsp_sign *asked, int64_t now, struct buf *der,
    struct msg_ocsp_signed *out)
{
	const struct issuer *issuer = responder_find(ca, asked);
	struct ocsp_single singles[OCSP_IDS_MAX];
	struct ocsp_response response = { .produced = now,
		.singles = singles,
		.count = asked->count,
		.nonce = slice_of(asked->nonce, asked->nonce_len) };
	enum err err;

	*out = (struct msg_ocsp_signed){ .number = asked->number, .status = OCSP_UNAUTHORIZED };
	memcpy(out->key, asked->key, sizeof(out->key));
	if (issuer == NULL)
		return ERR_OK;
	for (uint32_t i = 0; i < asked->count; i++)
		single_make(ca, issuer, &asked->items[i], now, &singles[i]);
	heard_all(ca);
	response.issuer = issuer->cert;
	response.this_update = this_update(singles, asked->count, now);
	response.next_update = response.this_update + ca->config->ca.ocsp_lifetime;
	if ((err = ocsp_response_sign(&response, issuer->key, der)) != ERR_OK)
		return err;
	out->status = OCSP_SUCCESSFUL;
	out->this_update = response.this_update;
	out->next_update = response.next_update;
	out->der = buf_slice(der);
	return ERR_OK;
}
