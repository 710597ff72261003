#include "pebble-compat/challtestsrv/self_signed.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/address.h"

#define HOUR 3600
#define YEAR (365L * 24 * HOUR)
#define PEBBLE_SERIAL 1729	/* all challenge certificates of pebble-challtestsrv have it */
#define V4_ENDING ".in-addr.arpa"
#define V6_ENDING ".ip6.arpa"
#define V6_NIBBLES 32

/* Subject and issuer are the same; cn may be NULL. */
static X509 *
begin(EVP_PKEY *key, int64_t serial, const char *cn)
{
	X509		*cert = X509_new();
	X509_NAME	*name = X509_NAME_new();

	if (cert != NULL && name != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), serial) == 1 &&
	    (cn == NULL || X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0) == 1) &&
	    X509_set_subject_name(cert, name) == 1 && X509_set_issuer_name(cert, name) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -HOUR) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), YEAR) != NULL && X509_set_pubkey(cert, key) == 1) {
		X509_NAME_free(name);
		return cert;
	}
	X509_NAME_free(name);
	X509_free(cert);
	return NULL;
}

static bool
add(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION	*extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool		 added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return added;
}

static bool
pem_put(BIO *bio, struct buf *out)
{
	char	*data;
	long	 len = BIO_get_mem_data(bio, &data);

	buf_put(out, data, len > 0 ? (size_t)len : 0);
	return !out->failed;
}

bool
self_signed_https(EVP_PKEY *key, struct buf *certificate, struct buf *pem_key)
{
	BIO	*bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
	int64_t	 serial = 0;
	X509	*cert = NULL;
	bool	 made;

	if (RAND_bytes((uint8_t *)&serial, 7) != 1)
		serial = 1;
	made = bio != NULL && key_bio != NULL && (cert = begin(key, serial, "challenge test server")) != NULL &&
	    add(cert, NID_basic_constraints, "critical,CA:TRUE") &&
	    add(cert, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
	    add(cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
	    X509_sign(cert, key, EVP_sha256()) > 0 && PEM_write_bio_X509(bio, cert) == 1 &&
	    PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    pem_put(bio, certificate) && pem_put(key_bio, pem_key);
	X509_free(cert);
	BIO_free(bio);
	BIO_free(key_bio);
	return made;
}

/* RFC 8738, 6: the address that a reverse name stands for. */
static bool
reverse_read(const char *name, struct address *out)
{
	size_t		len = strlen(name);
	unsigned	v[4];
	char		text[ADDRESS_TEXT_SIZE * 2], back[ADDRESS_REVERSE_SIZE];
	size_t		n = 0;

	if (len == V6_NIBBLES * 2 - 1 + strlen(V6_ENDING)) {
		for (int i = V6_NIBBLES - 1; i >= 0; i--) {
			text[n++] = name[i * 2];
			if (i % 4 == 0 && i > 0)
				text[n++] = ':';
		}
		text[n] = '\0';
	} else if (sscanf(name, "%3u.%3u.%3u.%3u", &v[0], &v[1], &v[2], &v[3]) == 4) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u", v[3], v[2], v[1], v[0]);
	} else {
		return false;
	}
	if (!address_parse(text, out))
		return false;
	address_reverse(out, back);
	return strcasecmp(back, name) == 0;
}

static bool
add_san(X509 *cert, const char *server_name)
{
	GENERAL_NAMES	*names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME	*name = GENERAL_NAME_new();
	ASN1_STRING	*value = NULL;
	struct address	 address;
	bool		 ip = reverse_read(server_name, &address), added = false;

	value = ip ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (names == NULL || name == NULL || value == NULL || (ip ?
	    ASN1_STRING_set(value, address.bytes, (int)address_size(&address)) :
	    ASN1_STRING_set(value, server_name, (int)strlen(server_name))) != 1)
		goto out;
	GENERAL_NAME_set0_value(name, ip ? GEN_IPADD : GEN_DNS, value);
	value = NULL;
	if (sk_GENERAL_NAME_push(names, name) <= 0)
		goto out;
	name = NULL;
	/* Critical, as the subject is empty (RFC 5280, 4.2.1.6). */
	added = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 1, 0) == 1;
 out:
	ASN1_STRING_free(value);
	GENERAL_NAME_free(name);
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return added;
}

static bool
add_identifier(X509 *cert, const char *authorization)
{
	uint8_t			 der[2 + SHA256_DIGEST_LENGTH] = { 0x04, SHA256_DIGEST_LENGTH };
	ASN1_OBJECT		*kind = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);	/* id-pe-acmeIdentifier */
	ASN1_OCTET_STRING	*value = ASN1_OCTET_STRING_new();
	X509_EXTENSION		*extension = NULL;
	bool			 added;

	SHA256((const uint8_t *)authorization, strlen(authorization), der + 2);
	added = kind != NULL && value != NULL && ASN1_OCTET_STRING_set(value, der, (int)sizeof(der)) == 1 &&
	    (extension = X509_EXTENSION_create_by_OBJ(NULL, kind, 1, value)) != NULL &&
	    X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(kind);
	return added;
}

X509 *
self_signed_challenge(EVP_PKEY *key, const char *server_name, const char *authorization)
{
	X509 *cert = begin(key, PEBBLE_SERIAL, NULL);

	if (cert != NULL && add_san(cert, server_name) && add_identifier(cert, authorization) &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}
