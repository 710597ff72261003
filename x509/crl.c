#include "x509/crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"
#include "x509/crl_entries.h"
#include "x509/der.h"
#include "x509/key.h"

enum {
	DER_TAG0 = 0x80,
	DER_TAG0_CONSTRUCTED = 0xa0,
	DER_TAG1 = 0x81,
	DER_SEQUENCE = 0x30,
	GENERAL_URI = 0x86
};

static bool
extension_put(X509_CRL *crl, int nid, bool critical, const struct buf *content)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	struct buf der = { 0 };
	bool ok = false;

	der_put(&der, DER_SEQUENCE, buf_slice(content));
	if (!content->failed && !der.failed && value != NULL &&
	    ASN1_OCTET_STRING_set(value, der.data, (int)der.len) == 1 &&
	    (extension = X509_EXTENSION_create_by_NID(NULL, nid, critical, value)) != NULL)
		ok = X509_CRL_add_ext(crl, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	buf_free(&der);
	return ok;
}

/* RFC 5280, 5.2.1 */
static bool
aki_put(X509_CRL *crl, X509 *issuer)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
	struct buf content = { 0 };
	bool ok;

	if (id == NULL)
		return false;
	der_put(&content, DER_TAG0, slice_of(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)));
	ok = extension_put(crl, NID_authority_key_identifier, false, &content);
	buf_free(&content);
	return ok;
}

/* RFC 5280, 5.2.5: distributionPoint as the certificates' CDP has it, onlyContainsUserCerts. */
static bool
idp_put(X509_CRL *crl, const char *url)
{
	static const uint8_t yes = 0xff;
	struct buf name = { 0 }, full = { 0 }, content = { 0 };
	bool ok;

	der_put(&name, GENERAL_URI, slice_str(url));
	der_put(&full, DER_TAG0_CONSTRUCTED, buf_slice(&name));
	der_put(&content, DER_TAG0_CONSTRUCTED, buf_slice(&full));
	der_put(&content, DER_TAG1, slice_of(&yes, 1));
	content.failed = content.failed || name.failed || full.failed;
	ok = extension_put(crl, NID_issuing_distribution_point, true, &content);
	buf_free(&name);
	buf_free(&full);
	buf_free(&content);
	return ok;
}

/* RFC 5280, 5.2.3 */
static bool
number_put(X509_CRL *crl, uint64_t number)
{
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	bool ok = value != NULL && ASN1_INTEGER_set_uint64(value, number) == 1 &&
		  X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;

	ASN1_INTEGER_free(value);
	return ok;
}

static bool
times_set(X509_CRL *crl, int64_t this_update, int64_t next_update)
{
	ASN1_TIME *this = ASN1_TIME_set(NULL, this_update), *next = ASN1_TIME_set(NULL, next_update);
	bool ok = this != NULL && next != NULL && X509_CRL_set1_lastUpdate(crl, this) == 1 &&
		  X509_CRL_set1_nextUpdate(crl, next) == 1;

	ASN1_TIME_free(this);
	ASN1_TIME_free(next);
	return ok;
}

static enum err
entries_check(const struct crl *in, struct reason *reason)
{
	for (size_t i = 0; i < in->count; i++) {
		const struct crl_entry *entry = &in->entries[i];

		if (entry->serial_len == 0 || entry->serial_len > CRL_SERIAL_MAX || entry->revoked <= 0 ||
		    !revocation_reason_ends(entry->reason)) {
			reason_set(reason, "entry %zu has a serial, time or reason that can't be", i);
			return ERR_MALFORMED;
		}
	}
	return ERR_OK;
}

/* As certificates are signed: SHA-256, SHA-384 for P-384, SHA-512 for P-521, none for EdDSA. */
static const EVP_MD *
digest_for(EVP_PKEY *key)
{
	switch (key_type_of(key)) {
	case KEY_P384:
		return EVP_sha384();
	case KEY_P521:
		return EVP_sha512();
	case KEY_ED25519:
	case KEY_ED448:
		return NULL;
	default:
		return EVP_sha256();
	}
}

/* All but the entries: whole, and signed, so that its algorithm is set. */
static enum err
head_make(const struct crl *in, EVP_PKEY *key, struct buf *out, struct reason *reason)
{
	X509_CRL *crl = X509_CRL_new();
	uint8_t *der = NULL;
	int len = -1;

	if (crl == NULL)
		return ERR_MEMORY;
	if (X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(in->issuer)) == 1 &&
	    times_set(crl, in->this_update, in->next_update) && aki_put(crl, in->issuer) &&
	    number_put(crl, in->number) && idp_put(crl, in->url) && X509_CRL_sign(crl, key, digest_for(key)) > 0)
		len = i2d_X509_CRL(crl, &der);
	X509_CRL_free(crl);
	if (len <= 0) {
		reason_set(reason, "the CRL can't be built: %s", ERR_reason_error_string(ERR_peek_last_error()));
		ERR_clear_error();
		return ERR_CRYPTO;
	}
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	return out->failed ? ERR_MEMORY : ERR_OK;
}

