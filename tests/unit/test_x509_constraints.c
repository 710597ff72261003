/* RFC 5280, 4.2.1.10: which names a chain's name constraints permit. */
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/address.h"
#include "x509/certificate.h"
#include "x509/constraints.h"
#include "x509/key.h"

static EVP_PKEY *key;

/* A CA certificate with these constraints in OpenSSL's words; "DER:" and hex for what it has none for. */
static X509 *
certificate_of(const char *constraints)
{
	static const uint8_t serial[SERIAL_SIZE] = { 0x41, 1 };
	struct ca_certificate ca = { .common_name = "Limited CA",
		.key = key,
		.not_before = 1900000000,
		.not_after = 1900100000,
		.serial = serial };
	X509 *cert;

	assert_int_equal(ca_certificate_build(&ca, NULL, &cert, NULL), ERR_OK);
	if (constraints != NULL) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, constraints);

		assert_non_null(extension);
		assert_int_equal(X509_add_ext(cert, extension, -1), 1);
		X509_EXTENSION_free(extension);
	}
	return cert;
}

static enum err
read_two(const char *first, const char *second, struct constraints **out, struct reason *reason)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	enum err err;

	sk_X509_push(chain, certificate_of(first));
	sk_X509_push(chain, certificate_of(second));
	err = constraints_read(chain, out, reason);
	sk_X509_pop_free(chain, X509_free);
	return err;
}

