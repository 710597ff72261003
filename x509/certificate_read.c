#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "x509/certificate.h"
#include "x509/der.h"

enum err
certificate_parse(struct slice der, X509 **out, struct reason *reason)
{
	const uint8_t *p = der.data;

	*out = NULL;
	if (!der_check(der, reason))
		return ERR_MALFORMED;
	if ((*out = d2i_X509(NULL, &p, (long)der.len)) == NULL) {
		reason_set(reason, "it is DER, but no certificate");
		ERR_clear_error();
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static bool
seconds_of(const ASN1_TIME *time, int64_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*out = timegm(&tm);
	return true;
}

bool
certificate_validity(X509 *cert, int64_t *not_before, int64_t *not_after)
{
	return seconds_of(X509_get0_notBefore(cert), not_before) &&
	       seconds_of(X509_get0_notAfter(cert), not_after);
}

enum err
certificate_serial(X509 *cert, uint8_t out[20], size_t *len)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	int n = ASN1_STRING_length(serial);

	/* RFC 5280, 4.1.2.2: positive, at most 20 octets. */
	if (n < 1 || n > 20 || ASN1_STRING_type(serial) != V_ASN1_INTEGER)
		return ERR_MALFORMED;
	memcpy(out, ASN1_STRING_get0_data(serial), (size_t)n);
	*len = (size_t)n;
	return ERR_OK;
}

enum err
certificate_der(X509 *cert, struct buf *out)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);

	if (len <= 0) {
		ERR_clear_error();
		return ERR_CRYPTO;
	}
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	return out->failed ? ERR_MEMORY : ERR_OK;
}

enum err
certificate_pem(struct slice der, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	enum err err = ERR_MEMORY;

	if (bio != NULL && PEM_write_bio(bio, PEM_STRING_X509, "", der.data, (long)der.len) > 0 &&
	    (len = BIO_get_mem_data(bio, &text)) > 0) {
		buf_put(out, text, (size_t)len);
		err = out->failed ? ERR_MEMORY : ERR_OK;
	}
	BIO_free(bio);
	return err;
}

bool
certificate_has_authority(struct slice der, struct slice key_id)
{
	const uint8_t *p = der.data;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);
	const ASN1_OCTET_STRING *found = cert != NULL ? X509_get0_authority_key_id(cert) : NULL;
	bool same = found != NULL &&
	    slice_eq(slice_of(ASN1_STRING_get0_data(found), (size_t)ASN1_STRING_length(found)), key_id);

	X509_free(cert);
	ERR_clear_error();
	return same;
}

void
certificate_issuer_path(struct slice der, char out[CERTIFICATE_ISSUER_PATH_SIZE])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	int i;

	SHA256(der.data, der.len, digest);
	memcpy(out, "/issuer/", 8);
	for (i = 0; i < 8; i++)
		snprintf(out + 8 + 2 * i, 3, "%02x", digest[i]);
	memcpy(out + 24, ".crt", 5);
}

enum err
certificates_read(struct slice pem, STACK_OF(X509) * *out, struct reason *reason)
{
	/* An empty file is no lack of memory. */
	BIO *bio = BIO_new_mem_buf(pem.len > 0 ? (const void *)pem.data : "", (int)pem.len);
	X509 *cert;
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool ended;

	*out = NULL;
	if (bio == NULL || certs == NULL)
		goto memory;
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(certs, cert) <= 0) {
			X509_free(cert);
			goto memory;
		}
	ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(bio);
	if (ended && sk_X509_num(certs) > 0) {
		*out = certs;
		return ERR_OK;
	}
	if (ended)
		reason_set(reason, "it holds no PEM certificate");
	else
		reason_set(reason, "certificate %d in it is broken", sk_X509_num(certs) + 1);
	sk_X509_pop_free(certs, X509_free);
	return ERR_MALFORMED;
memory:
	ERR_clear_error();
	BIO_free(bio);
	sk_X509_pop_free(certs, X509_free);
	return ERR_MEMORY;
}
