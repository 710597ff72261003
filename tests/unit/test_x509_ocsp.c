/* OCSP (RFC 6960, RFC 9654): requests, sound and hostile, which are the fuzzer's fixtures too; and responses, as OpenSSL
 * reads them. */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/file.h"
#include "x509/certificate.h"
#include "x509/key.h"
#include "x509/ocsp.h"

#define NOW INT64_C(1800000000)
#define FIXTURES "tests/fuzz/corpus/ocsp/"

/* --- requests ---------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum err    err;
	const char *says;
} requests[] = {
	{ "plain", ERR_OK, NULL },
	{ "sha256", ERR_OK, NULL },
	{ "sha256_no_parameters", ERR_OK, NULL },
	{ "nonce_16", ERR_OK, NULL },
	{ "nonce_1", ERR_OK, NULL },
	{ "nonce_128", ERR_OK, NULL },
	{ "preferred_algorithms", ERR_OK, NULL },
	{ "version_1", ERR_OK, NULL },
	{ "requestor_and_signature", ERR_OK, NULL },
	{ "several", ERR_OK, NULL },
	{ "serial_high_bit", ERR_OK, NULL },
	{ "serial_zero", ERR_OK, NULL },
	{ "single_extension", ERR_OK, NULL },
	{ "sha512", ERR_UNSUPPORTED, "neither SHA-1 nor SHA-256" },
	{ "too_many", ERR_UNSUPPORTED, "more than 16" },
	{ "hostile_empty", ERR_MALFORMED, "ends in the middle" },
	{ "hostile_text", ERR_MALFORMED, NULL },
	{ "hostile_trailing", ERR_MALFORMED, "1 bytes follow" },
	{ "hostile_cut", ERR_MALFORMED, "in the middle" },
	{ "hostile_indefinite", ERR_MALFORMED, "indefinite" },
	{ "hostile_long_length", ERR_MALFORMED, "shortest" },
	{ "hostile_huge_length", ERR_MALFORMED, "in the middle" },
	{ "hostile_deep", ERR_MALFORMED, "nests deeper" },
	{ "hostile_not_sequence", ERR_MALFORMED, "no SEQUENCE" },
	{ "hostile_no_body", ERR_MALFORMED, "no SEQUENCE" },
	{ "hostile_empty_body", ERR_MALFORMED, "no list" },
	{ "hostile_no_certificate", ERR_MALFORMED, "for no certificate" },
	{ "hostile_list_of_integers", ERR_MALFORMED, "other things" },
	{ "hostile_version_2", ERR_MALFORMED, "another version" },
	{ "hostile_version_two_octets", ERR_MALFORMED, "another version" },
	{ "hostile_after_signature", ERR_MALFORMED, "after its signature" },
	{ "hostile_after_extensions", ERR_MALFORMED, "after its extensions" },
	{ "hostile_no_id", ERR_MALFORMED, "without a CertID" },
	{ "hostile_short_id", ERR_MALFORMED, "CertID that is not" },
	{ "hostile_long_id", ERR_MALFORMED, "CertID that is not" },
	{ "hostile_after_id", ERR_MALFORMED, "after a CertID" },
	{ "hostile_short_hash", ERR_MALFORMED, "not as long" },
	{ "hostile_long_hash", ERR_MALFORMED, "not as long" },
	{ "hostile_sha256_of_20", ERR_MALFORMED, "not as long" },
	{ "hostile_hash_4096", ERR_MALFORMED, "too long" },
	{ "hostile_hash_1024", ERR_MALFORMED, "not as long" },
	{ "hostile_no_oid", ERR_MALFORMED, "without an object identifier" },
	{ "hostile_parameters", ERR_MALFORMED, "with parameters" },
	{ "hostile_serial_negative", ERR_MALFORMED, "negative" },
	{ "hostile_serial_empty", ERR_MALFORMED, "INTEGER is empty" },
	{ "hostile_serial_padded", ERR_MALFORMED, "needless" },
	{ "hostile_serial_21", ERR_MALFORMED, "more than 20" },
	{ "hostile_nonce_0", ERR_MALFORMED, "1 to 128" },
	{ "hostile_nonce_129", ERR_MALFORMED, "1 to 128" },
	{ "hostile_nonce_4000", ERR_MALFORMED, "1 to 128" },
	{ "hostile_nonce_bare", ERR_MALFORMED, "no OCTET STRING" },
	{ "hostile_nonce_none", ERR_MALFORMED, "no OCTET STRING" },
	{ "hostile_nonce_lies", ERR_MALFORMED, "no OCTET STRING" },
	{ "hostile_nonce_twice", ERR_MALFORMED, "two nonces" },
	{ "hostile_critical", ERR_MALFORMED, "critical" },
	{ "hostile_critical_single", ERR_MALFORMED, "critical" },
	{ "hostile_extensions_empty", ERR_MALFORMED, "no list" },
	{ "hostile_extensions_bare", ERR_MALFORMED, NULL },
	{ "hostile_extension_integer", ERR_MALFORMED, "no SEQUENCE" },
	{ "hostile_extension_no_oid", ERR_MALFORMED, "without an object identifier" },
	{ "hostile_extension_no_value", ERR_MALFORMED, "without a value" },
	{ "hostile_extension_more", ERR_MALFORMED, "without a value" },
	{ "hostile_boolean", ERR_MALFORMED, "BOOLEAN" },
};

static void
fixture_read(const char *name, struct buf *out)
{
	char path[128];

	snprintf(path, sizeof(path), FIXTURES "%s", name);
	if (file_read(path, 65536, out) != ERR_OK)
		fail_msg("%s is not there", path);
}

static void
test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct ocsp_request request;
		struct reason	    reason = { "" };
		struct buf	    file = { 0 };

		fixture_read(requests[i].name, &file);
		assert_int_equal(file.data[0], 'D');
		if (ocsp_request_parse(slice_of(file.data + 1, file.len - 1), &request, &reason) != requests[i].err ||
		    (requests[i].says != NULL && strstr(reason.text, requests[i].says) == NULL))
			fail_msg("%s: %s", requests[i].name, reason.text);
		buf_free(&file);
	}
}

static struct ocsp_request
parsed(const char *name)
{
	struct ocsp_request request;
	struct buf	    file = { 0 };

	fixture_read(name, &file);
	assert_int_equal(ocsp_request_parse(slice_of(file.data + 1, file.len - 1), &request, NULL), ERR_OK);
	buf_free(&file);
	return request;
}

static void
test_what_is_read(void **state)
{
	struct ocsp_request request = parsed("nonce_16");
	uint8_t		    ones[32], twos[32];

	(void)state;
	memset(ones, 0x11, sizeof(ones));
	memset(twos, 0x22, sizeof(twos));
	assert_int_equal(request.count, 1);
	assert_int_equal(request.ids[0].hash, OCSP_SHA1);
	assert_memory_equal(request.ids[0].name, ones, 20);
	assert_memory_equal(request.ids[0].key, twos, 20);
	assert_int_equal(request.ids[0].serial_len, 2);
	assert_memory_equal(request.ids[0].serial, "\x7f\x01", 2);
	assert_int_equal(request.nonce_len, 16);
	assert_memory_equal(request.nonce, "nnnnnnnnnnnnnnnn", 16);
	request = parsed("sha256");
	assert_int_equal(request.ids[0].hash, OCSP_SHA256);
	assert_memory_equal(request.ids[0].key, twos, 32);
	assert_int_equal(request.nonce_len, 0);
	request = parsed("several");
	assert_int_equal(request.count, 16);
	assert_int_equal(request.ids[15].serial[0], 16);
	/* The sign octet is not the serial's. */
	request = parsed("serial_high_bit");
	assert_int_equal(request.ids[0].serial_len, 20);
	assert_int_equal(request.ids[0].serial[0], 0x80);
	request = parsed("serial_zero");
	assert_int_equal(request.ids[0].serial_len, 1);
	assert_int_equal(parsed("nonce_128").nonce_len, 128);
	assert_int_equal(parsed("preferred_algorithms").nonce_len, 32);
}

