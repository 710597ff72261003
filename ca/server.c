#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "ca/choose.h"
#include "ca/server.h"
#include "lib/address.h"
#include "lib/log.h"
#include "x509/csr.h"

#define LIFETIME_MAX (30 * 86400) /* renewed by itself, so it needn't be long */
#define BUCKET_RATE_MS 1000 /* one a second: wfe asks at start and a few times a month */
#define BUCKET_SIZE 30 /* a wfe that keeps dying and coming back is not locked out */

/* The configuration's names and addresses; *names is owned by the caller. */
static enum err
names_read(
    const struct strings *hosts, struct leaf *leaf, struct identifier **names, struct reason *reason)
{
	struct address address;

	*names = calloc(hosts->count + 1, sizeof(**names));
	if (*names == NULL)
		return ERR_MEMORY;
	for (; leaf->name_count < hosts->count; leaf->name_count++) {
		struct identifier *name = &(*names)[leaf->name_count];
		const char *host = hosts->items[leaf->name_count];

		if (address_parse(host, &address)) {
			name->type = IDENTIFIER_IP;
			address_text(&address, name->value);
		} else if (identifier_check(IDENTIFIER_DNS, host, name, reason) != ERR_OK)
			return ERR_DENIED;
	}
	leaf->names = *names;
	return ERR_OK;
}

/* Like any certificate of the default profile, but for the names. NULL with the reason. */
static const struct issuer *
sign(struct ca *ca, EVP_PKEY *key, int64_t now, struct leaf *leaf, struct reason *reason)
{
	struct lint_context context = { .now = now, .backdate_max = ISSUER_BACKDATE_MAX, .key = key };
	struct wanted wanted = { .profile = &ca->config->ca.profiles[0], .key_type = key_type_of(key) };
	const struct issuer *issuer;
	struct problem problem = { 0 };
	uint8_t serial[SERIAL_SIZE];
	enum err err;

	context.lifetime_max = wanted.profile->lifetime;
	if (context.lifetime_max > LIFETIME_MAX)
		context.lifetime_max = LIFETIME_MAX;
	leaf->key = key;
	wanted.names = leaf->names;
	wanted.name_count = leaf->name_count;
	leaf->not_before = now - ISSUER_BACKDATE;
	wanted.not_after = leaf->not_after = leaf->not_before + context.lifetime_max - 1;
	if ((issuer = issuer_choose(ca, &wanted, now, &problem)) == NULL) {
		*reason = problem.detail;
		problem_free(&problem);
		return NULL;
	}
	context.issuer = issuer->cert;
	if (leaf->not_after > issuer->not_after)
		leaf->not_after = issuer->not_after;
	buf_clear(&ca->der);
	buf_clear(&ca->serial);
	err = issuer_sign(issuer, leaf, &context, serial, &ca->der, reason, NULL);
	buf_put(&ca->serial, serial_octets(serial).data, serial_octets(serial).len);
	return err == ERR_OK && !ca->serial.failed ? issuer : NULL;
}

static enum err
record_append(struct ca *ca, const struct issuer *issuer, const struct leaf *leaf, int64_t now_ms)
{
	struct ledger_record record = { .kind = LEDGER_SERVER,
		.time_ms = now_ms,
		.serial = buf_slice(&ca->serial),
		.not_before = leaf->not_before,
		.not_after = leaf->not_after,
		.der = buf_slice(&ca->der) };

	memcpy(record.issuer, issuer->fingerprint, sizeof(record.issuer));
	return ledger_append(ca->ledger, &record);
}

/* A root at the chain's end is no use to anybody: who doesn't have it doesn't trust it. */
static enum err
chain_pem(const struct issuer *issuer, struct buf *pem)
{
	enum err err = certificate_pem(buf_slice(&issuer->der), pem);

	for (int i = 1; err == ERR_OK && i < sk_X509_num(issuer->chain); i++) {
		X509 *above = sk_X509_value(issuer->chain, i);
		struct buf der = { 0 };

		if (X509_NAME_cmp(X509_get_subject_name(above), X509_get_issuer_name(above)) != 0 &&
		    (err = certificate_der(above, &der)) == ERR_OK)
			err = certificate_pem(buf_slice(&der), pem);
		buf_free(&der);
	}
	return err;
}

static bool
token_take(struct ca *ca, int64_t now_ms)
{
	int64_t full = ca->tokens_ms > now_ms ? ca->tokens_ms : now_ms;

	/* A clock that was set back must not close the door for longer than the bucket is deep. */
	if (full - now_ms > BUCKET_SIZE * BUCKET_RATE_MS)
		full = now_ms + BUCKET_SIZE * BUCKET_RATE_MS;
	if (full - now_ms > (BUCKET_SIZE - 1) * BUCKET_RATE_MS)
		return false;
	ca->tokens_ms = full + BUCKET_RATE_MS;
	return true;
}

/* Takes the tag off. */
static bool
is_from_wfe(const struct ca *ca, struct slice *request)
{
	uint8_t tag[SERVER_TAG_SIZE];
	unsigned size = sizeof(tag);

	if (request->len <= sizeof(tag))
		return false;
	request->len -= sizeof(tag);
	if (HMAC(EVP_sha256(), ca->server_key, sizeof(ca->server_key), request->data, request->len, tag,
		&size) == NULL)
		abort();
	return CRYPTO_memcmp(tag, request->data + request->len, sizeof(tag)) == 0;
}

enum err
server_certificate(struct ca *ca, struct slice request, int64_t now_ms, struct buf *pem)
{
	struct reason cause = { "" };
	struct leaf leaf = { 0 };
	struct identifier *names = NULL;
	EVP_PKEY *key = NULL;
	const struct issuer *issuer = NULL;
	enum err err;

	if (!is_from_wfe(ca, &request)) {
		log_event(LOG_ERROR, "server certificate refused", F_STR("cause", "it was not wfe that asked"));
		return ERR_DENIED;
	}
	if (!token_take(ca, now_ms)) {
		log_event(LOG_ERROR, "server certificate refused", F_STR("cause", "asked for too often"));
		return ERR_BUSY;
	}
	if (csr_parse_key(request, &key, &cause) == ERR_OK &&
	    names_read(&ca->config->wfe.names, &leaf, &names, &cause) == ERR_OK)
		issuer = sign(ca, key, now_ms / 1000, &leaf, &cause);
	if (issuer == NULL) {
		log_event(LOG_ERROR, "server certificate refused", F_STR("cause", cause.text));
		err = ERR_DENIED;
	} else if ((err = record_append(ca, issuer, &leaf, now_ms)) == ERR_OK &&
		   (err = certificate_pem(buf_slice(&ca->der), pem)) == ERR_OK)
		err = chain_pem(issuer, pem);
	EVP_PKEY_free(key);
	free(names);
	return err;
}
