/* ocsp_response.c: RFC 6960, 4.2.1. */
#include <openssl/sha.h>
#include <string.h>
#include <time.h>

#include "x509/der.h"
#include "x509/ocsp.h"
#include "x509/sign.h"

enum {
	TAG_INTEGER = 0x02,
	TAG_OCTET_STRING = 0x04,
	TAG_OID = 0x06,
	TAG_ENUMERATED = 0x0a,
	TAG_SEQUENCE = 0x30,
	TAG_TIME = 0x18,	/* GeneralizedTime */
	TAG_GOOD = 0x80,	/* [0] NULL, implicit */
	TAG_UNKNOWN = 0x82,
	TAG_0 = 0xa0,
	TAG_1 = 0xa1,
	TAG_2 = 0xa2
};

/* Wraps content, takes it over and frees it. */
static void
wrap(struct buf *out, uint8_t tag, struct buf *content)
{
	der_put(out, tag, buf_slice(content));
	out->failed = out->failed || content->failed;
	buf_free(content);
}

static void
time_put(struct buf *out, int64_t seconds)
{
	time_t at = (time_t)seconds;
	char text[32] = "";
	struct tm tm;

	/* Years of four digits: RFC 5280, 4.1.2.5.2. */
	out->failed = out->failed || gmtime_r(&at, &tm) == NULL ||
		      strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) != 15;
	der_put(out, TAG_TIME, slice_str(text));
}

static void
enumerated_put(struct buf *out, uint8_t value)
{
	der_put(out, TAG_ENUMERATED, slice_of(&value, 1));
}

/* With the parameters as most write them; those who compare look at the algorithm. */
static void
hash_put(struct buf *out, enum ocsp_hash hash)
{
	static const uint8_t sha1[] = { 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00 };
	static const uint8_t sha256[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00 };

	der_put(out, TAG_SEQUENCE,
	    hash == OCSP_SHA1 ? slice_of(sha1, sizeof(sha1)) : slice_of(sha256, sizeof(sha256)));
}

static void
id_put(struct buf *out, const struct ocsp_id *id)
{
	struct buf content = { 0 }, serial = { 0 };

	hash_put(&content, id->hash);
	der_put(&content, TAG_OCTET_STRING, slice_of(id->name, ocsp_hash_size(id->hash)));
	der_put(&content, TAG_OCTET_STRING, slice_of(id->key, ocsp_hash_size(id->hash)));
	if (id->serial[0] & 0x80)
		buf_put_byte(&serial, 0);
	buf_put(&serial, id->serial, id->serial_len);
	wrap(&content, TAG_INTEGER, &serial);
	wrap(out, TAG_SEQUENCE, &content);
}

static void
revoked_put(struct buf *out, const struct ocsp_single *single)
{
	struct buf content = { 0 }, reason = { 0 };

	time_put(&content, single->revoked);
	/* As in a CRL (RFC 5280, 5.3.1): unspecified is said by saying nothing. */
	if (single->reason != REVOCATION_NONE && single->reason != REVOCATION_UNSPECIFIED) {
		enumerated_put(&reason, (uint8_t)single->reason);
		wrap(&content, TAG_0, &reason);
	}
	wrap(out, TAG_1, &content);
}

static void
single_put(struct buf *out, const struct ocsp_single *single, const struct ocsp_response *response)
{
	struct buf content = { 0 }, next = { 0 };

	id_put(&content, &single->id);
	if (single->status == OCSP_REVOKED)
		revoked_put(&content, single);
	else
		der_put(&content, single->status == OCSP_GOOD ? TAG_GOOD : TAG_UNKNOWN, (struct slice){ 0 });
	time_put(&content, response->this_update);
	time_put(&next, response->next_update);
	wrap(&content, TAG_0, &next);
	wrap(out, TAG_SEQUENCE, &content);
}

