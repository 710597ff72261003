#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "x509/certificate.h"
#include "x509/der.h"
#include "x509/key.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_TAG0 = 0x80,
	DER_TAG0_CONSTRUCTED = 0xa0,
	GENERAL_DNS = 0x82,
	GENERAL_URI = 0x86,
	GENERAL_IP = 0x87
};

static bool
extension_put(X509 *cert, int nid, bool critical, struct slice der)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	bool ok = false;

	if (value != NULL && ASN1_OCTET_STRING_set(value, der.data, (int)der.len) == 1 &&
	    (extension = X509_EXTENSION_create_by_NID(NULL, nid, critical, value)) != NULL)
		ok = X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	return ok;
}

/* The same; takes over and frees the content, which it wraps into a SEQUENCE. */
static bool
sequence_put(X509 *cert, int nid, bool critical, struct buf *content)
{
	struct buf der = { 0 };
	bool ok;

	der_put(&der, DER_SEQUENCE, buf_slice(content));
	ok = !content->failed && !der.failed && extension_put(cert, nid, critical, buf_slice(&der));
	buf_free(&der);
	buf_free(content);
	return ok;
}

static bool
aki_put(X509 *cert, X509 *issuer)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
	struct buf content = { 0 };

	if (id == NULL)
		return false;
	der_put(&content, DER_TAG0, slice_of(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)));
	return sequence_put(cert, NID_authority_key_identifier, false, &content);
}

/* RFC 7093, 2, method 1: the leftmost 160 bits of the SHA-256 of the public key's bits. */
static bool
ski_put(X509 *cert)
{
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(cert);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct buf der = { 0 };
	bool ok;

	SHA256(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), digest);
	der_put(&der, DER_OCTET_STRING, slice_of(digest, 20));
	ok = !der.failed && extension_put(cert, NID_subject_key_identifier, false, buf_slice(&der));
	buf_free(&der);
	return ok;
}

static bool
san_put(X509 *cert, const struct leaf *leaf)
{
	struct buf content = { 0 };
	struct address address;
	size_t i;

	for (i = 0; i < leaf->name_count; i++) {
		const struct identifier *name = &leaf->names[i];

		if (name->type == IDENTIFIER_DNS)
			der_put(&content, GENERAL_DNS, slice_str(name->value));
		else if (name->type == IDENTIFIER_IP && address_parse(name->value, &address))
			der_put(&content, GENERAL_IP, slice_of(address.bytes, address_size(&address)));
		else {
			buf_free(&content);
			return false;
		}
	}
	/* RFC 5280, 4.2.1.6: critical when the subject is empty. */
	return sequence_put(cert, NID_subject_alt_name,
	    X509_NAME_entry_count(X509_get_subject_name(cert)) == 0, &content);
}

/* AccessDescription; its method is id-ad and one number more. */
static void
access_put(struct buf *out, uint8_t method, const char *url)
{
	uint8_t oid[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, method };
	struct buf content = { 0 };

	der_put(&content, DER_OID, slice_of(oid, sizeof(oid)));
	der_put(&content, GENERAL_URI, slice_str(url));
	der_put(out, DER_SEQUENCE, buf_slice(&content));
	out->failed = out->failed || content.failed;
	buf_free(&content);
}

/* RFC 5280, 4.2.2.1 */
static bool
aia_put(X509 *cert, const char *ocsp, const char *issuer)
{
	struct buf content = { 0 };

	if (ocsp == NULL && issuer == NULL)
		return true;
	if (ocsp != NULL)
		access_put(&content, 1, ocsp);
	if (issuer != NULL)
		access_put(&content, 2, issuer);
	return sequence_put(cert, NID_info_access, false, &content);
}

static bool
cdp_put(X509 *cert, const char *url)
{
	struct buf name = { 0 }, full = { 0 }, point = { 0 }, content = { 0 };

	der_put(&name, GENERAL_URI, slice_str(url));
	der_put(&full, DER_TAG0_CONSTRUCTED, buf_slice(&name));
	der_put(&point, DER_TAG0_CONSTRUCTED, buf_slice(&full));
	der_put(&content, DER_SEQUENCE, buf_slice(&point));
	content.failed = content.failed || name.failed || full.failed || point.failed;
	buf_free(&name);
	buf_free(&full);
	buf_free(&point);
	return sequence_put(cert, NID_crl_distribution_points, false, &content);
}

/* Bits of KeyUsage (RFC 5280, 4.2.1.3) as their only byte, most significant first. */
#define USAGE_SIGNATURE 0x80
#define USAGE_ENCIPHERMENT 0x20
#define USAGE_CERT_SIGN 0x04
#define USAGE_CRL_SIGN 0x02