static const struct row {
	const char *first, *second; /* of the issuer, and of the one above */
	const char *name;
	const char *refusal; /* a part of it; NULL: permitted */
} rows[] = {
	{ NULL, NULL, "a.test", NULL },
	/* "any DNS name that can be constructed by simply adding zero or more labels to the left" */
	{ "permitted;DNS:home.arpa", NULL, "home.arpa", NULL },
	{ "permitted;DNS:home.arpa", NULL, "a.b.home.arpa", NULL },
	{ "permitted;DNS:HOME.Arpa", NULL, "a.home.arpa", NULL },
	{ "permitted;DNS:home.arpa", NULL, "myhome.arpa", "permit, such as \"home.arpa\"" },
	{ "permitted;DNS:home.arpa", NULL, "arpa", "permit" },
	{ "permitted;DNS:home.arpa", NULL, "home.arpa.evil.test", "permit" },
	{ "permitted;DNS:.home.arpa", NULL, "a.home.arpa", NULL },
	{ "permitted;DNS:.home.arpa", NULL, "home.arpa", "permit" },
	{ "DER:3006a00430028200", NULL, "a.test", NULL },
	/* several: one is enough */
	{ "permitted;DNS:home.arpa,permitted;DNS:lan", NULL, "nas.lan", NULL },
	{ "permitted;DNS:home.arpa,permitted;DNS:lan", NULL, "nas.test", "permit, such as \"home.arpa\"" },
	/* excluded wins */
	{ "permitted;DNS:home.arpa,excluded;DNS:x.home.arpa", NULL, "a.home.arpa", NULL },
	{ "permitted;DNS:home.arpa,excluded;DNS:x.home.arpa", NULL, "x.home.arpa", "exclude \"x.home.arpa\"" },
	{ "permitted;DNS:home.arpa,excluded;DNS:x.home.arpa", NULL, "a.x.home.arpa", "exclude" },
	{ "excluded;DNS:bank.test", NULL, "bank.test", "CA certificate \"Limited CA\" exclude \"bank.test\"" },
	{ "excluded;DNS:bank.test", NULL, "notbank.test", NULL },
	{ "DER:3006a10430028200", NULL, "a.test", "exclude" },
	/* wildcards: all that they stand for */
	{ "permitted;DNS:home.arpa", NULL, "*.home.arpa", NULL },
	{ "permitted;DNS:.home.arpa", NULL, "*.home.arpa", NULL },
	{ "permitted;DNS:a.home.arpa", NULL, "*.home.arpa", "permit" },
	{ "excluded;DNS:a.home.arpa", NULL, "*.home.arpa", "exclude \"a.home.arpa\"" },
	{ "excluded;DNS:b.a.home.arpa", NULL, "*.home.arpa", NULL },
	{ "excluded;DNS:.a.home.arpa", NULL, "*.home.arpa", NULL },
	{ "excluded;DNS:home.arpa", NULL, "*.home.arpa", "exclude" },
	{ "excluded;DNS:arpa", NULL, "*.home.arpa", "exclude" },
	/* each kind of name has its own */
	{ "permitted;DNS:home.arpa", NULL, "192.0.2.1", NULL },
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "a.test", NULL },
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "10.255.0.1", NULL },
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "11.0.0.1", "permit, such as 10.0.0.0/8" },
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "fd00::1", "permit" },
	{ "permitted;IP:fd00:0:0:0:0:0:0:0/ffff:0:0:0:0:0:0:0", NULL, "fd00::1", NULL },
	{ "permitted;IP:fd00:0:0:0:0:0:0:0/ffff:0:0:0:0:0:0:0", NULL, "fd01::1", "permit, such as fd00::/16" },
	{ "excluded;IP:192.168.1.0/255.255.255.128", NULL, "192.168.1.127", "exclude 192.168.1.0/25" },
	{ "excluded;IP:192.168.1.0/255.255.255.128", NULL, "192.168.1.128", NULL },
	{ "excluded;IP:0.0.0.0/0.0.0.0", NULL, "8.8.8.8", "exclude 0.0.0.0/0" },
	{ "excluded;IP:0.0.0.0/0.0.0.0", NULL, "2001:db8::1", NULL },
	/* forms that we don't issue */
	{ "permitted;email:home.arpa,permitted;URI:.home.arpa", NULL, "a.test", NULL },
	/* up the chain: every certificate's count */
	{ NULL, "permitted;DNS:home.arpa", "a.test", "permit" },
	{ NULL, "permitted;DNS:home.arpa", "a.home.arpa", NULL },
	{ "permitted;DNS:a.home.arpa", "permitted;DNS:home.arpa", "b.home.arpa", "such as \"a.home.arpa\"" },
	{ "permitted;DNS:test", "permitted;DNS:home.arpa", "b.test", "such as \"home.arpa\"" },
	{ "permitted;DNS:home.arpa", "excluded;DNS:a.home.arpa", "a.home.arpa", "exclude" },
	{ "permitted;DNS:home.arpa", "permitted;IP:10.0.0.0/255.0.0.0", "a.home.arpa", NULL },
	{ "permitted;DNS:lan,permitted;DNS:home.arpa,excluded;DNS:x.lan", "permitted;DNS:lan", "a.home.arpa",
	    "such as \"lan\"" },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct constraints *constraints;
		struct identifier name = { .type = IDENTIFIER_DNS };
		struct address address;
		struct reason reason = { "" };
		bool allowed;

		if (address_parse(row->name, &address))
			name.type = IDENTIFIER_IP;
		strcpy(name.value, row->name);
		if (read_two(row->first, row->second, &constraints, &reason) != ERR_OK)
			fail_msg("row %zu: %s", i, reason.text);
		allowed = constraints_allow(constraints, &name, &reason);
		if (allowed != (row->refusal == NULL) || (!allowed && strstr(reason.text, row->refusal) == NULL) ||
		    (!allowed && strstr(reason.text, row->name) == NULL))
			fail_msg("row %zu (%s): %s", i, row->name, allowed ? "permitted" : reason.text);
		constraints_free(constraints);
	}
}

