#include "x509/chain.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include "x509/certificate.h"

static enum err
check_links(STACK_OF(X509) * chain, struct reason *reason)
{
	int count = sk_X509_num(chain);

	if (count > CHAIN_MAX) {
		reason_set(reason, "it holds %d certificates; %d are the most", count, CHAIN_MAX);
		return ERR_MALFORMED;
	}
	for (int i = 0; i + 1 < count; i++) {
		X509 *one = sk_X509_value(chain, i), *next = sk_X509_value(chain, i + 1);

		if (X509_check_issued(next, one) == X509_V_OK &&
		    X509_verify(one, X509_get0_pubkey(next)) == 1)
			continue;
		ERR_clear_error();
		reason_set(reason,
		    "certificate %d is not signed by the one after it; order them from the issuer up", i + 1);
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static enum err
check_same_issuer(X509 *first, X509 *issuer, struct reason *reason)
{
	if (X509_NAME_cmp(X509_get_subject_name(first), X509_get_subject_name(issuer)) == 0 &&
	    EVP_PKEY_eq(X509_get0_pubkey(first), X509_get0_pubkey(issuer)) == 1 && X509_check_ca(first) == 1)
		return ERR_OK;
	ERR_clear_error();
	reason_set(reason,
	    "its first certificate is no CA certificate with the name and the key of the issuer; "
	    "another chain begins with a cross-sign of the issuer, or with its own certificate");
	return ERR_MALFORMED;
}

enum err
chain_read(struct slice pem, X509 *issuer, STACK_OF(X509) * *out, struct reason *reason)
{
	STACK_OF(X509) *chain = NULL;
	enum err err;

	*out = NULL;
	if ((err = certificates_read(pem, &chain, reason)) != ERR_OK)
		return err;
	if ((err = check_links(chain, reason)) == ERR_OK && issuer != NULL)
		err = check_same_issuer(sk_X509_value(chain, 0), issuer, reason);
	if (err == ERR_OK)
		*out = chain;
	else
		sk_X509_pop_free(chain, X509_free);
	return err;
}

enum err
chain_pkcs7(const struct slice *ders, size_t count, struct buf *out)
{
	PKCS7 *p7 = PKCS7_new();
	uint8_t *der = NULL;
	enum err err = ERR_CRYPTO;
	int len;

	if (p7 == NULL || PKCS7_set_type(p7, NID_pkcs7_signed) != 1 ||
	    PKCS7_content_new(p7, NID_pkcs7_data) != 1 || PKCS7_set_detached(p7, 1) != 1)
		goto out;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *p = ders[i].data;
		X509 *cert = d2i_X509(NULL, &p, (long)ders[i].len);
		int added = cert != NULL && PKCS7_add_certificate(p7, cert) == 1;

		X509_free(cert);
		if (!added)
			goto out;
	}
	if ((len = i2d_PKCS7(p7, &der)) <= 0)
		goto out;
	buf_put(out, der, (size_t)len);
	err = out->failed ? ERR_MEMORY : ERR_OK;
out:
	ERR_clear_error();
	OPENSSL_free(der);
	PKCS7_free(p7);
	return err;
}
