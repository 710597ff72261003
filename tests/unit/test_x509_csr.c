/* CSRs, sound and hostile: each with the error it must give and a word of its reason. */
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "x509/csr.h"
#include "x509/key.h"

static const struct row {
	const char *common_names; /* "a.test b.test", or NULL */
	const char *san, *extension; /* "OID=value", or NULL */
	enum key_type key;
	const EVP_MD *(*digest)(void);
	enum err err;
	const char *want; /* names with blanks between, or a word of the reason */
} rows[] = {
	{ NULL, "DNS:b.test,DNS:a.test", NULL, KEY_P256, EVP_sha256, ERR_OK, "a.test b.test" },
	{ "A.test", "DNS:a.test", NULL, KEY_P384, EVP_sha384, ERR_OK, "a.test" },
	{ "c.test", "DNS:a.test", NULL, KEY_RSA2048, EVP_sha256, ERR_OK, "a.test c.test" },
	{ "a.test", NULL, NULL, KEY_P521, EVP_sha512, ERR_OK, "a.test" },
	{ NULL, "DNS:*.a.test", NULL, KEY_ED25519, NULL, ERR_OK, "*.a.test" },
	{ NULL, "DNS:a.test", "keyUsage=digitalSignature", KEY_P256, EVP_sha256, ERR_OK, "a.test" },
	{ NULL, "DNS:a.test", "basicConstraints=critical,CA:FALSE", KEY_P256, EVP_sha256, ERR_OK, "a.test" },
	{ NULL, "DNS:a.test", "tlsfeature=status_request", KEY_P256, EVP_sha256, ERR_OK, "a.test" },
	{ NULL, "DNS:a.test", "tlsfeature=17", KEY_P256, EVP_sha256, ERR_UNSUPPORTED, "status_request" },
	{ NULL, "DNS:a.test", "basicConstraints=CA:TRUE", KEY_P256, EVP_sha256, ERR_MALFORMED,
	    "CA certificate" },
	{ NULL, "DNS:a.test", "1.2.3.4=critical,DER:0500", KEY_P256, EVP_sha256, ERR_UNSUPPORTED, "1.2.3.4" },
	{ NULL, "DNS:a.test", "1.2.3.4=DER:0500", KEY_P256, EVP_sha256, ERR_OK, "a.test" },
	{ NULL, "DNS:a.test", "subjectAltName=DNS:b.test", KEY_P256, EVP_sha256, ERR_MALFORMED, "twice" },
	/* RFC 8738 */
	{ NULL, "DNS:a.test,IP:127.0.0.1", NULL, KEY_P256, EVP_sha256, ERR_OK, "a.test 127.0.0.1" },
	{ "192.0.2.1", "IP:192.0.2.1", NULL, KEY_P256, EVP_sha256, ERR_OK, "192.0.2.1" },
	{ "2001:DB8::1", "IP:2001:db8:0::1", NULL, KEY_P256, EVP_sha256, ERR_OK, "2001:db8::1" },
	{ NULL, "IP:::ffff:192.0.2.1", NULL, KEY_P256, EVP_sha256, ERR_MALFORMED, "IPv4 address itself" },
	{ NULL, NULL, "subjectAltName=DER:3007870501020304ff", KEY_P256, EVP_sha256, ERR_MALFORMED,
	    "neither 4 nor 16" },
	{ NULL, NULL, "subjectAltName=DER:300a8708c0000200ffffff00", KEY_P256, EVP_sha256, ERR_MALFORMED,
	    "neither 4 nor 16" },
	{ NULL, "DNS:a.test,email:a@a.test", NULL, KEY_P256, EVP_sha256, ERR_UNSUPPORTED, "only DNS" },
	{ NULL, "DNS:a_b.test", NULL, KEY_P256, EVP_sha256, ERR_MALFORMED, "a_b.test" },
	{ NULL, "DNS:127.0.0.1", NULL, KEY_P256, EVP_sha256, ERR_MALFORMED, "127.0.0.1" },
	{ "a.test b.test", "DNS:a.test", NULL, KEY_P256, EVP_sha256, ERR_MALFORMED, "more than one" },
	{ "My Server!", "DNS:a.test", NULL, KEY_P256, EVP_sha256, ERR_MALFORMED, "common name" },
	{ NULL, NULL, NULL, KEY_P256, EVP_sha256, ERR_MALFORMED, "no name" },
	{ NULL, "DNS:a.test", NULL, KEY_RSA2048, EVP_sha1, ERR_UNSUPPORTED, "SHA-1" },
};

static void
extension_push(STACK_OF(X509_EXTENSION) * stack, const char *name, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf(NULL, NULL, name, value);

	assert_non_null(extension);
	sk_X509_EXTENSION_push(stack, extension);
}

