/* sign.c: X509_sign() without what OpenSSL 3.0 looks up and encodes again and again. */
#include <openssl/err.h>
#include <stdlib.h>

#include "jose/signature.h"
#include "x509/certificate.h"
#include "x509/der.h"
#include "x509/key.h"
#include "x509/sign.h"

enum { TAG_BIT_STRING = 0x03, TAG_SEQUENCE = 0x30 };

/* What a key of this type signs with. */
static int
signature_nid(EVP_PKEY *key)
{
	switch (key_type_of(key)) {
	case KEY_P256:
		return NID_ecdsa_with_SHA256;
	case KEY_P384:
		return NID_ecdsa_with_SHA384;
	case KEY_P521:
		return NID_ecdsa_with_SHA512;
	case KEY_ED25519:
		return NID_ED25519;
	case KEY_ED448:
		return NID_ED448;
	default:
		return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? NID_sha256WithRSAEncryption : NID_undef;
	}
}

/* RFC 4055, 5: RSA's parameters are NULL; the others have none (RFC 5758, 3.2). */
static int
parameters_type(int nid)
{
	return nid == NID_sha256WithRSAEncryption ? V_ASN1_NULL : V_ASN1_UNDEF;
}

/* Inside and outside. */
static bool
algorithm_set(X509 *cert, int nid)
{
	const X509_ALGOR *outer;
	int type = parameters_type(nid);

	X509_get0_signature(NULL, &outer, cert);
	return X509_ALGOR_set0(
		   (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(cert), OBJ_nid2obj(nid), type, NULL) == 1 &&
	       X509_ALGOR_set0((X509_ALGOR *)(uintptr_t)outer, OBJ_nid2obj(nid), type, NULL) == 1;
}

static bool
signature_set(X509 *cert, struct slice bytes)
{
	const ASN1_BIT_STRING *outer;
	ASN1_BIT_STRING *signature;

	X509_get0_signature(&outer, NULL, cert);
	signature = (ASN1_BIT_STRING *)(uintptr_t)outer;
	signature->flags = (signature->flags & ~7L) | ASN1_STRING_FLAG_BITS_LEFT; /* no unused bits */
	return ASN1_STRING_set(signature, bytes.data, (int)bytes.len) == 1;
}

/* The whole certificate; a pair with parts_read(). */
static enum err
parts_put(struct slice tbs, struct slice algorithm, struct slice signature, struct buf *out)
{
	struct buf content = { 0 }, bits = { 0 };

	buf_put_byte(&bits, 0); /* no unused bits */
	buf_put(&bits, signature.data, signature.len);
	buf_put(&content, tbs.data, tbs.len);
	buf_put(&content, algorithm.data, algorithm.len);
	der_put(&content, TAG_BIT_STRING, buf_slice(&bits));
	der_put(out, TAG_SEQUENCE, buf_slice(&content));
	out->failed = out->failed || content.failed || bits.failed;
	buf_free(&content);
	buf_free(&bits);
	return out->failed ? ERR_MEMORY : ERR_OK;
}

/* Cuts the value in front off, header and all, and gives its content, too. */
static struct slice
value_next(struct slice *in, struct slice *content)
{
	const uint8_t *p = in->data;
	struct slice value;
	long len;
	int tag, class;

	/* Who calls this made the bytes. */
	if (ASN1_get_object(&p, &len, &tag, &class, (long)in->len) & 0x80)
		abort();
	*content = slice_of(p, (size_t)len);
	value = slice_of(in->data, (size_t)(p - in->data) + (size_t)len);
	*in = slice_of(in->data + value.len, in->len - value.len);
	return value;
}

static void
parts_read(struct slice der, struct slice *tbs, struct slice *algorithm)
{
	struct slice content, inside;

	(void)value_next(&der, &content);
	*tbs = value_next(&content, &inside);
	*algorithm = value_next(&content, &inside);
}

enum err
certificate_sign_der(X509 *cert, EVP_PKEY *issuer_key, struct buf *out)
{
	const X509_ALGOR *outer;
	struct buf signature = { 0 };
	uint8_t *tbs = NULL, *algorithm = NULL;
	enum digest digest;
	int tbs_len = -1, algorithm_len = -1, nid = signature_nid(issuer_key);
	enum err err = ERR_CRYPTO;

	X509_get0_signature(NULL, &outer, cert);
	if (!signature_fits(nid, issuer_key, &digest) || !algorithm_set(cert, nid) ||
	    (tbs_len = i2d_re_X509_tbs(cert, &tbs)) <= 0 ||
	    (algorithm_len = i2d_X509_ALGOR(outer, &algorithm)) <= 0 ||
	    (err = signature_make(issuer_key, digest, slice_of(tbs, (size_t)tbs_len), &signature)) != ERR_OK)
		goto out;
	err = signature_set(cert, buf_slice(&signature))
		  ? parts_put(slice_of(tbs, (size_t)tbs_len), slice_of(algorithm, (size_t)algorithm_len),
			buf_slice(&signature), out)
		  : ERR_MEMORY;
out:
	buf_free(&signature);
	OPENSSL_free(tbs);
	OPENSSL_free(algorithm);
	ERR_clear_error();
	return err;
}

enum err
certificate_sign(X509 *cert, EVP_PKEY *issuer_key)
{
	struct buf der = { 0 };
	enum err err = certificate_sign_der(cert, issuer_key, &der);

	buf_free(&der);
	return err;
}

enum err
certificate_sign_again(struct slice der, EVP_PKEY *issuer_key, struct buf *out)
{
	struct slice tbs, algorithm;
	struct buf signature = { 0 };
	X509_ALGOR *decoded;
	const ASN1_OBJECT *object;
	const uint8_t *p;
	enum digest digest;
	enum err err;

	parts_read(der, &tbs, &algorithm);
	p = algorithm.data;
	if ((decoded = d2i_X509_ALGOR(NULL, &p, (long)algorithm.len)) == NULL)
		return ERR_MEMORY;
	X509_ALGOR_get0(&object, NULL, NULL, decoded);
	if (!signature_fits(OBJ_obj2nid(object), issuer_key, &digest))
		abort();
	if ((err = signature_make(issuer_key, digest, tbs, &signature)) == ERR_OK)
		err = parts_put(tbs, algorithm, buf_slice(&signature), out);
	X509_ALGOR_free(decoded);
	buf_free(&signature);
	return err;
}

enum err
signed_put(struct slice tbs, EVP_PKEY *key, struct buf *out)
{
	X509_ALGOR *algorithm = X509_ALGOR_new();
	struct buf signature = { 0 };
	uint8_t *der = NULL;
	enum digest digest;
	int len = -1, nid = signature_nid(key);
	enum err err = ERR_CRYPTO;

	if (algorithm != NULL && signature_fits(nid, key, &digest) &&
	    X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), parameters_type(nid), NULL) == 1 &&
	    (len = i2d_X509_ALGOR(algorithm, &der)) > 0 &&
	    (err = signature_make(key, digest, tbs, &signature)) == ERR_OK)
		err = parts_put(tbs, slice_of(der, (size_t)len), buf_slice(&signature), out);
	X509_ALGOR_free(algorithm);
	OPENSSL_free(der);
	buf_free(&signature);
	ERR_clear_error();
	return err;
}
