#include "x509/crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"
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

/* RFC 5280, 5.3.1: unspecified is said by saying nothing. */
static bool
reason_put(X509_REVOKED *revoked, enum revocation_reason reason)
{
	ASN1_ENUMERATED *value;
	bool ok;

	if (reason == REVOCATION_NONE || reason == REVOCATION_UNSPECIFIED)
		return true;
	value = ASN1_ENUMERATED_new();
	ok = value != NULL && ASN1_ENUMERATED_set(value, reason) == 1 &&
	     X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, value, 0, 0) == 1;
	ASN1_ENUMERATED_free(value);
	return ok;
}

static bool
entry_put(X509_CRL *crl, const struct crl_entry *entry)
{
	X509_REVOKED *revoked = X509_REVOKED_new();
	BIGNUM *number = BN_bin2bn(entry->serial, (int)entry->serial_len, NULL);
	ASN1_INTEGER *serial = number != NULL ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
	ASN1_TIME *time = ASN1_TIME_set(NULL, entry->revoked);
	bool ok = revoked != NULL && serial != NULL && time != NULL &&
		  X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
		  X509_REVOKED_set_revocationDate(revoked, time) == 1 && reason_put(revoked, entry->reason) &&
		  X509_CRL_add0_revoked(crl, revoked) == 1;

	if (!ok)
		X509_REVOKED_free(revoked);
	BN_free(number);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(time);
	return ok;
}

static bool
entries_put(X509_CRL *crl, const struct crl_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!entry_put(crl, &entries[i]))
			return false;
	return X509_CRL_sort(crl) == 1;
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

enum err
crl_build(const struct crl *in, X509_CRL **out, struct reason *reason)
{
	X509_CRL *crl;
	enum err err;

	*out = NULL;
	if ((err = entries_check(in, reason)) != ERR_OK)
		return err;
	if ((crl = X509_CRL_new()) == NULL)
		return ERR_MEMORY;
	if (X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(in->issuer)) == 1 &&
	    times_set(crl, in->this_update, in->next_update) && aki_put(crl, in->issuer) &&
	    number_put(crl, in->number) && idp_put(crl, in->url) &&
	    entries_put(crl, in->entries, in->count)) {
		*out = crl;
		return ERR_OK;
	}
	reason_set(reason, "the CRL can't be built: %s", ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	X509_CRL_free(crl);
	return ERR_CRYPTO;
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

enum err
crl_sign(X509_CRL *crl, EVP_PKEY *issuer_key)
{
	if (X509_CRL_sign(crl, issuer_key, digest_for(issuer_key)) > 0)
		return ERR_OK;
	ERR_clear_error();
	return ERR_CRYPTO;
}

enum err
crl_der(X509_CRL *crl, struct buf *out)
{
	uint8_t *der = NULL;
	int len = i2d_X509_CRL(crl, &der);

	if (len <= 0) {
		ERR_clear_error();
		return ERR_CRYPTO;
	}
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	return out->failed ? ERR_MEMORY : ERR_OK;
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