/* --- responses --------------------------------------------------------------------------------------- */

static X509 *
issuer_make(EVP_PKEY *key)
{
	static const uint8_t  serial[SERIAL_SIZE] = { 1, 2, 3 };
	struct ca_certificate ca = { .common_name = "One", .key = key, .not_before = NOW - 1000,
		.not_after = NOW + 100000000, .path_length = 0, .serial = serial };
	struct buf	      der = { 0 };
	X509		     *cert;

	assert_int_equal(ca_certificate_build(&ca, NULL, &cert, NULL), ERR_OK);
	assert_int_equal(certificate_sign_der(cert, key, &der), ERR_OK);
	X509_free(cert);
	/* As from a file: OpenSSL takes the key out of what it decoded. */
	assert_int_equal(certificate_parse(buf_slice(&der), &cert, NULL), ERR_OK);
	buf_free(&der);
	return cert;
}

/* What OpenSSL asks of that issuer's certificate, and what we make of it. */
static OCSP_CERTID *
id_make(X509 *issuer, const EVP_MD *md, const char *serial, struct ocsp_id *out)
{
	BIGNUM	     *number = NULL;
	ASN1_INTEGER *integer;
	OCSP_CERTID  *id;
	OCSP_REQUEST *request = OCSP_REQUEST_new();
	struct ocsp_request ours;
	uint8_t	     *der = NULL;
	int	      len;

	assert_true(BN_hex2bn(&number, serial) > 0);
	integer = BN_to_ASN1_INTEGER(number, NULL);
	id = OCSP_cert_id_new(md, X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer), integer);
	assert_non_null(OCSP_request_add0_id(request, OCSP_CERTID_dup(id)));
	assert_true((len = i2d_OCSP_REQUEST(request, &der)) > 0);
	assert_int_equal(ocsp_request_parse(slice_of(der, (size_t)len), &ours, NULL), ERR_OK);
	*out = ours.ids[0];
	OPENSSL_free(der);
	OCSP_REQUEST_free(request);
	ASN1_INTEGER_free(integer);
	BN_free(number);
	return id;
}

