/* Names and addresses that nobody on the internet owns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/public_name.h"

static void
test_suffixes(void **state)
{
	static const struct {
		const char *name;
		bool suffix;
	} rows[] = { { "com", true }, { "co.uk", true }, { "*.co.uk", true }, { "*.com", true }, { "lan", true },
		{ "example.com", false }, { "*.example.com", false }, { "a.b.example.co.uk", false },
		{ "nas.lan", false }, { "*.lan", true },
		/* of the list's private part: its owner may have a certificate for all below */
		{ "github.io", false }, { "*.github.io", false },
		/* a wildcard rule, and its exception */
		{ "anything.ck", true }, { "www.ck", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (name_is_public_suffix(rows[i].name) != rows[i].suffix)
			fail_msg("%s", rows[i].name);
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *address;
		bool reserved;
	} rows[] = { { "10.0.0.1", true }, { "192.168.255.255", true }, { "172.15.255.255", false },
		{ "172.16.0.0", true }, { "127.0.0.1", true }, { "100.64.0.1", true }, { "100.128.0.1", false },
		{ "169.254.169.254", true }, { "203.0.113.9", true }, { "224.0.0.1", true },
		{ "255.255.255.255", true }, { "8.8.8.8", false }, { "::1", true }, { "::ffff:8.8.8.8", true },
		{ "fd00::1", true }, { "fe80::1", true }, { "2001:db8::1", true }, { "2001:4860:4860::8888", false },
		{ "ff02::1", true }, { "64:ff9b::808:808", true } };
	struct identifier identifier = { .type = IDENTIFIER_IP };
	struct reason reason;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(identifier.value, rows[i].address);
		if (identifier_is_public(&identifier, &reason) == rows[i].reserved)
			fail_msg("%s", rows[i].address);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_suffixes), cmocka_unit_test(test_addresses) };

	return cmocka_run_group_tests_name("public_name", tests, NULL, NULL);
}