/* Whether they leave anything of a pattern. */
static const struct row patterns[] = {
	{ NULL, NULL, "*.test", NULL },
	{ "permitted;DNS:home.arpa", NULL, "*", NULL },
	{ "permitted;DNS:home.arpa", NULL, "*.arpa", NULL },
	{ "permitted;DNS:home.arpa", NULL, "*.home.arpa", NULL },
	{ "permitted;DNS:.home.arpa", NULL, "*.home.arpa", NULL },
	{ "permitted;DNS:home.arpa", NULL, "*.a.home.arpa", NULL },
	{ "permitted;DNS:home.arpa", NULL, "*.test", "permit, such as \"home.arpa\"" },
	{ "permitted;DNS:home.arpa", NULL, "*.ome.arpa", "permit" },
	{ "permitted;DNS:home.arpa", NULL, "home.arpa", NULL },
	{ "permitted;DNS:home.arpa", NULL, "nas.test", "permit, such as \"home.arpa\"" },
	{ "permitted;DNS:home.arpa,permitted;DNS:lan", NULL, "*.lan", NULL },
	{ "excluded;DNS:lan", NULL, "*.lan", "exclude \"lan\"" },
	{ "excluded;DNS:lan", NULL, "*.a.lan", "exclude \"lan\"" },
	{ "excluded;DNS:a.lan", NULL, "*.lan", NULL },
	{ "excluded;DNS:.lan", NULL, "*.lan", "exclude" },
	{ "excluded;DNS:lan", NULL, "*", NULL },
	{ "DER:3006a10430028200", NULL, "*", "exclude" },
	/* what one permits and another excludes; what two permit */
	{ "permitted;DNS:lan", "excluded;DNS:lan", "*", "exclude \"lan\"" },
	{ "permitted;DNS:lan,permitted;DNS:test", "excluded;DNS:lan", "*", NULL },
	{ "permitted;DNS:a.lan,permitted;DNS:b.lan", "permitted;DNS:b.lan", "*.lan", NULL },
	{ "permitted;DNS:a.lan", "permitted;DNS:b.lan", "*.lan", "permit, such as \"b.lan\"" },
	{ "permitted;DNS:lan", "permitted;DNS:a.lan", "*.b.lan", "permit, such as \"a.lan\"" },
	/* blocks */
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "10.1.0.0/16", NULL },
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "0.0.0.0/0", NULL },
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "192.168.0.0/16", "permit, such as 10.0.0.0/8" },
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "fd00::/8", "permit" },
	{ "permitted;IP:10.0.0.0/255.0.0.0", NULL, "*.lan", NULL },
	{ "permitted;DNS:lan", NULL, "10.0.0.0/8", NULL },
	{ "excluded;IP:10.0.0.0/255.0.0.0", NULL, "10.1.0.0/16", "exclude 10.0.0.0/8" },
	{ "excluded;IP:10.1.0.0/255.255.0.0", NULL, "10.0.0.0/8", NULL },
	{ "excluded;IP:10.0.0.0/255.0.0.0", NULL, "10.1.2.3", "exclude" },
};

static void
test_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		const struct row *row = &patterns[i];
		struct constraints *constraints;
		struct reason reason = { "" };
		bool any;

		assert_int_equal(read_two(row->first, row->second, &constraints, &reason), ERR_OK);
		any = constraints_allow_any(constraints, row->name, &reason);
		if (any != (row->refusal == NULL) ||
		    (!any && (strstr(reason.text, row->refusal) == NULL || strstr(reason.text, row->name) == NULL)))
			fail_msg("row %zu (%s): %s", i, row->name, any ? "something is left" : reason.text);
		constraints_free(constraints);
	}
}

/* What can't be understood permits nothing: ca doesn't start with it. */
static void
test_malformed(void **state)
{
	static const struct {
		const char *hex, *says;
	} bad[] = {
		{ "DER:0500", "can't be decoded" },
		{ "DER:300ca00a3008820461626364800101", "can't be decoded" },
		/* permitted DNS "abcd" with minimum 1, with maximum 5 */
		{ "DER:300da00b300982046162636480 0101", "minimum" },
		{ "DER:300da00b300982046162636481 0105", "minimum" },
		/* a dNSName with a blank, and one with a wildcard */
		{ "DER:300aa00830068204612062 63", "dNSName" },
		{ "DER:300aa008300682042a2e6263", "dNSName" },
		/* iPAddress: 5 bytes; a mask with a hole */
		{ "DER:300ba009300787050a000000 08", "iPAddress" },
		{ "DER:300ea00c300a87080a00000 0ff00ff00", "iPAddress" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct constraints *constraints = NULL;
		struct reason reason = { "" };
		char text[100];
		size_t n = 0;

		for (const char *p = bad[i].hex; *p != '\0'; p++)
			if (*p != ' ')
				text[n++] = *p;
		text[n] = '\0';
		assert_int_equal(read_two(NULL, text, &constraints, &reason), ERR_MALFORMED);
		assert_null(constraints);
		if (strstr(reason.text, bad[i].says) == NULL || strstr(reason.text, "certificate 2") == NULL)
			fail_msg("%s: %s", text, reason.text);
	}
}

static int
setup(void **state)
{
	(void)state;
	key = key_generate(KEY_P256);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_patterns), cmocka_unit_test(test_malformed) };

	return cmocka_run_group_tests_name("x509_constraints", tests, setup, teardown);
}
