/* Chains: which files are one, and the PKCS #7 of one. */
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "x509/certificate.h"
#include "x509/chain.h"
#include "x509/key.h"

static struct {
	EVP_PKEY *root_key, *other_key, *issuer_key;
	X509 *root, *other;
	X509 *issuer, *cross; /* one name and key, signed by root and by other */
	X509 *stranger; /* the issuer's name under another key */
} pki;

static X509 *
make(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	uint8_t serial[SERIAL_SIZE];
	struct ca_certificate made = { .common_name = name,
		.key = key,
		.not_before = 1700000000,
		.not_after = 4000000000,
		.path_length = -1,
		.serial = serial };
	struct reason reason = { "" };
	X509 *cert = NULL, *read;
	struct buf der = { 0 };
	const uint8_t *p;

	RAND_bytes(serial, sizeof(serial));
	serial[0] = 1;
	if (ca_certificate_build(&made, issuer, &cert, &reason) != ERR_OK)
		fail_msg("%s", reason.text);
	assert_int_equal(certificate_sign(cert, issuer_key), ERR_OK);
	/* As it comes from a file. */
	assert_int_equal(certificate_der(cert, &der), ERR_OK);
	p = der.data;
	assert_non_null(read = d2i_X509(NULL, &p, (long)der.len));
	X509_free(cert);
	buf_free(&der);
	return read;
}

static int
setup(void **state)
{
	(void)state;
	pki.root_key = key_generate(KEY_P256);
	pki.other_key = key_generate(KEY_P256);
	pki.issuer_key = key_generate(KEY_P256);
	pki.root = make("Root", pki.root_key, NULL, pki.root_key);
	pki.other = make("Other Root", pki.other_key, NULL, pki.other_key);
	pki.issuer = make("Issuer", pki.issuer_key, pki.root, pki.root_key);
	pki.cross = make("Issuer", pki.issuer_key, pki.other, pki.other_key);
	pki.stranger = make("Issuer", pki.other_key, pki.root, pki.root_key);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	X509_free(pki.root);
	X509_free(pki.other);
	X509_free(pki.issuer);
	X509_free(pki.cross);
	X509_free(pki.stranger);
	EVP_PKEY_free(pki.root_key);
	EVP_PKEY_free(pki.other_key);
	EVP_PKEY_free(pki.issuer_key);
	return 0;
}

static enum err
read_chain(X509 *const *certs, size_t count, X509 *issuer, STACK_OF(X509) * *out, struct reason *reason)
{
	struct buf pem = { 0 }, der = { 0 };
	enum err err;

	for (size_t i = 0; i < count; i++) {
		buf_clear(&der);
		assert_int_equal(certificate_der(certs[i], &der), ERR_OK);
		assert_int_equal(certificate_pem(buf_slice(&der), &pem), ERR_OK);
	}
	err = chain_read(buf_slice(&pem), issuer, out, reason);
	buf_free(&pem);
	buf_free(&der);
	return err;
}

