/* request.h: a PKCS #10 request as OpenSSL's own decoder reads it, but for the key, which is left as
 * bytes: in OpenSSL 3.0 d2i_X509_REQ() decodes it at the price of three signatures. Only for csr.c. */
#ifndef SIGNET_X509_REQUEST_H
#define SIGNET_X509_REQUEST_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "lib/buf.h"

struct request_info {
	ASN1_INTEGER *version;
	X509_NAME *subject;
	ASN1_STRING *key; /* SubjectPublicKeyInfo, DER */
	STACK_OF(X509_ATTRIBUTE) * attributes;
	ASN1_ENCODING encoding; /* as received: what was signed */
};

struct request {
	struct request_info *info;
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *signature;
};

/* NULL unless the bytes are exactly one CertificationRequest. */
struct request *request_read(struct slice der);
void request_free(struct request *); /* NULL is fine */
EVP_PKEY *request_key(const struct request *); /* owned by the caller; NULL: unreadable */
bool request_verify(const struct request *, EVP_PKEY *);
/* The extensions asked for (RFC 2985, 5.4.2), owned; an empty stack when there are none; NULL: not just one
 * well-formed request for extensions. */
STACK_OF(X509_EXTENSION) * request_extensions(const struct request *);

#endif