static void
subject_set(X509_REQ *request, const char *names)
{
	char *copy = strdup(names), *rest = copy, *one;
	bool many = strchr(names, '.') != NULL;

	while ((one = many ? strsep(&rest, " ") : rest) != NULL) {
		X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request), NID_commonName, MBSTRING_UTF8,
		    (const uint8_t *)one, -1, -1, 0);
		if (!many)
			break;
	}
	free(copy);
}

static struct buf
csr_make_version(const struct row *row, long version)
{
	X509_REQ *request = X509_REQ_new();
	EVP_PKEY *key = key_generate(row->key);
	STACK_OF(X509_EXTENSION) *stack = sk_X509_EXTENSION_new_null();
	struct buf out = { 0 };
	uint8_t *der = NULL;
	int len;

	if (row->common_names != NULL)
		subject_set(request, row->common_names);
	if (row->san != NULL)
		extension_push(stack, "subjectAltName", row->san);
	if (row->extension != NULL) {
		char *name = strdup(row->extension), *value = strchr(name, '=');

		*value++ = '\0';
		extension_push(stack, name, value);
		free(name);
	}
	assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
	assert_int_equal(X509_REQ_set_version(request, version), 1);
	if (sk_X509_EXTENSION_num(stack) > 0)
		assert_int_equal(X509_REQ_add_extensions(request, stack), 1);
	assert_true(X509_REQ_sign(request, key, row->digest != NULL ? row->digest() : NULL) > 0);
	len = i2d_X509_REQ(request, &der);
	buf_put(&out, der, (size_t)len);
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
	return out;
}

static struct buf
csr_make(const struct row *row)
{
	return csr_make_version(row, X509_REQ_VERSION_1);
}

static void
test_rows(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf der = csr_make(&rows[i]), names = { 0 };
		struct reason reason = { "" };
		struct csr *csr;
		enum err err = csr_parse(buf_slice(&der), &csr, &reason);
		bool right = err == rows[i].err;

		for (j = 0; err == ERR_OK && j < csr->count; j++)
			buf_printf(&names, "%s%s", j > 0 ? " " : "", csr->names[j].value);
		if (right && err == ERR_OK)
			right = slice_eq_str(buf_slice(&names), rows[i].want);
		else if (right)
			right = strstr(reason.text, rows[i].want) != NULL;
		if (!right)
			fail_msg("row %zu: %s: %s", i, err_text(err), reason.text);
		csr_free(csr);
		buf_free(&der);
		buf_free(&names);
	}
}

static void
expect(struct slice der, enum err want, const char *word)
{
	struct reason reason = { "" };
	struct csr *csr;
	enum err err = csr_parse(der, &csr, &reason);

	if (err != want || csr != NULL || strstr(reason.text, word) == NULL)
		fail_msg("%s: %s", err_text(err), reason.text);
}

static void
test_bytes(void **state)
{
	struct buf der = csr_make(&rows[0]);
	uint8_t deep[200];

	(void)state;
	expect(slice_of(der.data, der.len - 1), ERR_MALFORMED, "middle");
	buf_put_byte(&der, 0);
	expect(buf_slice(&der), ERR_MALFORMED, "follow");
	der.len--;
	der.data[der.len - 1] ^= 1;
	expect(buf_slice(&der), ERR_BAD_SIGNATURE, "signature");
	expect(slice_of(NULL, 0), ERR_MALFORMED, "DER");
	expect(slice_str("-----BEGIN CERTIFICATE REQUEST-----"), ERR_MALFORMED, "DER");
	memset(deep, 0x30, sizeof(deep));
	for (size_t i = 0; i < sizeof(deep) / 2; i++)
		deep[2 * i + 1] = (uint8_t)(100 - i < 64 ? 2 * (99 - i) : 127);
	expect(slice_of(deep, 102), ERR_MALFORMED, "DER");
	expect(slice_of(der.data, CSR_MAX + 1), ERR_MALFORMED, "larger");
	buf_free(&der);
}

/* 0 is the one that there is (RFC 2986, 4.1); 2 is what acme-client for Ruby writes. */
static void
test_version(void **state)
{
	(void)state;
	for (long version = 0; version < 4; version++) {
		struct buf der = csr_make_version(&rows[0], version);
		struct reason reason = { "" };
		struct csr *csr;

		if (version == 0 || version == 2)
			assert_int_equal(csr_parse(buf_slice(&der), &csr, &reason), ERR_OK);
		else {
			expect(buf_slice(&der), ERR_MALFORMED, "version");
			csr = NULL;
		}
		csr_free(csr);
		buf_free(&der);
	}
}

