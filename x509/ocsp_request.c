/* ocsp_request.c: RFC 6960, 4.1.1, read by hand: so little of ASN.1 is asked of it, and of strangers' bytes, that a
 * decoder for all of it would be the larger risk. */
#include <string.h>

#include "x509/der.h"
#include "x509/ocsp.h"

enum {
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_OCTET_STRING = 0x04,
	TAG_NULL = 0x05,
	TAG_OID = 0x06,
	TAG_SEQUENCE = 0x30,
	TAG_0 = 0xa0,
	TAG_1 = 0xa1,
	TAG_2 = 0xa2
};

static enum err
malformed(struct reason *reason, const char *what)
{
	reason_set(reason, "the OCSP request %s", what);
	return ERR_MALFORMED;
}

/* AlgorithmIdentifier, whose parameters are NULL or absent. */
static enum err
hash_read(struct slice algorithm, enum ocsp_hash *out, struct reason *reason)
{
	static const uint8_t sha1[] = { 0x2b, 0x0e, 0x03, 0x02, 0x1a };
	static const uint8_t sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
	struct slice oid, null;

	if (!der_take(&algorithm, TAG_OID, &oid))
		return malformed(reason, "names a certificate by a hash without an object identifier");
	(void)der_take(&algorithm, TAG_NULL, &null);
	if (algorithm.len > 0)
		return malformed(reason, "names a certificate by a hash with parameters");
	if (slice_eq(oid, slice_of(sha1, sizeof(sha1))))
		*out = OCSP_SHA1;
	else if (slice_eq(oid, slice_of(sha256, sizeof(sha256))))
		*out = OCSP_SHA256;
	else {
		reason_set(reason, "the OCSP request names a certificate by a hash that is neither SHA-1 nor SHA-256");
		return ERR_UNSUPPORTED;
	}
	return ERR_OK;
}

/* No certificate has a negative serial, nor one of over 20 octets. */
static enum err
serial_read(struct slice integer, struct ocsp_id *out, struct reason *reason)
{
	if (integer.len > 1 && integer.data[0] == 0)
		integer = slice_of(integer.data + 1, integer.len - 1);
	else if (integer.data[0] & 0x80)
		return malformed(reason, "has a negative serial number (RFC 5280, 4.1.2.2)");
	if (integer.len > OCSP_SERIAL_MAX)
		return malformed(reason, "has a serial number of more than 20 octets (RFC 5280, 4.1.2.2)");
	memcpy(out->serial, integer.data, integer.len);
	out->serial_len = integer.len;
	return ERR_OK;
}

static enum err
id_read(struct slice in, struct ocsp_id *out, struct reason *reason)
{
	struct slice algorithm, name, key, serial;
	enum err err;

	if (!der_take(&in, TAG_SEQUENCE, &algorithm) || !der_take(&in, TAG_OCTET_STRING, &name) ||
	    !der_take(&in, TAG_OCTET_STRING, &key) || !der_take(&in, TAG_INTEGER, &serial) || in.len > 0)
		return malformed(reason, "has a CertID that is not hash, issuer's name, issuer's key, serial number");
	if ((err = hash_read(algorithm, &out->hash, reason)) != ERR_OK)
		return err;
	if (name.len != ocsp_hash_size(out->hash) || key.len != name.len)
		return malformed(reason, "has a CertID whose hashes are not as long as its algorithm's");
	memcpy(out->name, name.data, name.len);
	memcpy(out->key, key.data, key.len);
	return serial_read(serial, out, reason);
}

/* RFC 9654, 2.1: an OCTET STRING of 1 to 128 octets; others must be refused. */
static enum err
nonce_read(struct slice value, struct ocsp_request *out, struct reason *reason)
{
	struct slice nonce;

	if (out->nonce_len > 0)
		return malformed(reason, "has two nonces");
	if (!der_check(value, NULL) || !der_take(&value, TAG_OCTET_STRING, &nonce))
		return malformed(reason, "has a nonce that is no OCTET STRING (RFC 9654, 2.1)");
	if (nonce.len == 0 || nonce.len > OCSP_NONCE_MAX)
		return malformed(reason, "has a nonce that is not of 1 to 128 octets (RFC 9654, 2.1)");
	memcpy(out->nonce, nonce.data, nonce.len);
	out->nonce_len = nonce.len;
	return ERR_OK;
}