static OCSP_BASICRESP *
decoded(const struct buf *der)
{
	const uint8_t *p = der->data;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der->len);
	OCSP_BASICRESP *basic;

	assert_non_null(response);
	assert_ptr_equal(p, der->data + der->len);
	assert_int_equal(OCSP_response_status(response), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	assert_non_null(basic = OCSP_response_get1_basic(response));
	OCSP_RESPONSE_free(response);
	return basic;
}

static void
check_signature(OCSP_BASICRESP *basic, X509 *issuer)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509_STORE     *store = X509_STORE_new();

	sk_X509_push(certs, issuer);
	X509_STORE_add_cert(store, issuer);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), NOW);
	if (OCSP_basic_verify(basic, certs, store, 0) != 1)
		fail_msg("%s", ERR_reason_error_string(ERR_peek_last_error()));
	X509_STORE_free(store);
	sk_X509_free(certs);
}

static void
check_single(OCSP_BASICRESP *basic, OCSP_CERTID *id, int want, int64_t revoked, int want_reason)
{
	ASN1_GENERALIZEDTIME *at = NULL, *this, *next;
	int		      status, reason = -2;
	struct tm	      tm;

	assert_int_equal(OCSP_resp_find_status(basic, id, &status, &reason, &at, &this, &next), 1);
	assert_int_equal(status, want);
	assert_int_equal(ASN1_TIME_to_tm(this, &tm), 1);
	assert_int_equal(timegm(&tm), NOW - 300);
	assert_int_equal(ASN1_TIME_to_tm(next, &tm), 1);
	assert_int_equal(timegm(&tm), NOW + 43200);
	if (want != V_OCSP_CERTSTATUS_REVOKED)
		return;
	assert_int_equal(reason, want_reason);
	assert_int_equal(ASN1_TIME_to_tm(at, &tm), 1);
	assert_int_equal(timegm(&tm), revoked);
}

static void
check_response(enum key_type type)
{
	static const char *const serials[] = { "01", "80FF", "7F000000000000000000000000000000000000AA", "42" };
	EVP_PKEY	   *key = key_generate(type);
	X509		   *issuer = issuer_make(key);
	struct ocsp_single singles[4] = {
		{ .status = OCSP_GOOD },
		{ .status = OCSP_REVOKED, .revoked = NOW - 7, .reason = REVOCATION_KEY_COMPROMISE },
		{ .status = OCSP_REVOKED, .revoked = NOW - 8, .reason = REVOCATION_NONE },
		{ .status = OCSP_UNKNOWN },
	};
	struct ocsp_response response = { .issuer = issuer, .produced = NOW, .this_update = NOW - 300,
		.next_update = NOW + 43200, .singles = singles, .count = 4, .nonce = slice_str("nonce") };
	OCSP_CERTID	   *ids[4];
	OCSP_BASICRESP	   *basic;
	const ASN1_OCTET_STRING *key_id;
	const X509_NAME	   *name;
	struct buf	    der = { 0 };

	for (size_t i = 0; i < 4; i++)
		ids[i] = id_make(issuer, i % 2 == 0 ? EVP_sha1() : EVP_sha256(), serials[i], &singles[i].id);
	assert_int_equal(ocsp_response_sign(&response, key, &der), ERR_OK);
	basic = decoded(&der);
	check_signature(basic, issuer);
	assert_int_equal(OCSP_resp_count(basic), 4);
	assert_int_equal(OCSP_resp_get0_id(basic, &key_id, &name), 1);
	assert_null(name);
	assert_int_equal(ASN1_STRING_length(key_id), 20);
	check_single(basic, ids[0], V_OCSP_CERTSTATUS_GOOD, 0, 0);
	check_single(basic, ids[1], V_OCSP_CERTSTATUS_REVOKED, NOW - 7, OCSP_REVOKED_STATUS_KEYCOMPROMISE);
	check_single(basic, ids[2], V_OCSP_CERTSTATUS_REVOKED, NOW - 8, OCSP_REVOKED_STATUS_NOSTATUS);
	check_single(basic, ids[3], V_OCSP_CERTSTATUS_UNKNOWN, 0, 0);
	for (size_t i = 0; i < 4; i++)
		OCSP_CERTID_free(ids[i]);
	OCSP_BASICRESP_free(basic);
	buf_free(&der);
	X509_free(issuer);
	EVP_PKEY_free(key);
}