/* A signature is verified only with a key that has been accepted: this one's is broken, and not looked at. */
static void
test_key_first(void **state)
{
	X509_REQ *request = X509_REQ_new();
	EVP_PKEY *key = EVP_RSA_gen(1024);
	struct buf out = { 0 };
	uint8_t *der = NULL;
	int len;

	(void)state;
	assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
	assert_true(X509_REQ_sign(request, key, EVP_sha256()) > 0);
	len = i2d_X509_REQ(request, &der);
	buf_put(&out, der, (size_t)len);
	out.data[out.len - 1] ^= 1;
	expect(buf_slice(&out), ERR_BAD_KEY, "1024 bits");
	buf_free(&out);
	OPENSSL_free(der);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
}

/* Each kind of key's signature, once spoilt: refused, unless nobody asks about it. */
static void
test_signatures(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf der = { 0 };
		struct reason reason = { "" };
		struct csr *csr;

		if (rows[i].err != ERR_OK)
			continue;
		der = csr_make(&rows[i]);
		der.data[der.len - 1] ^= 1;
		expect(buf_slice(&der), ERR_BAD_SIGNATURE, "signature");
		assert_int_equal(csr_parse_unverified(buf_slice(&der), &csr, &reason), ERR_OK);
		assert_true(csr->count > 0);
		csr_free(csr);
		buf_free(&der);
	}
}

/* A point that is not on its curve is no key, whatever was signed, and verified or not. */
static void
test_point(void **state)
{
	static const uint8_t before[] = { 0x03, 0x42, 0x00, 0x04 }; /* BIT STRING, uncompressed point */
	struct buf der = csr_make(&rows[0]);
	struct reason reason = { "" };
	uint8_t *point = memmem(der.data, der.len, before, sizeof(before));
	struct csr *csr;

	(void)state;
	assert_non_null(point);
	point[sizeof(before) + 63] ^= 1;
	expect(buf_slice(&der), ERR_MALFORMED, "public key");
	assert_int_equal(csr_parse_unverified(buf_slice(&der), &csr, &reason), ERR_MALFORMED);
	assert_null(csr);
	memset(point + sizeof(before), 0xff, 64); /* not below the field's prime */
	expect(buf_slice(&der), ERR_MALFORMED, "public key");
	buf_free(&der);
}

/* What the rows' CSRs are when only names are looked at: nothing is refused but what doesn't match the order. */
static void
test_names_only(void **state)
{
	static const struct {
		const char *common_names, *san, *extension;
		size_t	    count, strange;
		bool	    must_staple;
	} cases[] = {
		{ "c.test d.test", "DNS:a.test", NULL, 1, 0, false },
		{ NULL, "DNS:a.test,email:a@a.test,URI:https://a.test/,IP:127.0.0.1", NULL, 2, 0, false },
		{ NULL, "DNS:a.test", "basicConstraints=critical,CA:TRUE", 1, 0, false },
		{ NULL, "DNS:a.test", "1.2.3.4=critical,DER:0500", 1, 0, false },
		{ NULL, "DNS:a.test", "tlsfeature=status_request", 1, 0, true },
		{ NULL, "DNS:a.test", "tlsfeature=17", 1, 0, false },
		{ NULL, "DNS:a.test,DNS:a_b.test,DNS:127.0.0.1", NULL, 1, 2, false },
		{ "a.test", NULL, NULL, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct row row = { cases[i].common_names, cases[i].san, cases[i].extension, KEY_P256, EVP_sha256, ERR_OK,
			NULL };
		struct buf    der = csr_make(&row);
		struct reason reason = { "" };
		struct csr   *csr;

		assert_int_equal(csr_parse_by(buf_slice(&der), CSR_NAMES_ONLY, &csr, &reason), ERR_OK);
		assert_int_equal(csr->count, cases[i].count);
		assert_int_equal(csr->strange, cases[i].strange);
		assert_int_equal(csr->must_staple, cases[i].must_staple);
		assert_int_equal(csr_names_match(csr, csr->names, csr->count, &reason), cases[i].strange == 0);
		csr_free(csr);
		buf_free(&der);
	}
}

static void
test_match(void **state)
{
	struct identifier order[2] = { { IDENTIFIER_DNS, "a.test" }, { IDENTIFIER_DNS, "b.test" } };
	struct buf der = csr_make(&rows[0]);
	struct reason reason;
	struct csr *csr;

	(void)state;
	assert_int_equal(csr_parse(buf_slice(&der), &csr, &reason), ERR_OK);
	assert_true(csr_names_match(csr, order, 2, &reason));
	assert_false(csr_names_match(csr, order, 1, &reason));
	assert_non_null(strstr(reason.text, "b.test"));
	strcpy(order[1].value, "c.test");
	assert_false(csr_names_match(csr, order, 2, &reason));
	csr_free(csr);
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_bytes), cmocka_unit_test(test_version),
		cmocka_unit_test(test_key_first), cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_point), cmocka_unit_test(test_names_only), cmocka_unit_test(test_match) };

	return cmocka_run_group_tests_name("x509_csr", tests, NULL, NULL);
}