static bool
key_usage_put(X509 *cert, uint8_t bits)
{
	uint8_t der[] = { 0x03, 0x02, 0x00, bits };

	while (!(bits & 1u << der[2])) /* no trailing zero bits: X.690, 11.2.2 */
		der[2]++;
	return extension_put(cert, NID_key_usage, true, slice_of(der, sizeof(der)));
}

/* OBJECT IDENTIFIER; false: the text is none. */
static bool
oid_put(struct buf *out, const char *dotted)
{
	ASN1_OBJECT *object = OBJ_txt2obj(dotted, 1);
	uint8_t *der = NULL;
	int len = object != NULL ? i2d_ASN1_OBJECT(object, &der) : 0;

	if (len > 0)
		buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	ASN1_OBJECT_free(object);
	return len > 0;
}

#define OID_SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define OID_CLIENT_AUTH "1.3.6.1.5.5.7.3.2"

static bool
eku_put(X509 *cert, const struct leaf_form *form)
{
	struct buf content = { 0 };
	bool ok = true;

	if (!form->no_server_auth)
		ok = oid_put(&content, OID_SERVER_AUTH);
	if (form->client_auth)
		ok = ok && oid_put(&content, OID_CLIENT_AUTH);
	for (size_t i = 0; ok && i < form->extended_usage_count; i++)
		ok = oid_put(&content, form->extended_usages[i]);
	content.failed = content.failed || !ok;
	return sequence_put(cert, NID_ext_key_usage, false, &content);
}

/* RFC 5280, 4.2.1.4: one policy, without qualifiers. */
static bool
policy_put(X509 *cert, const char *policy)
{
	struct buf oid = { 0 }, content = { 0 };

	oid.failed = !oid_put(&oid, policy) || oid.failed;
	der_put(&content, DER_SEQUENCE, buf_slice(&oid));
	content.failed = content.failed || oid.failed;
	buf_free(&oid);
	return sequence_put(cert, NID_certificate_policies, false, &content);
}

static bool
leaf_extensions_put(X509 *cert, const struct leaf *leaf, const struct leaf_form *form, X509 *issuer)
{
	static const uint8_t not_ca[] = { 0x30, 0x00 };
	static const uint8_t status_request[] = { 0x30, 0x03, 0x02, 0x01, 0x05 }; /* RFC 7633 */
	bool rsa = EVP_PKEY_get_base_id(leaf->key) == EVP_PKEY_RSA;

	return key_usage_put(cert, rsa && !form->no_encipherment ? USAGE_SIGNATURE | USAGE_ENCIPHERMENT :
							       USAGE_SIGNATURE) &&
	       eku_put(cert, form) &&
	       extension_put(cert, NID_basic_constraints, true, slice_of(not_ca, sizeof(not_ca))) &&
	       aki_put(cert, issuer) && san_put(cert, leaf) &&
	       (form->policy == NULL || policy_put(cert, form->policy)) &&
	       aia_put(cert, form->ocsp_pointer ? leaf->ocsp_url : NULL,
		   form->no_issuer_pointer ? NULL : leaf->issuer_url) &&
	       (leaf->crl_url == NULL || form->no_crl_pointer || cdp_put(cert, leaf->crl_url)) &&
	       (!leaf->must_staple || extension_put(cert, NID_tlsfeature, false,
					  slice_of(status_request, sizeof(status_request))));
}

static bool
serial_set(X509 *cert, const uint8_t serial[SERIAL_SIZE])
{
	BIGNUM *number = BN_bin2bn(serial, SERIAL_SIZE, NULL);
	bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;

	BN_free(number);
	return ok;
}

#define POINT_MAX 133 /* P-521, uncompressed */

/* The curve's NID and the uncompressed point; false: no EC key. */
static bool
ec_read(EVP_PKEY *key, int *curve, uint8_t point[POINT_MAX], size_t *len)
{
	char group[64];

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       (*curve = OBJ_sn2nid(group)) != NID_undef &&
	       EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_MAX, len) == 1 &&
	       *len > 0 && point[0] == 0x04;
}

/* The same as X509_set_pubkey(), which in OpenSSL 3.0 encodes and decodes the key for 0.4 ms. */
static bool
key_set(X509 *cert, EVP_PKEY *key)
{
	uint8_t point[POINT_MAX], *bytes;
	size_t len;
	int curve;

	if (!ec_read(key, &curve, point, &len))
		return X509_set_pubkey(cert, key) == 1;
	if ((bytes = OPENSSL_memdup(point, len)) == NULL)
		return false;
	if (X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
		V_ASN1_OBJECT, OBJ_nid2obj(curve), bytes, (int)len) == 1)
		return true;
	OPENSSL_free(bytes);
	return false;
}

