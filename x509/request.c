#include <openssl/asn1t.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "jose/ec.h"
#include "jose/signature.h"
#include "x509/request.h"

/* RFC 2986, 4. OpenSSL's macros want one name for the type and its description. */
typedef struct request_info REQUEST_INFO;

ASN1_SEQUENCE_enc(REQUEST_INFO, encoding, 0) = {
	ASN1_SIMPLE(struct request_info, version, ASN1_INTEGER),
	ASN1_SIMPLE(struct request_info, subject, X509_NAME),
	ASN1_SIMPLE(struct request_info, key, ASN1_SEQUENCE),
	ASN1_IMP_SET_OF_OPT(struct request_info, attributes, X509_ATTRIBUTE, 0),
} static_ASN1_SEQUENCE_END_ref(struct request_info, REQUEST_INFO)

ASN1_SEQUENCE(REQUEST) = {
	ASN1_SIMPLE(struct request, info, REQUEST_INFO),
	ASN1_SIMPLE(struct request, algorithm, X509_ALGOR),
	ASN1_SIMPLE(struct request, signature, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END_name(struct request, REQUEST)

struct request *
request_read(struct slice der)
{
	const uint8_t *p = der.data;
	struct request *request =
	    (struct request *)ASN1_item_d2i(NULL, &p, (long)der.len, ASN1_ITEM_rptr(REQUEST));

	if (request != NULL && p == der.data + der.len)
		return request;
	request_free(request);
	return NULL;
}

void
request_free(struct request *request)
{
	ASN1_item_free((ASN1_VALUE *)request, ASN1_ITEM_rptr(REQUEST));
}

/* What stands before an uncompressed point (RFC 5480, 2): sequence, algorithm, curve, bit string. */
static const struct curve {
	enum ec_curve curve;
	size_t head;
	size_t point;
	uint8_t bytes[27];
} curves[] = {
	{ EC_P256, 26, 65,
	    { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
		0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 } },
	{ EC_P384, 23, 97,
	    { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
		0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 } },
};

EVP_PKEY *
request_key(const struct request *request)
{
	const uint8_t *p, *der = ASN1_STRING_get0_data(request->info->key);
	size_t i, len = (size_t)ASN1_STRING_length(request->info->key);
	EVP_PKEY *key = NULL;

	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (len == curves[i].head + curves[i].point &&
		    memcmp(der, curves[i].bytes, curves[i].head) == 0 && der[curves[i].head] == 0x04) {
			(void)ec_public_key(
			    curves[i].curve, slice_of(der + curves[i].head, curves[i].point), &key);
			return key;
		}
	p = der;
	key = d2i_PUBKEY(NULL, &p, (long)len);
	if (key != NULL && p == der + len)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

bool
request_verify(const struct request *request, EVP_PKEY *key)
{
	const ASN1_ENCODING *signed_bytes = &request->info->encoding;
	const ASN1_BIT_STRING *signature = request->signature;
	const ASN1_OBJECT *algorithm;
	enum digest digest;

	X509_ALGOR_get0(&algorithm, NULL, NULL, request->algorithm);
	/* RSA-PSS, say, has parameters of its own. */
	if (!signature_fits(OBJ_obj2nid(algorithm), key, &digest))
		return ASN1_item_verify(ASN1_ITEM_rptr(REQUEST_INFO), request->algorithm, request->signature,
			   request->info, key) == 1;
	return (signature->flags & 7) == 0 && /* no unused bits */
	       signature_verify(key, digest, slice_of(signed_bytes->enc, (size_t)signed_bytes->len),
		   slice_of(ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature))) ==
		   ERR_OK;
}

STACK_OF(X509_EXTENSION) * request_extensions(const struct request *request)
{
	const X509_ATTRIBUTE *found = NULL;
	const ASN1_TYPE *value;
	const uint8_t *p;
	int i;

	for (i = 0; i < sk_X509_ATTRIBUTE_num(request->info->attributes); i++) {
		X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(request->info->attributes, i);
		int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute));

		if (nid != NID_ext_req && nid != NID_ms_ext_req)
			continue;
		if (found != NULL || X509_ATTRIBUTE_count(attribute) != 1)
			return NULL;
		found = attribute;
	}
	if (found == NULL)
		return sk_X509_EXTENSION_new_null();
	value = X509_ATTRIBUTE_get0_type((X509_ATTRIBUTE *)(uintptr_t)found, 0);
	if (value == NULL || value->type != V_ASN1_SEQUENCE)
		return NULL;
	p = value->value.sequence->data;
	return (STACK_OF(X509_EXTENSION) *)ASN1_item_d2i(
	    NULL, &p, value->value.sequence->length, ASN1_ITEM_rptr(X509_EXTENSIONS));
}
