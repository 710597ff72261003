/* Revocation lists: what is built is what was asked for, and the lints see each fault. */
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "x509/certificate.h"
#include "x509/crl.h"
#include "x509/key.h"

#define NOW INT64_C(1800000000)
#define URL "http://ca.test:9080/crl/0011223344556677/0.crl"

static EVP_PKEY *keys[2];
static X509	*issuer, *other;

static X509 *
issuer_make(EVP_PKEY *key, const char *name)
{
	static const uint8_t  serial[SERIAL_SIZE] = { 1, 2, 3 };
	struct ca_certificate ca = { .common_name = name, .key = key, .not_before = NOW - 1000,
		.not_after = NOW + 100000000, .path_length = 0, .serial = serial };
	X509		     *cert;

	assert_int_equal(ca_certificate_build(&ca, NULL, &cert, NULL), ERR_OK);
	assert_int_equal(certificate_sign(cert, key), ERR_OK);
	return cert;
}

static int
setup(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		keys[i] = key_generate(KEY_P256);
	issuer = issuer_make(keys[0], "One");
	other = issuer_make(keys[1], "Two");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		EVP_PKEY_free(keys[i]);
	X509_free(issuer);
	X509_free(other);
	return 0;
}

static struct crl_entry entries[] = {
	{ { 0x7f, 1 }, 2, NOW - 10, REVOCATION_KEY_COMPROMISE },
	{ { 0x05 }, 1, NOW - 20, REVOCATION_NONE },
	{ { 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9 }, 20, NOW - 30, REVOCATION_UNSPECIFIED },
	{ { 0x42 }, 1, NOW - 40, REVOCATION_CESSATION_OF_OPERATION },
};

static struct crl
sample(void)
{
	return (struct crl){ .issuer = issuer, .number = 77, .this_update = NOW - 300, .next_update = NOW + 86400,
		.url = URL, .entries = entries, .count = 4 };
}

static X509_CRL *
made(const struct crl *in)
{
	struct reason  reason = { "" };
	struct buf     trial = { 0 }, der = { 0 };
	X509_CRL      *crl;
	const uint8_t *p;

	if (crl_build(in, keys[1], &trial, &reason) != ERR_OK || crl_sign(buf_slice(&trial), keys[0], &der) != ERR_OK)
		fail_msg("%s", reason.text);
	p = der.data;
	assert_non_null(crl = d2i_X509_CRL(NULL, &p, (long)der.len));
	assert_ptr_equal(p, der.data + der.len);
	assert_int_equal(X509_CRL_verify(crl, keys[0]), 1);
	buf_free(&trial);
	buf_free(&der);
	return crl;
}

/* After a change. */
static void
sign(X509_CRL *crl)
{
	assert_true(X509_CRL_sign(crl, keys[0], EVP_sha256()) > 0);
}

static void
expect_lint(X509_CRL *crl, const struct crl *want, const char *lint)
{
	struct reason reason = { "" };
	uint8_t	     *der = NULL;
	int	      len = i2d_X509_CRL(crl, &der);
	enum err      err;

	assert_true(len > 0);
	err = crl_lint(slice_of(der, (size_t)len), want, NOW, &reason);
	OPENSSL_free(der);
	X509_CRL_free(crl);
	if (lint == NULL && err != ERR_OK)
		fail_msg("%s", reason.text);
	if (lint != NULL && (err != ERR_DENIED || strstr(reason.text, lint) == NULL))
		fail_msg("wanted %s, got %d %s", lint, err, reason.text);
}

static void
test_built(void **state)
{
	struct crl		 in = sample();
	X509_CRL		*read = made(&in);
	STACK_OF(X509_REVOKED)	*list;
	ASN1_INTEGER		*number;

	(void)state;
	assert_int_equal(X509_CRL_get_version(read), 1);
	number = X509_CRL_get_ext_d2i(read, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get(number), 77);
	ASN1_INTEGER_free(number);
	list = X509_CRL_get_REVOKED(read);
	assert_int_equal(sk_X509_REVOKED_num(list), 4);
	for (int i = 0; i < 4; i++) {	/* 05, 42, 7f01, 0500..09: by value */
		static const int want[] = { -1, 5, 1, -1 };
		ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(sk_X509_REVOKED_value(list, i), NID_crl_reason,
		    NULL, NULL);

		assert_int_equal(reason != NULL ? ASN1_ENUMERATED_get(reason) : -1, want[i]);
		ASN1_ENUMERATED_free(reason);
	}
	X509_CRL_free(read);
	expect_lint(made(&in), &in, NULL);
}

static void
test_empty(void **state)
{
	struct crl in = sample();
	X509_CRL  *crl;

	(void)state;
	in.count = 0;
	crl = made(&in);
	assert_null(X509_CRL_get_REVOKED(crl));
	expect_lint(crl, &in, NULL);
}