static void
test_responses(void **state)
{
	static const enum key_type types[] = { KEY_P256, KEY_P384, KEY_P521, KEY_RSA2048, KEY_ED25519 };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		check_response(types[i]);
}

/* RFC 9654, 2.1: the nonce comes back as it was, and none comes where none was. */
static void
test_nonce(void **state)
{
	EVP_PKEY	   *key = key_generate(KEY_P256);
	X509		   *issuer = issuer_make(key);
	struct ocsp_single  single = { .status = OCSP_GOOD };
	struct ocsp_response response = { .issuer = issuer, .produced = NOW, .this_update = NOW, .next_update = NOW + 1,
		.singles = &single, .count = 1 };
	uint8_t		    nonce[OCSP_NONCE_MAX];

	(void)state;
	memset(nonce, 'n', sizeof(nonce));
	OCSP_CERTID_free(id_make(issuer, EVP_sha1(), "05", &single.id));
	for (size_t len = 0; len <= sizeof(nonce); len += 32) {
		OCSP_REQUEST   *request = OCSP_REQUEST_new();
		OCSP_BASICRESP *basic;
		struct buf	der = { 0 };

		response.nonce = slice_of(nonce, len);
		assert_int_equal(ocsp_response_sign(&response, key, &der), ERR_OK);
		basic = decoded(&der);
		if (len > 0)
			assert_int_equal(OCSP_request_add1_nonce(request, nonce, (int)len), 1);
		/* 1: equal; 2: neither has one */
		assert_int_equal(OCSP_check_nonce(request, basic), len > 0 ? 1 : 2);
		OCSP_BASICRESP_free(basic);
		OCSP_REQUEST_free(request);
		buf_free(&der);
	}
	X509_free(issuer);
	EVP_PKEY_free(key);
}

static void
test_errors(void **state)
{
	static const enum ocsp_status statuses[] = { OCSP_MALFORMED_REQUEST, OCSP_INTERNAL_ERROR, OCSP_TRY_LATER,
		OCSP_UNAUTHORIZED };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct buf     der = { 0 };
		const uint8_t *p;
		OCSP_RESPONSE *response;

		assert_int_equal(ocsp_error_put(statuses[i], &der), ERR_OK);
		p = der.data;
		assert_non_null(response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.len));
		assert_int_equal(OCSP_response_status(response), statuses[i]);
		assert_null(OCSP_response_get1_basic(response));
		assert_true(ocsp_status_known(statuses[i]));
		OCSP_RESPONSE_free(response);
		buf_free(&der);
	}
	assert_false(ocsp_status_known(4));
	assert_false(ocsp_status_known(5));
	assert_false(ocsp_status_known(7));
}

/* By name and by key: another CA of the same name is another. */
static void
test_whose(void **state)
{
	EVP_PKEY      *keys[2] = { key_generate(KEY_P256), key_generate(KEY_P256) };
	X509	      *issuers[2] = { issuer_make(keys[0]), issuer_make(keys[1]) };
	struct ocsp_id id;

	(void)state;
	OCSP_CERTID_free(id_make(issuers[0], EVP_sha256(), "05", &id));
	assert_true(ocsp_id_of(&id, issuers[0]));
	assert_false(ocsp_id_of(&id, issuers[1]));
	id.name[31] ^= 1;
	assert_false(ocsp_id_of(&id, issuers[0]));
	OCSP_CERTID_free(id_make(issuers[1], EVP_sha1(), "05", &id));
	assert_false(ocsp_id_of(&id, issuers[0]));
	assert_true(ocsp_id_of(&id, issuers[1]));
	for (int i = 0; i < 2; i++) {
		X509_free(issuers[i]);
		EVP_PKEY_free(keys[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_what_is_read),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_whose),
	};

	return cmocka_run_group_tests_name("x509: OCSP", tests, NULL, NULL);
}
