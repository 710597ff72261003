#include "tests/bench/method.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"
#include "tests/bench/responder.h"

#define DNS_PREFIX "_acme-challenge."
#define VALUE_MAX 256
#define KEY_MAX 300
#define DIGEST_SIZE 32
#define CERTIFICATE_TIME 86400 /* s; the server looks at it once */

static void
key_authorization(char out[VALUE_MAX], const char *token, const char *thumbprint)
{
	snprintf(out, VALUE_MAX, "%s.%s", token, thumbprint);
}

static void
digest(uint8_t out[DIGEST_SIZE], const char *token, const char *thumbprint)
{
	char text[VALUE_MAX];

	key_authorization(text, token, thumbprint);
	if (EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

/* --- http-01 (RFC 8555, 8.3) --------------------------------------------------------------------- */

static void
http_publish(const char *name, const char *token, const char *thumbprint)
{
	char text[VALUE_MAX];

	(void)name;
	key_authorization(text, token, thumbprint);
	responder_add(token, text, NULL);
}

static void
http_withdraw(const char *name, const char *token)
{
	(void)name;
	responder_remove(token);
}

/* --- dns-01 (RFC 8555, 8.4) ---------------------------------------------------------------------- */

static void
dns_publish(const char *name, const char *token, const char *thumbprint)
{
	uint8_t hash[DIGEST_SIZE];
	char key[KEY_MAX], text[VALUE_MAX];

	snprintf(key, sizeof(key), DNS_PREFIX "%s", name);
	digest(hash, token, thumbprint);
	base64url_text(hash, sizeof(hash), text);
	responder_add(key, text, NULL);
}

static void
dns_withdraw(const char *name, const char *token)
{
	char key[KEY_MAX];

	(void)token;
	snprintf(key, sizeof(key), DNS_PREFIX "%s", name);
	responder_remove(key);
}

/* --- tls-alpn-01 (RFC 8737) ---------------------------------------------------------------------- */

static void
add_extension(X509 *certificate, const char *oid, const char *value, int critical)
{
	X509_EXTENSION *extension;
	char text[KEY_MAX + 16];

	snprintf(text, sizeof(text), "%s%s", critical ? "critical," : "", value);
	if ((extension = X509V3_EXT_conf(NULL, NULL, oid, text)) == NULL ||
	    X509_add_ext(certificate, extension, -1) != 1)
		abort();
	X509_EXTENSION_free(extension);
}

static X509 *
challenge_certificate(const char *name, const uint8_t hash[DIGEST_SIZE])
{
	X509 *certificate = X509_new();
	EVP_PKEY *key = responder_tls_key();
	char text[KEY_MAX];

	if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(certificate), -60) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_TIME) == NULL ||
	    X509_set_pubkey(certificate, key) != 1)
		abort();
	snprintf(text, sizeof(text), "DNS:%s", name);
	add_extension(certificate, "subjectAltName", text, 0);
	strcpy(text, "DER:0420");
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		snprintf(text + 8 + 2 * i, 3, "%02x", hash[i]);
	add_extension(certificate, "1.3.6.1.5.5.7.1.31", text, 1);
	if (X509_sign(certificate, key, EVP_sha256()) == 0)
		abort();
	return certificate;
}

static void
tls_publish(const char *name, const char *token, const char *thumbprint)
{
	uint8_t hash[DIGEST_SIZE];

	digest(hash, token, thumbprint);
	responder_add(name, "", challenge_certificate(name, hash));
}

static void
tls_withdraw(const char *name, const char *token)
{
	(void)token;
	responder_remove(name);
}

/* ------------------------------------------------------------------------------------------------- */

static const struct method methods[] = {
	{ "http-01", http_publish, http_withdraw },
	{ "dns-01", dns_publish, dns_withdraw },
	{ "tls-alpn-01", tls_publish, tls_withdraw },
};

const struct method *
method_find(const char *type)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (type != NULL && strcmp(methods[i].type, type) == 0)
			return &methods[i];
	return NULL;
}