static void
test_refused(void **state)
{
	static const struct crl_entry bad[] = {
		{ { 1 }, 0, NOW, REVOCATION_NONE },
		{ { 1 }, 21, NOW, REVOCATION_NONE },
		{ { 1 }, 1, 0, REVOCATION_NONE },
		{ { 1 }, 1, -5, REVOCATION_NONE },
		{ { 1 }, 1, NOW, (enum revocation_reason)7 },	/* not used: RFC 5280, 5.3.1 */
		{ { 1 }, 1, NOW, (enum revocation_reason)2 },
		{ { 1 }, 1, NOW, (enum revocation_reason)-2 },
	};
	struct crl    in = sample();
	struct reason reason = { "" };
	struct buf    der = { 0 };

	(void)state;
	in.count = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in.entries = &bad[i];
		assert_int_equal(crl_build(&in, keys[0], &der, &reason), ERR_MALFORMED);
		assert_int_equal(der.len, 0);
	}
}

static void
test_time_lints(void **state)
{
	struct crl	 in = sample();
	struct crl_entry late = { { 1 }, 1, NOW + 10, REVOCATION_NONE };

	(void)state;
	in.this_update = NOW + 60;
	expect_lint(made(&in), &in, "crl_this_update");
	in = sample();
	in.next_update = in.this_update;
	expect_lint(made(&in), &in, "crl_next_update:");
	in.next_update = in.this_update + CRL_LIFETIME_MAX + 1;
	expect_lint(made(&in), &in, "crl_next_update_bounded");
	in = sample();
	in.entries = &late;
	in.count = 1;
	expect_lint(made(&in), &in, "crl_entry_date");
}

static void
test_entry_lints(void **state)
{
	struct crl_entry twice[] = { entries[0], entries[0] };
	struct crl	 in = sample();
	X509_CRL	*crl;
	X509_REVOKED	*entry;
	ASN1_ENUMERATED *zero = ASN1_ENUMERATED_new();

	(void)state;
	in.entries = twice;
	in.count = 2;
	expect_lint(made(&in), &in, "crl_entry_twice");
	in = sample();
	crl = made(&in);
	in.count = 3;
	expect_lint(crl, &in, "crl_count");
	/* A reason of 0 that says nothing. */
	in = sample();
	crl = made(&in);
	entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0);
	assert_int_equal(ASN1_ENUMERATED_set(zero, 0), 1);
	assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, zero, 0, 0), 1);
	sign(crl);
	expect_lint(crl, &in, "crl_entry_reason");
	ASN1_ENUMERATED_free(zero);
}

static void
test_head_lints(void **state)
{
	struct crl in = sample(), want;
	X509_CRL  *crl;

	(void)state;
	want = in;
	want.issuer = other;
	expect_lint(made(&in), &want, "crl_issuer");
	want = in;
	want.url = "http://ca.test:9080/crl/0011223344556677/1.crl";
	expect_lint(made(&in), &want, "crl_idp_url");
	want = in;
	want.number = 78;
	expect_lint(made(&in), &want, "crl_number");
	want = in;
	want.number = in.number = 0;
	expect_lint(made(&in), &want, "crl_number");
	in = sample();
	crl = made(&in);
	assert_int_equal(X509_CRL_set_version(crl, 0), 1);
	sign(crl);
	expect_lint(crl, &in, "crl_version_2");
	static const int nids[] = { NID_issuing_distribution_point, NID_authority_key_identifier, NID_crl_number };
	static const char *const names[] = { "crl_idp_critical", "crl_aki", "crl_number" };
	for (int i = 0; i < 3; i++) {
		crl = made(&in);
		X509_EXTENSION_free(X509_CRL_delete_ext(crl, X509_CRL_get_ext_by_NID(crl, nids[i], -1)));
		sign(crl);
		expect_lint(crl, &in, names[i]);
	}
	crl = made(&in);
	assert_int_equal(X509_EXTENSION_set_critical(X509_CRL_get_ext(crl,
	    X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1)), 0), 1);
	sign(crl);
	expect_lint(crl, &in, "crl_idp_critical");
}

static void
test_key_types(void **state)
{
	static const enum key_type types[] = { KEY_P384, KEY_P521, KEY_RSA2048, KEY_ED25519 };
	struct crl in = sample();

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		EVP_PKEY *key = key_generate(types[i]);
		EVP_PKEY *throwaway = key_generate(types[i]);
		struct buf trial = { 0 }, der = { 0 };
		const uint8_t *p;
		X509_CRL *crl;

		assert_int_equal(crl_build(&in, throwaway, &trial, NULL), ERR_OK);
		assert_int_equal(crl_sign(buf_slice(&trial), key, &der), ERR_OK);
		p = der.data;
		assert_non_null(crl = d2i_X509_CRL(NULL, &p, (long)der.len));
		assert_int_equal(X509_CRL_verify(crl, key), 1);
		assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 4);
		X509_CRL_free(crl);
		buf_free(&trial);
		buf_free(&der);
		EVP_PKEY_free(throwaway);
		EVP_PKEY_free(key);
	}
}

/* Serials that DER writes with a zero in front or without those they came with, a time after 2049 (RFC 5280, 5.1.2.6),
 * and more bytes than three of length can say. */
