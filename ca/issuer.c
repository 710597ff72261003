#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "ca/issuer.h"
#include "lib/file.h"
#include "x509/chain.h"
#include "x509/key.h"

#define PEM_MAX 65536 /* an RSA-4096 key is 3.3 KiB, a chain of four 10 KiB */

static enum err
config_error(struct reason *reason, const char *file, const char *text)
{
	ERR_clear_error();
	reason_set(reason, "%s: %s", file, text);
	return ERR_CONFIG;
}

static enum err
chain_load(const char *dir, const char *name, struct issuer *out, struct reason *reason)
{
	char *path = file_join(dir, name);
	struct buf pem = { 0 };
	struct reason cause = { "" };
	enum err err;

	if (path == NULL)
		return ERR_MEMORY;
	if (file_read(path, PEM_MAX, &pem) != ERR_OK)
		err = config_error(reason, path, "the issuer's certificate can't be read");
	else if ((err = chain_read(buf_slice(&pem), NULL, &out->chain, &cause)) == ERR_OK)
		err = constraints_read(out->chain, &out->constraints, &cause);
	if (err == ERR_MALFORMED)
		err = config_error(reason, path, cause.text);
	else if (err == ERR_OK) {
		out->cert = sk_X509_value(out->chain, 0);
		X509_up_ref(out->cert);
	}
	buf_free(&pem);
	free(path);
	return err;
}

static enum err
key_load(const char *dir, const char *name, EVP_PKEY **out, struct reason *reason)
{
	char *path = file_join(dir, name);
	struct buf pem = { 0 };
	BIO *bio = NULL;
	enum err err = ERR_OK;

	if (path == NULL)
		return ERR_MEMORY;
	if (file_read(path, PEM_MAX, &pem) != ERR_OK)
		err = config_error(reason, path, "the issuer's key can't be read");
	else if ((bio = BIO_new_mem_buf(pem.data, (int)pem.len)) == NULL)
		err = ERR_MEMORY;
	else if ((*out = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"")) == NULL)
		err = config_error(reason, path, "this is no unencrypted PEM private key");
	BIO_free(bio);
	buf_cleanse(&pem);
	free(path);
	return err;
}

static enum err
pair_check(const struct issuer_config *config, const struct issuer *issuer, struct reason *reason)
{
	if (X509_check_private_key(issuer->cert, issuer->key) != 1)
		return config_error(
		    reason, config->key, "this key doesn't belong to the issuer's certificate");
	if (key_type_of(issuer->key) == 0)
		return config_error(reason, config->key, "this kind of key is not supported for an issuer");
	if (X509_check_ca(issuer->cert) != 1 || !(X509_get_key_usage(issuer->cert) & KU_KEY_CERT_SIGN))
		return config_error(
		    reason, config->certificate, "this is no CA certificate, so it can't issue");
	if (X509_get0_subject_key_id(issuer->cert) == NULL)
		return config_error(reason, config->certificate, "it has no subjectKeyIdentifier");
	if (!(X509_get_key_usage(issuer->cert) & KU_CRL_SIGN))
		return config_error(reason, config->certificate, "its key usage has no cRLSign");
	return ERR_OK;
}

/* RSA keys take seconds to make, and a start may not. This one never signs anything that leaves: a small one
 * gives the same algorithm in the same place, which is all that the lints look at. */
#define THROWAWAY_RSA_BITS 1024

static EVP_PKEY *
throwaway_make(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "RSA") ? EVP_RSA_gen(THROWAWAY_RSA_BITS) : key_generate(key_type_of(key));
}

enum err
issuer_open(const char *dir, const struct issuer_config *config, struct issuer *out, struct reason *reason)
{
	enum err err;

	memset(out, 0, sizeof(*out));
	if ((err = chain_load(dir, config->certificate, out, reason)) != ERR_OK ||
	    (err = key_load(dir, config->key, &out->key, reason)) != ERR_OK ||
	    (err = pair_check(config, out, reason)) != ERR_OK ||
	    (err = certificate_der(out->cert, &out->der)) != ERR_OK)
		goto out;
	SHA256(out->der.data, out->der.len, out->fingerprint);
	err = ERR_CRYPTO;
	if (certificate_validity(out->cert, &out->not_before, &out->not_after) &&
	    (out->throwaway = throwaway_make(out->key)) != NULL)
		err = ERR_OK;
out:
	if (err != ERR_OK)
		issuer_close(out);
	return err;
}

void
issuer_close(struct issuer *issuer)
{
	X509_free(issuer->cert);
	sk_X509_pop_free(issuer->chain, X509_free);
	constraints_free(issuer->constraints);
	EVP_PKEY_free(issuer->key);
	EVP_PKEY_free(issuer->throwaway);
	free(issuer->url);
	buf_free(&issuer->der);
	memset(issuer, 0, sizeof(*issuer));
}