/* The value in front: all of it, and what it holds. */
static struct slice
value_first(struct slice in, struct slice *content)
{
	const uint8_t *p = in.data;
	long len;
	int tag, class;

	/* Who calls this made the bytes. */
	if (ASN1_get_object(&p, &len, &tag, &class, (long)in.len) & 0x80)
		abort();
	*content = slice_of(p, (size_t)len);
	return slice_of(in.data, (size_t)(p - in.data) + (size_t)len);
}

static struct slice
value_last(struct slice in)
{
	struct slice one = { 0 }, unused;

	for (; in.len > 0; in = slice_of(in.data + one.len, in.len - one.len))
		one = value_first(in, &unused);
	return one;
}

/* Puts the entries where they belong: before the extensions, which are the last of the to-be-signed part (RFC 5280,
 * 5.1). The signature behind it is not its own any more. */
static enum err
splice(struct slice head, const struct crl *in, struct buf *out)
{
	struct slice whole, tbs, inside, extensions;
	struct buf list = { 0 }, content = { 0 };
	enum err err;

	(void)value_first(head, &whole);
	tbs = value_first(whole, &inside);
	extensions = value_last(inside);
	buf_put(&list, inside.data, inside.len - extensions.len);
	err = crl_entries_put(&list, in->entries, in->count);
	buf_put(&list, extensions.data, extensions.len);
	der_put(&content, DER_SEQUENCE, buf_slice(&list));
	buf_put(&content, tbs.data + tbs.len, whole.len - tbs.len);
	der_put(out, DER_SEQUENCE, buf_slice(&content));
	if (err == ERR_OK && (list.failed || content.failed || out->failed))
		err = ERR_MEMORY;
	buf_free(&list);
	buf_free(&content);
	return err;
}

enum err
crl_build(const struct crl *in, EVP_PKEY *throwaway, struct buf *out, struct reason *reason)
{
	struct buf head = { 0 }, list = { 0 };
	enum err err;

	if ((err = entries_check(in, reason)) == ERR_OK && (err = head_make(in, throwaway, &head, reason)) == ERR_OK &&
	    (err = splice(buf_slice(&head), in, &list)) == ERR_OK)
		err = crl_sign(buf_slice(&list), throwaway, out);
	buf_free(&head);
	buf_free(&list);
	return err;
}

enum err
crl_sign(struct slice der, EVP_PKEY *issuer_key, struct buf *out)
{
	return certificate_sign_again(der, issuer_key, out);
}

/* --- paths and shards ---------------------------------------------------------------------------- */

void
crl_path(const uint8_t fingerprint[32], unsigned shard, char out[CRL_PATH_SIZE])
{
	if (shard >= CRL_SHARDS_MAX)
		abort();
	memcpy(out, "/crl/", 5);
	for (size_t i = 0; i < 8; i++)
		snprintf(out + 5 + 2 * i, 3, "%02x", fingerprint[i]);
	snprintf(out + 21, CRL_PATH_SIZE - 21, "/%u.crl", shard & 0xff);
}

unsigned
crl_shard(const uint8_t *serial, size_t len, unsigned shards)
{
	return shards > 1 && len > 0 ? serial[len - 1] % shards : 0;
}

/* The number in ".../N.crl". */
static unsigned
shard_read(const char *url, size_t len)
{
	unsigned shard = 0;
	size_t end = len > 4 ? len - 4 : 0, i = end;

	if (end == 0 || memcmp(url + end, ".crl", 4) != 0)
		return 0;
	while (i > 0 && end - i < 3 && url[i - 1] >= '0' && url[i - 1] <= '9')
		i--;
	for (; i < end; i++)
		shard = 10 * shard + (unsigned)(url[i] - '0');
	return shard < CRL_SHARDS_MAX ? shard : 0;
}

unsigned
crl_shard_of(X509 *cert)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
	const DIST_POINT *point = points != NULL ? sk_DIST_POINT_value(points, 0) : NULL;
	const GENERAL_NAME *name = NULL;
	unsigned shard = 0;

	if (point != NULL && point->distpoint != NULL && point->distpoint->type == 0)
		name = sk_GENERAL_NAME_value(point->distpoint->name.fullname, 0);
	if (name != NULL && name->type == GEN_URI)
		shard = shard_read((const char *)ASN1_STRING_get0_data(name->d.ia5),
		    (size_t)ASN1_STRING_length(name->d.ia5));
	CRL_DIST_POINTS_free(points);
	return shard;
}