/* byKey: the shorter one, and what RFC 5019, 2.2.1 asks for. */
static void
responder_put(struct buf *out, X509 *issuer)
{
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(issuer);
	uint8_t digest[SHA_DIGEST_LENGTH];
	struct buf content = { 0 };

	SHA1(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), digest);
	der_put(&content, TAG_OCTET_STRING, slice_of(digest, sizeof(digest)));
	wrap(out, TAG_2, &content);
}

/* RFC 9654, 2.1: the same as in the request. */
static void
nonce_put(struct buf *out, struct slice nonce)
{
	static const uint8_t oid[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02 };
	struct buf value = { 0 }, extension = { 0 }, list = { 0 }, tagged = { 0 };

	der_put(&value, TAG_OCTET_STRING, nonce);
	der_put(&extension, TAG_OID, slice_of(oid, sizeof(oid)));
	wrap(&extension, TAG_OCTET_STRING, &value);
	wrap(&list, TAG_SEQUENCE, &extension);
	wrap(&tagged, TAG_SEQUENCE, &list);
	wrap(out, TAG_1, &tagged);
}

/* ResponseData */
static void
data_put(struct buf *out, const struct ocsp_response *response)
{
	struct buf content = { 0 }, singles = { 0 };

	responder_put(&content, response->issuer);
	time_put(&content, response->produced);
	for (size_t i = 0; i < response->count; i++)
		single_put(&singles, &response->singles[i], response);
	wrap(&content, TAG_SEQUENCE, &singles);
	if (response->nonce.len > 0)
		nonce_put(&content, response->nonce);
	wrap(out, TAG_SEQUENCE, &content);
}

/* OCSPResponse with a BasicOCSPResponse, which it takes over. */
static void
successful_put(struct buf *out, struct buf *basic)
{
	static const uint8_t oid[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };
	struct buf bytes = { 0 }, tagged = { 0 }, content = { 0 };

	der_put(&bytes, TAG_OID, slice_of(oid, sizeof(oid)));
	wrap(&bytes, TAG_OCTET_STRING, basic);
	wrap(&tagged, TAG_SEQUENCE, &bytes);
	enumerated_put(&content, OCSP_SUCCESSFUL);
	wrap(&content, TAG_0, &tagged);
	wrap(out, TAG_SEQUENCE, &content);
}

enum err
ocsp_response_sign(const struct ocsp_response *response, EVP_PKEY *issuer_key, struct buf *out)
{
	struct buf data = { 0 }, basic = { 0 };
	enum err err = ERR_MEMORY;

	data_put(&data, response);
	if (!data.failed && (err = signed_put(buf_slice(&data), issuer_key, &basic)) == ERR_OK) {
		successful_put(out, &basic);
		err = out->failed ? ERR_MEMORY : ERR_OK;
	}
	buf_free(&basic);
	buf_free(&data);
	return err;
}

enum err
ocsp_error_put(enum ocsp_status status, struct buf *out)
{
	struct buf content = { 0 };

	enumerated_put(&content, (uint8_t)status);
	wrap(out, TAG_SEQUENCE, &content);
	return out->failed ? ERR_MEMORY : ERR_OK;
}

static void
digest_make(enum ocsp_hash hash, const uint8_t *data, size_t len, uint8_t out[OCSP_HASH_MAX])
{
	if (hash == OCSP_SHA1)
		SHA1(data, len, out);
	else
		SHA256(data, len, out);
}

bool
ocsp_id_of(const struct ocsp_id *id, X509 *issuer)
{
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(issuer);
	size_t size = ocsp_hash_size(id->hash), len;
	const uint8_t *name;
	uint8_t digest[OCSP_HASH_MAX];

	if (X509_NAME_get0_der(X509_get_subject_name(issuer), &name, &len) != 1)
		return false;
	digest_make(id->hash, name, len, digest);
	if (memcmp(digest, id->name, size) != 0)
		return false;
	digest_make(id->hash, ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), digest);
	return memcmp(digest, id->key, size) == 0;
}