static void
chains(void **state)
{
	const struct {
		X509 *certs[9];
		size_t count;
		X509 *issuer;
		const char *says; /* NULL: it is a chain */
	} rows[] = {
		{ { pki.issuer }, 1, NULL, NULL },
		{ { pki.issuer, pki.root }, 2, NULL, NULL },
		{ { pki.issuer, pki.root }, 2, pki.issuer, NULL },
		{ { pki.cross, pki.other }, 2, pki.issuer, NULL },
		{ { pki.cross }, 1, pki.issuer, NULL },
		{ { NULL }, 0, NULL, "no PEM" },
		{ { pki.root, pki.issuer }, 2, NULL, "certificate 1 is not signed by" },
		{ { pki.issuer, pki.other }, 2, NULL, "certificate 1 is not signed by" },
		{ { pki.issuer, pki.root, pki.issuer }, 3, NULL, "certificate 2 is not signed by" },
		{ { pki.root }, 1, pki.issuer, "the name and the key of the issuer" },
		{ { pki.stranger, pki.root }, 2, pki.issuer, "the name and the key of the issuer" },
		{ { pki.root, pki.root, pki.root, pki.root, pki.root, pki.root, pki.root, pki.root,
		      pki.root },
		    9, NULL, "8 are the most" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		STACK_OF(X509) * got;
		struct reason reason = { "" };
		enum err err = read_chain(rows[i].certs, rows[i].count, rows[i].issuer, &got, &reason);

		if ((err == ERR_OK) != (rows[i].says == NULL) || (err != ERR_OK && got != NULL) ||
		    (err != ERR_OK && strstr(reason.text, rows[i].says) == NULL))
			fail_msg("row %zu: %d, %s", i, (int)err, reason.text);
		assert_int_equal(
		    err == ERR_OK ? sk_X509_num(got) : 0, err == ERR_OK ? (int)rows[i].count : 0);
		sk_X509_pop_free(got, X509_free);
	}
}

/* A certificate that names the next as its issuer, but was signed by somebody else. */
static void
forged_link(void **state)
{
	X509 *forged = make("Forged", pki.other_key, pki.root, pki.issuer_key);
	STACK_OF(X509) * got;
	struct reason reason;

	(void)state;
	assert_int_equal(read_chain((X509 *[]){ forged, pki.root }, 2, NULL, &got, &reason), ERR_MALFORMED);
	X509_free(forged);
}

/* What stands in a file of certificates. */
static void
files(void **state)
{
	struct buf issuer = { 0 }, root = { 0 }, pem = { 0 };
	struct reason reason = { "" };
	STACK_OF(X509) * got;

	(void)state;
	assert_int_equal(certificate_der(pki.issuer, &issuer), ERR_OK);
	assert_int_equal(certificate_der(pki.root, &root), ERR_OK);
	buf_put_str(&pem, "some words before it\n");
	assert_int_equal(certificate_pem(buf_slice(&issuer), &pem), ERR_OK);
	assert_int_equal(certificate_pem(buf_slice(&root), &pem), ERR_OK);
	assert_int_equal(certificates_read(buf_slice(&pem), &got, &reason), ERR_OK);
	assert_int_equal(sk_X509_num(got), 2);
	assert_int_equal(X509_cmp(sk_X509_value(got, 1), pki.root), 0);
	sk_X509_pop_free(got, X509_free);
	buf_put_str(&pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	assert_int_equal(certificates_read(buf_slice(&pem), &got, &reason), ERR_MALFORMED);
	assert_string_equal(reason.text, "certificate 3 in it is broken");
	assert_null(got);
	assert_int_equal(certificates_read(slice_of("", 0), &got, &reason), ERR_MALFORMED);
	assert_string_equal(reason.text, "it holds no PEM certificate");
	buf_free(&issuer);
	buf_free(&root);
	buf_free(&pem);
}

/* Nothing but a shell: it has no times, and can't be written. */
static void
empty(void **state)
{
	X509 *cert = X509_new();
	struct buf der = { 0 };
	int64_t from, to;

	(void)state;
	assert_false(certificate_validity(cert, &from, &to));
	assert_int_equal(certificate_der(cert, &der), ERR_CRYPTO);
	X509_free(cert);
	buf_free(&der);
}

/* Whom a certificate names as its issuer, by the key's identifier. */
static void
authority(void **state)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(pki.root);
	struct slice key_id = slice_of(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
	struct buf issuer = { 0 }, cross = { 0 };

	(void)state;
	assert_int_equal(certificate_der(pki.issuer, &issuer), ERR_OK);
	assert_int_equal(certificate_der(pki.cross, &cross), ERR_OK);
	assert_true(certificate_has_authority(buf_slice(&issuer), key_id));
	assert_false(certificate_has_authority(buf_slice(&cross), key_id));
	assert_false(certificate_has_authority(slice_of(issuer.data, issuer.len - 1), key_id));
	buf_free(&issuer);
	buf_free(&cross);
}

static void
pkcs7(void **state)
{
	struct buf issuer = { 0 }, root = { 0 }, der = { 0 };
	struct slice ders[2];
	const uint8_t *p;
	PKCS7 *p7;

	(void)state;
	assert_int_equal(certificate_der(pki.issuer, &issuer), ERR_OK);
	assert_int_equal(certificate_der(pki.root, &root), ERR_OK);
	ders[0] = buf_slice(&issuer);
	ders[1] = buf_slice(&root);
	assert_int_equal(chain_pkcs7(ders, 2, &der), ERR_OK);
	p = der.data;
	p7 = d2i_PKCS7(NULL, &p, (long)der.len);
	assert_non_null(p7);
	assert_true(PKCS7_type_is_signed(p7) && p == der.data + der.len);
	assert_int_equal(sk_X509_num(p7->d.sign->cert), 2);
	assert_int_equal(sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info), 0);
	assert_int_equal(X509_cmp(sk_X509_value(p7->d.sign->cert, 0), pki.issuer), 0);
	PKCS7_free(p7);
	ders[1].len--;
	assert_int_equal(chain_pkcs7(ders, 2, &der), ERR_CRYPTO);
	buf_free(&issuer);
	buf_free(&root);
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(chains), cmocka_unit_test(forged_link),
		cmocka_unit_test(files), cmocka_unit_test(authority), cmocka_unit_test(empty),
		cmocka_unit_test(pkcs7) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
