#include "ra/issuers.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "x509/certificate.h"
#include "x509/chain.h"

#define PEM_MAX 65536

static enum err
fill(X509 *cert, struct issuer *out)
{
	enum err err;

	if ((err = certificate_der(cert, &out->der)) != ERR_OK ||
	    (err = certificate_pem(buf_slice(&out->der), &out->pem)) != ERR_OK)
		return err;
	SHA256(out->der.data, out->der.len, out->fingerprint);
	return ERR_OK;
}

/* issuer: see chain_read(). *stack is the caller's. */
static enum err
open_chain(const char *dir, const char *name, X509 *issuer, struct chain *out, STACK_OF(X509) * *stack,
    struct reason *reason)
{
	char *path = file_join(dir, name);
	struct buf pem = { 0 };
	struct reason cause = { "can't be read" };
	enum err err = ERR_MEMORY;

	*stack = NULL;
	if (path != NULL && (err = file_read(path, PEM_MAX, &pem)) == ERR_OK)
		err = chain_read(buf_slice(&pem), issuer, stack, &cause);
	if (err == ERR_OK && (out->certs = calloc((size_t)sk_X509_num(*stack), sizeof(*out->certs))) == NULL)
		err = ERR_MEMORY;
	for (int i = 0; err == ERR_OK && i < sk_X509_num(*stack); i++)
		err = fill(sk_X509_value(*stack, i), &out->certs[out->count++]);
	if (err != ERR_OK)
		reason_set(reason, "%s: %s", name, err == ERR_MEMORY ? "out of memory" : cause.text);
	buf_free(&pem);
	free(path);
	return err;
}

static enum err
open_chains(const char *dir, const struct issuer_config *config, struct chains *out, struct reason *reason)
{
	STACK_OF(X509) *own = NULL, *other = NULL;
	struct reason cause = { "out of memory" };
	enum err err;

	if ((out->items = calloc(1 + config->chains.count, sizeof(*out->items))) == NULL) {
		reason_set(reason, "out of memory");
		return ERR_MEMORY;
	}
	err = open_chain(dir, config->certificate, NULL, &out->items[out->count++], &own, reason);
	if (err == ERR_OK && (err = constraints_read(own, &out->constraints, &cause)) != ERR_OK)
		reason_set(reason, "%s: %s", config->certificate, cause.text);
	for (size_t i = 0; err == ERR_OK && i < config->chains.count; i++) {
		err = open_chain(dir, config->chains.items[i], sk_X509_value(own, 0),
		    &out->items[out->count++], &other, reason);
		sk_X509_pop_free(other, X509_free);
	}
	sk_X509_pop_free(own, X509_free);
	return err;
}

enum err
issuers_open(const struct config *config, struct issuers *out, struct reason *reason)
{
	enum err err = ERR_OK;

	if ((out->items = calloc(config->ca.issuer_count, sizeof(*out->items))) == NULL) {
		reason_set(reason, "out of memory");
		return ERR_MEMORY;
	}
	while (err == ERR_OK && out->count < config->ca.issuer_count) {
		err = open_chains(
		    config->dir, &config->ca.issuers[out->count], &out->items[out->count], reason);
		out->count++;
	}
	return err;
}

/* Calls visit for each certificate with the one above it (NULL: the last of its chain), until it says stop. */
static void
each(const struct issuers *issuers, bool (*visit)(const struct issuer *, const struct issuer *above, void *),
    void *arg)
{
	for (size_t i = 0; i < issuers->count; i++)
		for (size_t c = 0; c < issuers->items[i].count; c++) {
			const struct chain *chain = &issuers->items[i].items[c];

			for (size_t n = 0; n < chain->count; n++)
				if (!visit(&chain->certs[n],
					n + 1 < chain->count ? &chain->certs[n + 1] : NULL, arg))
					return;
		}
}

struct storing {
	struct storage_tx *tx;
	enum err err;
};

static bool
store_one(const struct issuer *issuer, const struct issuer *above, void *arg)
{
	struct storing *storing = arg;

	(void)above;
	storing->err = issuer_put(storing->tx, issuer->fingerprint, buf_slice(&issuer->der));
	return storing->err == ERR_OK;
}

static enum err
write_all(struct storage_tx *tx, void *arg)
{
	struct storing storing = { tx, ERR_OK };

	each(arg, store_one, &storing);
	return storing.err;
}

enum err
issuers_store(const struct issuers *issuers, struct storage *storage)
{
	struct issuers all = *issuers;

	return storage_write(storage, write_all, &all);
}

const struct chains *
issuers_find(const struct issuers *issuers, const uint8_t fingerprint[FINGERPRINT_SIZE])
{
	for (size_t i = 0; i < issuers->count; i++)
		if (memcmp(issuers->items[i].items[0].certs[0].fingerprint, fingerprint, FINGERPRINT_SIZE) ==
		    0)
			return &issuers->items[i];
	return NULL;
}

struct finding {
	const uint8_t *fingerprint;
	const struct issuer *above;
};

static bool
find_above(const struct issuer *issuer, const struct issuer *above, void *arg)
{
	struct finding *finding = arg;

	if (above != NULL && memcmp(issuer->fingerprint, finding->fingerprint, FINGERPRINT_SIZE) == 0)
		finding->above = above;
	return finding->above == NULL;
}

const struct issuer *
issuers_above(const struct issuers *issuers, const uint8_t fingerprint[FINGERPRINT_SIZE])
{
	struct finding finding = { fingerprint, NULL };

	each(issuers, find_above, &finding);
	return finding.above;
}

void
fingerprint_text(const uint8_t fingerprint[FINGERPRINT_SIZE], char out[FINGERPRINT_TEXT_SIZE])
{
	for (size_t i = 0; i < FINGERPRINT_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", fingerprint[i]);
}

bool
fingerprint_parse(const char *text, uint8_t out[FINGERPRINT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != FINGERPRINT_TEXT_SIZE - 1 || strspn(text, digits) != FINGERPRINT_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < FINGERPRINT_SIZE; i++)
		out[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
				   (strchr(digits, text[2 * i + 1]) - digits));
	return true;
}
