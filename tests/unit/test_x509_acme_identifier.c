/* The certificate of tls-alpn-01 (RFC 8737, 3; RFC 8738, 6), each fixture of the fuzz corpus with its verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/file.h"
#include "x509/acme_identifier.h"

#define CORPUS "tests/fuzz/corpus/acme_identifier/"
#define TOKEN "dG9rZW4tb2YtMzItYnl0ZXMtZm9yLXRlc3RpbmctMDE"
#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"

static const struct identifier dns = { IDENTIFIER_DNS, "a.test" };
static const struct identifier ipv4 = { IDENTIFIER_IP, "192.0.2.1" };
static const struct identifier ipv6 = { IDENTIFIER_IP, "2001:db8::1" };

static const struct {
	const char *file;
	const struct identifier *identifier;
	const char *why; /* NULL: accepted */
} rows[] = {
	{ "dns", &dns, NULL },
	{ "case", &dns, NULL }, /* RFC 4343 */
	{ "rsa", &dns, NULL },
	{ "ed25519", &dns, NULL },
	{ "p521", &dns, NULL },
	{ "empty_subject", &dns, NULL },
	{ "expired", &dns, NULL },
	{ "ipv4", &ipv4, NULL },
	{ "ipv6", &ipv6, NULL },
	{ "dns", &ipv4, "not an iPAddress" },
	{ "ipv4", &dns, "not a dNSName" },
	{ "ipv4", &ipv6, "SAN is not 2001:db8::1" },
	{ "ipv6", &ipv4, "SAN is not 192.0.2.1" },
	{ "hostile_ip_as_dns", &ipv4, "not an iPAddress" },
	{ "hostile_ip_as_dns", &dns, "SAN is not a.test" },
	{ "hostile_two_sans", &dns, "has 2 SANs" },
	{ "hostile_empty_sans", &dns, "has 0 SANs" },
	{ "hostile_no_san", &dns, "no subjectAltName" },
	{ "hostile_email", &dns, "not a dNSName" },
	{ "hostile_nul", &dns, "" },
	{ "hostile_not_critical", &dns, "not critical" },
	{ "hostile_no_extension", &dns, "no acmeIdentifier" },
	{ "hostile_other_digest", &dns, "another digest" },
	{ "hostile_short_digest", &dns, "OCTET STRING of 32 bytes" },
	{ "hostile_bare_digest", &dns, "OCTET STRING of 32 bytes" },
	{ "hostile_trailing_extension", &dns, "OCTET STRING of 32 bytes" },
	{ "hostile_issuer", &dns, "issuer is not its subject" },
	{ "hostile_signer", &dns, "signature is not by its own key" },
	{ "hostile_flipped", &dns, "signature is not by its own key" },
	{ "hostile_cut", &dns, "not DER" },
	{ "hostile_trailing", &dns, "not DER" },
};

static void
test_rows(void **state)
{
	uint8_t digest[ACME_IDENTIFIER_DIGEST_SIZE];
	size_t i;

	(void)state;
	acme_identifier_digest(TOKEN, THUMBPRINT, digest);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reason reason = { "" };
		struct buf der = { 0 };
		char path[256];
		enum err err;

		snprintf(path, sizeof(path), CORPUS "%s", rows[i].file);
		assert_int_equal(file_read(path, 65536, &der), ERR_OK);
		err = acme_identifier_check(buf_slice(&der), rows[i].identifier, digest, &reason);
		if (rows[i].why == NULL ? err != ERR_OK
					: err == ERR_OK || strstr(reason.text, rows[i].why) == NULL ||
					      strncmp(reason.text, "the certificate", 15) != 0)
			fail_msg("%s: %s: %s", rows[i].file, err_text(err), reason.text);
		buf_free(&der);
	}
}

/* RFC 8555, 8.1: the digest is of TOKEN.THUMBPRINT; its value computed elsewhere. */
static void
test_digest(void **state)
{
	static const uint8_t want[4] = { 0xac, 0xd8, 0x81, 0xde };
	uint8_t digest[ACME_IDENTIFIER_DIGEST_SIZE];

	(void)state;
	acme_identifier_digest(TOKEN, THUMBPRINT, digest);
	assert_memory_equal(digest, want, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_digest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
