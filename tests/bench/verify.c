#include "tests/bench/verify.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The issuer last seen. OpenSSL 3.0 takes 0.3 ms to decode a certificate, as long as five signatures. */
static struct {
	pthread_mutex_t lock;
	struct buf pem;
	X509 *certificate;
} issuer_cache = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
has_name(const struct request *r, const GENERAL_NAME *name)
{
	const ASN1_STRING *text;
	int type;

	text = GENERAL_NAME_get0_value(name, &type);
	if (type != GEN_DNS)
		return false;
	for (size_t i = 0; i < r->name_count; i++)
		if (strlen(r->names[i]) == (size_t)ASN1_STRING_length(text) &&
		    memcmp(r->names[i], ASN1_STRING_get0_data(text), strlen(r->names[i])) == 0)
			return true;
	return false;
}

/* Names are random, so as many, each one asked for, and none twice is the same set. */
static bool
same_names(const X509 *leaf, const struct request *r)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	bool same = names != NULL && sk_GENERAL_NAME_num(names) == (int)r->name_count;

	for (int i = 0; same && i < sk_GENERAL_NAME_num(names); i++) {
		same = has_name(r, sk_GENERAL_NAME_value(names, i));
		for (int j = 0; same && j < i; j++)
			same = GENERAL_NAME_cmp(
				   sk_GENERAL_NAME_value(names, i), sk_GENERAL_NAME_value(names, j)) != 0;
	}
	GENERAL_NAMES_free(names);
	return same;
}

static const char *
check(X509 *leaf, X509 *issuer, const struct request *r)
{
	if (leaf == NULL)
		return "there is no certificate in the reply";
	if (issuer == NULL)
		return "the issuer's certificate is missing";
	if (X509_NAME_cmp(X509_get_issuer_name(leaf), X509_get_subject_name(issuer)) != 0)
		return "the issuer's name is not the second certificate's subject";
	if (X509_verify(leaf, X509_get0_pubkey(issuer)) != 1)
		return "the second certificate's key did not sign the first";
	if (EVP_PKEY_eq(X509_get0_pubkey(leaf), r->key) != 1)
		return "the key is not the one asked for";
	if (!same_names(leaf, r))
		return "the names are not those asked for";
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) >= 0 ||
	    X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0)
		return "it is not valid now";
	return NULL;
}

static X509 *
read_certificate(struct slice pem)
{
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return certificate;
}

/* The certificate at the start of pem, for the caller to free, or NULL. */
static X509 *
read_issuer(struct slice pem)
{
	X509 *found;

	pthread_mutex_lock(&issuer_cache.lock);
	if (!slice_eq(pem, buf_slice(&issuer_cache.pem))) {
		X509_free(issuer_cache.certificate);
		issuer_cache.certificate = read_certificate(pem);
		buf_clear(&issuer_cache.pem);
		buf_put(&issuer_cache.pem, pem.data, pem.len);
	}
	if ((found = issuer_cache.certificate) != NULL)
		X509_up_ref(found);
	pthread_mutex_unlock(&issuer_cache.lock);
	return found;
}

void
verify_end(void)
{
	X509_free(issuer_cache.certificate);
	buf_free(&issuer_cache.pem);
}

const char *
verify_chain(struct slice pem, const struct request *r, X509 **leaf)
{
	static const char end[] = "-----END CERTIFICATE-----\n";
	const uint8_t *rest = pem.len == 0 ? NULL : memmem(pem.data, pem.len, end, sizeof(end) - 1);
	X509 *issuer;
	const char *wrong;

	*leaf = NULL;
	if (rest == NULL)
		return "there is no certificate in the reply";
	rest += sizeof(end) - 1;
	*leaf = read_certificate(slice_of(pem.data, (size_t)(rest - pem.data)));
	issuer = read_issuer(slice_of(rest, pem.len - (size_t)(rest - pem.data)));
	if ((wrong = check(*leaf, issuer, r)) != NULL) {
		X509_free(*leaf);
		*leaf = NULL;
	}
	X509_free(issuer);
	return wrong;
}
