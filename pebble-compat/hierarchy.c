#include "pebble-compat/hierarchy.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "pebble-compat/quick_rsa.h"
#include "x509/certificate.h"
#include "x509/key.h"

#define YEARS_30 (INT64_C(30) * 365 * 86400)	/* Pebble's */
#define SERIAL_SHORT 8

/* --- keys ------------------------------------------------------------------------------------------ */

static bool
keys_make(EVP_PKEY **const places[], size_t count, bool ecdsa)
{
	if (!ecdsa)
		return quick_rsa(places, count);
	for (size_t i = 0; i < count; i++)
		if ((*places[i] = key_generate(KEY_P256)) == NULL)
			return false;
	return true;
}

/* Each chain has a root's key of its own; those of the intermediates are the same in all. */
static bool
all_keys(struct hierarchy *h, bool ecdsa)
{
	EVP_PKEY **places[CHAINS_MAX + CHAIN_LENGTH_MAX];
	size_t	   count = 0;

	for (size_t i = 0; i < h->length; i++)
		places[count++] = &h->chains[0].intermediates[i].key;
	for (size_t c = 0; c < h->count; c++)
		places[count++] = &h->chains[c].root.key;
	if (!keys_make(places, count, ecdsa))
		return false;
	for (size_t c = 1; c < h->count; c++)
		for (size_t i = 0; i < h->length; i++) {
			h->chains[c].intermediates[i].key = h->chains[0].intermediates[i].key;
			EVP_PKEY_up_ref(h->chains[c].intermediates[i].key);
		}
	return true;
}

/* --- certificates ------------------------------------------------------------------------------------ */

static void
draw(uint8_t serial[SERIAL_SIZE])
{
	memset(serial, 0, SERIAL_SIZE);
	if (RAND_bytes(serial + SERIAL_SIZE - SERIAL_SHORT, SERIAL_SHORT) != 1)
		abort();
	serial[SERIAL_SIZE - SERIAL_SHORT] = (uint8_t)((serial[SERIAL_SIZE - SERIAL_SHORT] & 0x3f) | 0x40);
}

/* "Pebble Root CA 1a2b3c": three octets at random. */
static void
name_it(struct member *m, const char *prefix)
{
	uint8_t id[3];

	if (RAND_bytes(id, sizeof(id)) != 1)
		abort();
	snprintf(m->name, sizeof(m->name), "%s %02x%02x%02x", prefix, id[0], id[1], id[2]);
}

static enum err
certify(struct member *subject, const struct member *issuer)
{
	uint8_t		      serial[SERIAL_SIZE];
	int64_t		      now = clock_now();
	struct ca_certificate ca = { .common_name = subject->name, .key = subject->key, .not_before = now,
		.not_after = now + YEARS_30, .path_length = -1, .serial = serial };
	struct reason	      reason = { "" };
	enum err	      err;

	draw(serial);
	if ((err = ca_certificate_build(&ca, issuer != NULL ? issuer->cert : NULL, &subject->cert, &reason)) == ERR_OK)
		err = certificate_sign(subject->cert, issuer != NULL ? issuer->key : subject->key);
	return err;
}

static enum err
chain_certify(struct hierarchy *h, struct chain_made *chain)
{
	const struct member *above = &chain->root;
	enum err	     err;

	name_it(&chain->root, "Pebble Root CA");
	err = certify(&chain->root, NULL);
	for (size_t i = h->length - 1; err == ERR_OK && i > 0; i--) {
		snprintf(chain->intermediates[i].name, sizeof(chain->intermediates[i].name),
		    "Pebble Intermediate CA %.6s #%zu", strrchr(chain->root.name, ' ') + 1, i);
		err = certify(&chain->intermediates[i], above);
		above = &chain->intermediates[i];
	}
	return err == ERR_OK ? certify(&chain->intermediates[0], above) : err;
}

enum err
hierarchy_make(struct hierarchy *h, size_t chains, size_t length, bool ecdsa)
{
	enum err err = ERR_OK;

	*h = (struct hierarchy){ .count = chains, .length = length };
	if (!all_keys(h, ecdsa))
		return ERR_CRYPTO;
	name_it(&h->chains[0].intermediates[0], "Pebble Intermediate CA");
	for (size_t c = 0; c < chains && err == ERR_OK; c++) {
		memcpy(h->chains[c].intermediates[0].name, h->chains[0].intermediates[0].name,
		    sizeof(h->chains[c].intermediates[0].name));
		err = chain_certify(h, &h->chains[c]);
	}
	return err;
}

static void
member_free(struct member *m)
{
	EVP_PKEY_free(m->key);
	X509_free(m->cert);
}

void
hierarchy_free(struct hierarchy *h)
{
	for (size_t c = 0; c < h->count; c++) {
		member_free(&h->chains[c].root);
		for (size_t i = 0; i < h->length; i++)
			member_free(&h->chains[c].intermediates[i]);
	}
}

/* --- the server's own ---------------------------------------------------------------------------------- */

static enum err
server_certify(const struct member *root, EVP_PKEY *key, X509 **out)
{
	static const struct identifier names[] = { { IDENTIFIER_DNS, "localhost" }, { IDENTIFIER_DNS, "pebble" },
		{ IDENTIFIER_IP, "127.0.0.1" }, { IDENTIFIER_IP, "::1" } };
	uint8_t	      serial[SERIAL_SIZE];
	struct leaf   leaf = { .serial = serial, .names = names, .name_count = 4, .key = key,
		  .not_before = clock_now() - 3600, .not_after = clock_now() + INT64_C(397) * 86400 };
	struct reason reason = { "" };
	enum err      err;

	draw(serial);
	if ((err = leaf_build(&leaf, root->cert, out, &reason)) == ERR_OK)
		err = certificate_sign(*out, root->key);
	return err;
}

enum err
server_make(EVP_PKEY **key, X509 **cert, X509 **root)
{
	struct member made = { .key = key_generate(KEY_P256) };
	enum err      err = ERR_CRYPTO;

	*cert = NULL;
	*key = key_generate(KEY_P256);
	name_it(&made, "Pebble TLS Root");
	if (made.key != NULL && *key != NULL && (err = certify(&made, NULL)) == ERR_OK)
		err = server_certify(&made, *key, cert);
	*root = made.cert;
	EVP_PKEY_free(made.key);
	return err;
}