static void
test_encoding(void **state)
{
	struct crl_entry odd[] = { { { 0, 0, 0x80 }, 3, NOW, REVOCATION_NONE },
		{ { 0x80 }, 1, NOW, REVOCATION_SUPERSEDED }, { { 0, 0x7f }, 2, INT64_C(2600000000), REVOCATION_NONE } };
	struct crl in = sample();
	size_t many = 450000;
	struct crl_entry *all = calloc(many, sizeof(*all));
	struct buf der = { 0 };
	struct reason reason;

	(void)state;
	in.this_update = INT64_C(2600000100);
	in.next_update = in.this_update + 86400;
	in.entries = &odd[1];
	in.count = 2;
	assert_int_equal(crl_build(&in, keys[0], &der, &reason), ERR_OK);
	assert_int_equal(crl_lint(buf_slice(&der), &in, in.this_update, &reason), ERR_OK);
	buf_clear(&der);
	in.entries = odd;
	in.count = 3;	/* 80 and 0080 are one number */
	assert_int_equal(crl_build(&in, keys[0], &der, &reason), ERR_OK);
	assert_int_equal(crl_lint(buf_slice(&der), &in, in.this_update, &reason), ERR_DENIED);
	assert_non_null(strstr(reason.text, "crl_entry_twice"));
	buf_clear(&der);
	for (size_t i = 0; i < many; i++)
		all[i] = (struct crl_entry){ { 0x70, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			(uint8_t)i }, 14, NOW - 10, REVOCATION_KEY_COMPROMISE };
	in = sample();
	in.entries = all;
	in.count = many;
	assert_int_equal(crl_build(&in, keys[0], &der, &reason), ERR_OK);
	assert_true(der.len > 0x1000000);
	if (crl_lint(buf_slice(&der), &in, NOW, &reason) != ERR_OK)
		fail_msg("%s", reason.text);
	buf_free(&der);
	free(all);
}

/* A certificate that names this URL. */
static unsigned
shard_named(const char *url)
{
	static const uint8_t	serial[SERIAL_SIZE] = { 9 };
	struct identifier	name = { .type = IDENTIFIER_DNS, .value = "a.test" };
	struct leaf		leaf = { .serial = serial, .names = &name, .name_count = 1, .key = keys[1],
			   .not_before = NOW, .not_after = NOW + 1000, .crl_url = url };
	X509		       *cert;
	unsigned		shard;

	assert_int_equal(leaf_build(&leaf, issuer, &cert, NULL), ERR_OK);
	shard = crl_shard_of(cert);
	X509_free(cert);
	return shard;
}

static void
test_shards(void **state)
{
	uint8_t fingerprint[32] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };
	char	path[CRL_PATH_SIZE];

	(void)state;
	crl_path(fingerprint, 0, path);
	assert_string_equal(path, "/crl/0011223344556677/0.crl");
	crl_path(fingerprint, 255, path);
	assert_string_equal(path, "/crl/0011223344556677/255.crl");
	for (unsigned shards = 1; shards <= 256; shards += 5)
		for (unsigned b = 0; b < 256; b += 3)
			assert_true(crl_shard((uint8_t[]){ 1, (uint8_t)b }, 2, shards) < shards);
	assert_int_equal(crl_shard((uint8_t[]){ 1, 7 }, 2, 4), 3);
	assert_int_equal(shard_named("http://ca.test/crl/0011223344556677/0.crl"), 0);
	assert_int_equal(shard_named("http://ca.test/crl/0011223344556677/255.crl"), 255);
	assert_int_equal(shard_named("http://ca.test/crl/0011223344556677/256.crl"), 0);
	assert_int_equal(shard_named("http://ca.test/crl/0011223344556677/12345.crl"), 0);
	assert_int_equal(shard_named("http://ca.test/12.pem"), 0);
	assert_int_equal(shard_named(".crl"), 0);
	assert_int_equal(shard_named("7.crl"), 7);
	assert_int_equal(shard_named(NULL), 0);
}

static void
test_reasons(void **state)
{
	enum revocation_reason reason;
	int		       known = 0;

	(void)state;
	for (int i = -1; i < 20; i++) {
		const char *name = revocation_reason_name(i);

		if (name == NULL)
			continue;
		known++;
		/* Those for CAs, for holds and for delta CRLs have names, and nobody can ask for them by name. */
		assert_int_equal(revocation_reason_by_name(name, &reason), i >= 0 && revocation_reason_ends(i));
		if (i >= 0 && revocation_reason_ends(i))
			assert_int_equal(reason, i);
	}
	assert_int_equal(known, 11);
	assert_false(revocation_reason_by_name("certificateHold", &reason));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_built), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_time_lints), cmocka_unit_test(test_entry_lints),
		cmocka_unit_test(test_head_lints), cmocka_unit_test(test_key_types),
		cmocka_unit_test(test_encoding), cmocka_unit_test(test_shards),
		cmocka_unit_test(test_reasons) };

	return cmocka_run_group_tests_name("x509_crl", tests, setup, teardown);
}