bool
certificate_has_ec_key(X509 *cert, EVP_PKEY *key)
{
	ASN1_OBJECT *algorithm;
	X509_ALGOR *parameters;
	const void *curve_object;
	const uint8_t *bytes;
	uint8_t point[POINT_MAX];
	size_t len;
	int curve, bytes_len, type;

	if (!ec_read(key, &curve, point, &len) || X509_PUBKEY_get0_param(&algorithm, &bytes, &bytes_len,
						      &parameters, X509_get_X509_PUBKEY(cert)) != 1)
		return false;
	X509_ALGOR_get0(NULL, &type, &curve_object, parameters);
	return OBJ_obj2nid(algorithm) == NID_X9_62_id_ecPublicKey && type == V_ASN1_OBJECT &&
	       OBJ_obj2nid(curve_object) == curve &&
	       slice_eq(slice_of(bytes, (size_t)bytes_len), slice_of(point, len));
}

static bool
head_set(X509 *cert, const uint8_t *serial, int64_t not_before, int64_t not_after, EVP_PKEY *key)
{
	return X509_set_version(cert, X509_VERSION_3) == 1 && serial_set(cert, serial) &&
	       ASN1_TIME_set(X509_getm_notBefore(cert), not_before) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), not_after) != NULL && key_set(cert, key);
}

static enum err
finish(X509 *cert, bool ok, X509 **out, struct reason *reason)
{
	if (ok) {
		*out = cert;
		return ERR_OK;
	}
	reason_set(
	    reason, "the certificate can't be built: %s", ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	X509_free(cert);
	return ERR_CRYPTO;
}

/* OpenSSL's table has the upper bounds of RFC 5280, A.1, and what kind of string each is. */
static bool
name_add(X509 *cert, int nid, const char *value)
{
	return X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), nid, MBSTRING_UTF8, (const uint8_t *)value, -1,
		   -1, 0) == 1;
}

static bool
leaf_subject_set(X509 *cert, const struct leaf_form *form, const char *common_name)
{
	for (size_t i = 0; i < form->subject_count; i++)
		if (!name_add(cert, form->subject[i].nid, form->subject[i].value))
			return false;
	return common_name == NULL || name_add(cert, NID_commonName, common_name);
}

enum err
leaf_build(const struct leaf *leaf, X509 *issuer, X509 **out, struct reason *reason)
{
	static const struct leaf_form plain = { .client_auth = false };
	const struct leaf_form *form = leaf->form != NULL ? leaf->form : &plain;
	X509 *cert = X509_new();
	bool ok;

	*out = NULL;
	if (cert == NULL)
		return ERR_MEMORY;
	ok = head_set(cert, leaf->serial, leaf->not_before, leaf->not_after, leaf->key) &&
	     X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
	     leaf_subject_set(cert, form, leaf->common_name) && leaf_extensions_put(cert, leaf, form, issuer);
	return finish(cert, ok, out, reason);
}

static bool
subject_set(X509 *cert, const struct ca_certificate *ca)
{
	return (ca->organization == NULL || name_add(cert, NID_organizationName, ca->organization)) &&
	       name_add(cert, NID_commonName, ca->common_name);
}

static bool
ca_constraints_put(X509 *cert, int path_length)
{
	static const uint8_t yes = 0xff;
	struct buf content = { 0 };
	uint8_t length = (uint8_t)path_length;

	der_put(&content, DER_BOOLEAN, slice_of(&yes, 1));
	if (path_length >= 0)
		der_put(&content, DER_INTEGER, slice_of(&length, 1));
	return sequence_put(cert, NID_basic_constraints, true, &content);
}

enum err
ca_certificate_build(const struct ca_certificate *ca, X509 *issuer, X509 **out, struct reason *reason)
{
	X509 *cert = X509_new();
	bool ok;

	*out = NULL;
	if (ca->path_length > 127)
		abort();
	if (cert == NULL)
		return ERR_MEMORY;
	ok = head_set(cert, ca->serial, ca->not_before, ca->not_after, ca->key) && subject_set(cert, ca) &&
	     X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert)) == 1 &&
	     ca_constraints_put(cert, ca->path_length) &&
	     key_usage_put(cert, USAGE_SIGNATURE | USAGE_CERT_SIGN | USAGE_CRL_SIGN) && ski_put(cert) &&
	     (issuer == NULL || aki_put(cert, issuer));
	return finish(cert, ok, out, reason);
}

