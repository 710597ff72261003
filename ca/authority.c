#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ca/authority.h"
#include "ca/crl.h"
#include "ca/star.h"
#include "ca/votes.h"
#include "config/blocked_keys.h"
#include "lib/file.h"

#define DAY 86400

struct site
ca_site(const struct ca *ca)
{
	const struct config *config = ca->config;

	return (struct site){ surface_of(config->surface), config->wfe.url_from_host ? NULL : config->wfe.url };
}

int64_t
ca_order_window(const struct ca *ca)
{
	/* A day more, for orders that were still in processing when everything stopped. */
	return ca->config->ra.order_lifetime + DAY;
}

int64_t
ca_ledger_window(const struct ca *ca)
{
	const struct ca_config *config = &ca->config->ca;
	int64_t longest = 0;

	/* A certificate that an order gets by itself is named by its own time (ca/star.h), and signed while it is valid. */
	for (size_t i = 0; config->auto_renewal.max_duration != 0 && i < config->profile_count; i++)
		longest = config->profiles[i].lifetime > longest ? config->profiles[i].lifetime : longest;
	return ca_order_window(ca) + longest;
}

static enum err
issuers_open(struct ca *ca, struct reason *reason)
{
	const struct ca_config *config = &ca->config->ca;
	enum err err;
	size_t i;

	if (config->issuer_count == 0 || config->profile_count == 0) {
		reason_set(reason, "ca.issuers and ca.profiles need at least one entry each");
		return ERR_CONFIG;
	}
	if ((ca->issuers = calloc(config->issuer_count, sizeof(ca->issuers[0]))) == NULL)
		return ERR_MEMORY;
	for (i = 0; i < config->issuer_count; i++)
		if ((err = issuer_open(ca->config->dir, &config->issuers[i], &ca->issuers[i], reason)) !=
		    ERR_OK)
			return err;
	for (i = 0, err = ERR_OK; err == ERR_OK && i < config->issuer_count; i++) {
		ca->issuers[i].short_serials = ca_site(ca).surface->short_ids;
		err = issuer_publish(&ca->issuers[i], ca->config->wfe.plain_url, (unsigned)config->crl_shards);
		ca->issuers[i].ocsp_url = config->ocsp_url[0] != '\0' ? config->ocsp_url : NULL;
	}
	return err;
}

static enum err
evidence_key_read(struct ca *ca, struct reason *reason)
{
	char *path = file_join(ca->config->dir, ca->config->evidence_key);
	struct buf key = { 0 };
	enum err err = ERR_OK;

	if (path == NULL)
		return ERR_MEMORY;
	if (file_read(path, EVIDENCE_KEY_SIZE, &key) != ERR_OK || key.len != EVIDENCE_KEY_SIZE) {
		reason_set(reason, "%s: the evidence key can't be read; it is a file of %d random bytes",
		    path, EVIDENCE_KEY_SIZE);
		err = ERR_CONFIG;
	} else
		memcpy(ca->evidence_key, key.data, EVIDENCE_KEY_SIZE);
	buf_cleanse(&key);
	free(path);
	return err;
}

enum err
ca_open(const struct config *config, int64_t now, struct ca **out, struct reason *reason)
{
	struct ca *ca = calloc(1, sizeof(*ca));
	struct reason cause = { "" };
	enum err err;

	*out = NULL;
	if (ca == NULL)
		return ERR_MEMORY;
	ca->config = config;
	if ((err = issuers_open(ca, reason)) != ERR_OK || (err = evidence_key_read(ca, reason)) != ERR_OK ||
	    (err = votes_open(ca, reason)) != ERR_OK || (err = config_blocked_keys(config, &ca->blocked, reason)) != ERR_OK)
		goto out;
	if ((ca->crls = crl_maker_new()) == NULL) {
		err = ERR_MEMORY;
		goto out;
	}
	if ((ca->folder = file_join(config->dir, config->ledger)) == NULL) {
		err = ERR_MEMORY;
		goto out;
	}
	/* One more day than is served, so that no order falls between the two. */
	err = ledger_open(ca->folder, (now - ca_ledger_window(ca) - DAY) * 1000, &ca->ledger, &cause);
	if (err == ERR_OK && config_serves_ocsp(config) && config->ca.revocations_kept)
		err = revoked_open(ca->folder, "revoked", now, &ca->revoked, &cause);
	if (err == ERR_OK)
		err = ca_star_open(ca, now, &cause);
	if (err != ERR_OK)
		reason_set(reason, "ledger %s: %s", ca->folder, cause.text);
out:
	if (err == ERR_OK)
		*out = ca;
	else
		ca_close(ca);
	return err;
}

void
ca_close(struct ca *ca)
{
	size_t i;

	if (ca == NULL)
		return;
	crl_maker_free(ca->crls); /* first: it uses the issuers */
	for (i = 0; ca->issuers != NULL && i < ca->config->ca.issuer_count; i++)
		issuer_close(&ca->issuers[i]);
	free(ca->issuers);
	for (i = 0; i < CA_ACCOUNTS; i++)
		jwk_free(ca->accounts[i]);
	votes_close(ca);
	ledger_close(ca->ledger);
	blocklist_free(ca->blocked);
	revoked_close(ca->revoked);
	revoked_close(ca->canceled);
	free(ca->folder);
	buf_free(&ca->der);
	buf_free(&ca->serial);
	OPENSSL_cleanse(ca->evidence_key, sizeof(ca->evidence_key));
	OPENSSL_cleanse(ca->server_key, sizeof(ca->server_key));
	free(ca);
}