enum err
issuer_publish(struct issuer *issuer, const char *base, unsigned crl_shards)
{
	char path[CERTIFICATE_ISSUER_PATH_SIZE];
	struct buf url = { 0 };

	if (base == NULL || base[0] == '\0')
		return ERR_OK;
	issuer->crl_base = base;
	issuer->crl_shards = crl_shards;
	certificate_issuer_path(buf_slice(&issuer->der), path);
	buf_printf(&url, "%s%s", base, path);
	return (issuer->url = buf_take_str(&url)) == NULL ? ERR_MEMORY : ERR_OK;
}

#define SERIAL_SHORT 8

/* CA/Browser Forum, BR 7.1: from a CSPRNG, positive; here 143 bits less those that make the first byte not
 * 0. */
static void
serial_draw(bool is_short, uint8_t serial[SERIAL_SIZE])
{
	uint8_t *first = is_short ? serial + SERIAL_SIZE - SERIAL_SHORT : serial;

	memset(serial, 0, SERIAL_SIZE);
	do {
		if (RAND_bytes(first, (int)(serial + SERIAL_SIZE - first)) != 1)
			abort();
		*first &= 0x7f;
	} while (*first == 0);
}

struct slice
serial_octets(const uint8_t serial[SERIAL_SIZE])
{
	size_t skip = 0;

	while (serial[skip] == 0)
		skip++;
	return slice_of(serial + skip, SERIAL_SIZE - skip);
}

static void
name_each(X509 *cert, const struct lint_context *context, const struct leaf *leaf, struct problem *problem)
{
	struct reason reason;

	for (size_t i = 0; i < leaf->name_count; i++)
		if (lint_check_name(cert, context, (int)i, &reason) == ERR_DENIED)
			problem_add(problem, PROBLEM_REJECTED_IDENTIFIER, &leaf->names[i], "%s", reason.text);
}

enum err
issuer_sign(const struct issuer *issuer, const struct leaf *asked, const struct lint_context *asked_context,
    uint8_t serial[SERIAL_SIZE], struct buf *der, struct reason *reason, struct problem *problem)
{
	struct leaf leaf = *asked;
	struct lint_context context = *asked_context;
	struct buf linted = { 0 };
	char *crl_url = NULL;
	X509 *cert = NULL;
	enum err err;

	serial_draw(issuer->short_serials, serial);
	leaf.serial = serial;
	if (issuer->crl_base != NULL &&
	    (crl_url = issuer_crl_url(issuer, crl_shard(serial, SERIAL_SIZE, issuer->crl_shards))) == NULL)
		return ERR_MEMORY;
	leaf.crl_url = crl_url;
	leaf.issuer_url = issuer->url;
	leaf.ocsp_url = issuer->ocsp_url;
	if ((err = leaf_build(&leaf, issuer->cert, &cert, reason)) != ERR_OK ||
	    (err = certificate_sign_der(cert, issuer->throwaway, &linted)) != ERR_OK)
		goto out;
	context.der = buf_slice(&linted);
	context.chain = issuer->chain;
	context.constraints = issuer->constraints;
	if ((err = lint_check(cert, &context, reason)) == ERR_OK)
		err = certificate_sign_again(context.der, issuer->key, der);
	else if (err == ERR_DENIED && problem != NULL)
		name_each(cert, &context, &leaf, problem);
out:
	buf_free(&linted);
	X509_free(cert);
	free(crl_url);
	return err;
}

char *
issuer_crl_url(const struct issuer *issuer, unsigned shard)
{
	char path[CRL_PATH_SIZE];
	struct buf url = { 0 };

	crl_path(issuer->fingerprint, shard, path);
	buf_printf(&url, "%s%s", issuer->crl_base, path);
	return buf_take_str(&url);
}

enum err
issuer_sign_crl(const struct issuer *issuer, const struct crl *asked, unsigned shard, int64_t now,
    struct buf *der, struct reason *reason)
{
	struct crl list = *asked;
	char *url = issuer_crl_url(issuer, shard);
	struct buf trial = { 0 };
	enum err err;

	if (url == NULL)
		return ERR_MEMORY;
	list.issuer = issuer->cert;
	list.url = url;
	if ((err = crl_build(&list, issuer->throwaway, &trial, reason)) == ERR_OK &&
	    (err = crl_lint(buf_slice(&trial), &list, now, reason)) == ERR_OK)
		err = crl_sign(buf_slice(&trial), issuer->key, der);
	buf_free(&trial);
	free(url);
	return err;
}
