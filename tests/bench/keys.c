#include "tests/bench/keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"

#define MUST(x)                                                                                              \
	do {                                                                                                 \
		if (!(x)) {                                                                                  \
			fprintf(stderr, "load: %s:%d: %s failed\n", __FILE__, __LINE__, #x);                 \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

static void
put_number(struct buf *out, EVP_PKEY *key, const char *name, int width)
{
	BIGNUM *n = NULL;
	uint8_t bytes[1024];
	int len;

	MUST(EVP_PKEY_get_bn_param(key, name, &n) == 1);
	len = width > 0 ? width : BN_num_bytes(n);
	MUST(len <= (int)sizeof(bytes) && BN_bn2binpad(n, bytes, len) == len);
	base64url_put(out, bytes, (size_t)len);
	BN_free(n);
}

void
account_key_new(struct account_key *a, bool rsa)
{
	struct buf jwk = { 0 };
	uint8_t digest[32];

	a->rsa = rsa;
	a->key = key_new(rsa ? "rsa2048" : "p256");
	/* RFC 7638, 3: required members, sorted, no space. */
	buf_put_str(&jwk, rsa ? "{\"e\":\"" : "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	put_number(&jwk, a->key, rsa ? OSSL_PKEY_PARAM_RSA_E : OSSL_PKEY_PARAM_EC_PUB_X, rsa ? 0 : 32);
	buf_put_str(&jwk, rsa ? "\",\"kty\":\"RSA\",\"n\":\"" : "\",\"y\":\"");
	put_number(&jwk, a->key, rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_Y, rsa ? 0 : 32);
	buf_put_str(&jwk, "\"}");
	MUST((a->jwk = buf_take_str(&jwk)) != NULL);
	MUST(EVP_Digest(a->jwk, strlen(a->jwk), digest, NULL, EVP_sha256(), NULL) == 1);
	base64url_text(digest, sizeof(digest), a->thumbprint);
}

void
account_key_free(struct account_key *a)
{
	EVP_PKEY_free(a->key);
	free(a->jwk);
}

/* RFC 7518, 3.4: r and s, 32 bytes each. */
static size_t
flatten(const uint8_t *der, size_t len, uint8_t out[64])
{
	const uint8_t *at = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);

	MUST(sig != NULL);
	MUST(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) == 32);
	MUST(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) == 32);
	ECDSA_SIG_free(sig);
	return 64;
}

void
account_key_sign(const struct account_key *a, struct slice bytes, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[512], flat[64];
	size_t len = sizeof(sig);

	MUST(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, a->key) == 1);
	MUST(EVP_DigestSign(ctx, sig, &len, bytes.data, bytes.len) == 1);
	EVP_MD_CTX_free(ctx);
	if (a->rsa)
		base64url_put(out, sig, len);
	else
		base64url_put(out, flat, flatten(sig, len, flat));
}

EVP_PKEY *
key_new(const char *type)
{
	EVP_PKEY *key;

	if (strncmp(type, "rsa", 3) == 0)
		key = EVP_RSA_gen((unsigned)atoi(type + 3));
	else if (strcmp(type, "ed25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_EC_gen(strcmp(type, "p384") == 0 ? "P-384" : "P-256");
	MUST(key != NULL);
	return key;
}

static char *
random_name(const char *domain)
{
	struct buf name = { 0 };
	uint8_t bytes[8];
	char *text;

	MUST(RAND_bytes(bytes, sizeof(bytes)) == 1);
	buf_put_str(&name, "n");
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_printf(&name, "%02x", bytes[i]);
	buf_printf(&name, ".%s", domain);
	MUST((text = buf_take_str(&name)) != NULL);
	return text;
}

static void
add_names(X509_REQ *csr, const struct request *r)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	STACK_OF(X509_EXTENSION) *extensions = NULL;

	MUST(names != NULL);
	for (size_t i = 0; i < r->name_count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		MUST(name != NULL && text != NULL && ASN1_STRING_set(text, r->names[i], -1) == 1);
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
		MUST(sk_GENERAL_NAME_push(names, name) > 0);
	}
	MUST(X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1);
	MUST(X509_REQ_add_extensions(csr, extensions) == 1);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	GENERAL_NAMES_free(names);
}

void
request_new(struct request *r, EVP_PKEY *key, size_t names, const char *domain)
{
	X509_REQ *csr = X509_REQ_new();
	uint8_t *der = NULL;
	int len;
	struct buf text = { 0 };
	const EVP_MD *digest = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();

	r->key = key;
	r->name_count = names;
	MUST((r->names = calloc(names, sizeof(*r->names))) != NULL);
	for (size_t i = 0; i < names; i++)
		r->names[i] = random_name(domain);
	MUST(csr != NULL && X509_REQ_set_version(csr, X509_REQ_VERSION_1) == 1);
	MUST(X509_REQ_set_pubkey(csr, key) == 1);
	add_names(csr, r);
	MUST(X509_REQ_sign(csr, key, digest) > 0);
	MUST((len = i2d_X509_REQ(csr, &der)) > 0);
	base64url_put(&text, der, (size_t)len);
	MUST((r->csr = buf_take_str(&text)) != NULL);
	OPENSSL_free(der);
	X509_REQ_free(csr);
}

void
request_free(struct request *r)
{
	for (size_t i = 0; i < r->name_count; i++)
		free(r->names[i]);
	free(r->names);
	free(r->csr);
}