/* Of one certificate's extensions none means anything to us, so out is NULL there. */
static enum err
extension_read(struct slice in, struct ocsp_request *out, struct reason *reason)
{
	static const uint8_t nonce[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02 };
	struct slice oid, critical = { 0 }, value;

	if (!der_take(&in, TAG_OID, &oid))
		return malformed(reason, "has an extension without an object identifier");
	(void)der_take(&in, TAG_BOOLEAN, &critical);
	if (!der_take(&in, TAG_OCTET_STRING, &value) || in.len > 0)
		return malformed(reason, "has an extension without a value");
	if (out != NULL && slice_eq(oid, slice_of(nonce, sizeof(nonce))))
		return nonce_read(value, out, reason);
	if (critical.len == 1 && critical.data[0] != 0)
		return malformed(reason, "has a critical extension other than a nonce");
	return ERR_OK;
}

/* explicit is what stands in the context tag. */
static enum err
extensions_read(struct slice explicit, struct ocsp_request *out, struct reason *reason)
{
	struct slice list, one;
	enum err err = ERR_OK;

	if (!der_take(&explicit, TAG_SEQUENCE, &list) || explicit.len > 0 || list.len == 0)
		return malformed(reason, "has extensions that are no list");
	while (err == ERR_OK && list.len > 0)
		err = der_take(&list, TAG_SEQUENCE, &one) ? extension_read(one, out, reason)
							  : malformed(reason, "has an extension that is no SEQUENCE");
	return err;
}

static enum err
single_read(struct slice in, struct ocsp_id *out, struct reason *reason)
{
	struct slice id, extensions;
	enum err err;

	if (!der_take(&in, TAG_SEQUENCE, &id))
		return malformed(reason, "asks for something without a CertID");
	if ((err = id_read(id, out, reason)) != ERR_OK)
		return err;
	if (der_take(&in, TAG_0, &extensions) && (err = extensions_read(extensions, NULL, reason)) != ERR_OK)
		return err;
	return in.len == 0 ? ERR_OK : malformed(reason, "has bytes after a CertID");
}

static enum err
list_read(struct slice list, struct ocsp_request *out, struct reason *reason)
{
	struct slice one;
	enum err err = ERR_OK;

	while (err == ERR_OK && list.len > 0) {
		if (out->count == OCSP_IDS_MAX) {
			reason_set(reason, "the OCSP request is for more than %d certificates", OCSP_IDS_MAX);
			return ERR_UNSUPPORTED;
		}
		err = der_take(&list, TAG_SEQUENCE, &one) ? single_read(one, &out->ids[out->count++], reason)
							  : malformed(reason, "has a list of other things than requests");
	}
	if (err == ERR_OK && out->count == 0)
		return malformed(reason, "is for no certificate");
	return err;
}

static bool
version_is_1(struct slice explicit)
{
	struct slice number;

	return der_take(&explicit, TAG_INTEGER, &number) && explicit.len == 0 && number.len == 1 && number.data[0] == 0;
}

static enum err
body_read(struct slice in, struct ocsp_request *out, struct reason *reason)
{
	struct slice version, requestor, list, extensions;
	enum err err;

	if (der_take(&in, TAG_0, &version) && !version_is_1(version))
		return malformed(reason, "is of another version than 1");
	(void)der_take(&in, TAG_1, &requestor);
	if (!der_take(&in, TAG_SEQUENCE, &list))
		return malformed(reason, "has no list of certificates");
	if ((err = list_read(list, out, reason)) != ERR_OK)
		return err;
	if (der_take(&in, TAG_2, &extensions) && (err = extensions_read(extensions, out, reason)) != ERR_OK)
		return err;
	return in.len == 0 ? ERR_OK : malformed(reason, "has bytes after its extensions");
}

enum err
ocsp_request_parse(struct slice der, struct ocsp_request *out, struct reason *reason)
{
	struct slice request, body, signature;

	memset(out, 0, sizeof(*out));
	if (der.len > OCSP_REQUEST_MAX)
		return malformed(reason, "is too long");
	if (!der_check(der, reason))
		return ERR_MALFORMED;
	if (!der_take(&der, TAG_SEQUENCE, &request) || !der_take(&request, TAG_SEQUENCE, &body))
		return malformed(reason, "is no SEQUENCE of a SEQUENCE");
	(void)der_take(&request, TAG_0, &signature);
	if (request.len > 0)
		return malformed(reason, "has bytes after its signature");
	return body_read(body, out, reason);
}
