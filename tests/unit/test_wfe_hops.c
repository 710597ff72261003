/* Whom a request comes from, where proxies stand in front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wfe/hops.h"

#define XFF PROXY_HEADER_X_FORWARDED_FOR
#define FWD PROXY_HEADER_FORWARDED

/* 10.0.0.0/8 and fd00::/8 are trusted. */
static const struct {
	enum proxy_header header;
	const char *peer, *lines[3];
	const char *client;
} rows[] = {
	/* nobody to trust: whatever is said */
	{ XFF, "192.0.2.1", { "198.51.100.7" }, "192.0.2.1" },
	{ XFF, "fe80::1", { "198.51.100.7" }, "fe80::1" },
	/* a proxy that says nothing */
	{ XFF, "10.0.0.1", { NULL }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "" }, "10.0.0.1" },
	/* one and more of them, each adding behind */
	{ XFF, "10.0.0.1", { "198.51.100.7" }, "198.51.100.7" },
	{ XFF, "10.0.0.1", { " 198.51.100.7\t" }, "198.51.100.7" },
	{ XFF, "fd00::1", { "2001:db8::7, 10.0.0.2" }, "2001:db8::7" },
	{ XFF, "10.0.0.1", { "198.51.100.7, 10.0.0.3,10.0.0.2" }, "198.51.100.7" },
	{ XFF, "10.0.0.1", { "10.0.0.9, 10.0.0.2" }, "10.0.0.9" },
	/* what a client pretends stands before, and counts for nothing */
	{ XFF, "10.0.0.1", { "203.0.113.5, 198.51.100.7" }, "198.51.100.7" },
	{ XFF, "10.0.0.1", { "10.0.0.7, 198.51.100.7" }, "198.51.100.7" },
	{ XFF, "10.0.0.1", { "203.0.113.5", "198.51.100.7" }, "198.51.100.7" },
	{ XFF, "10.0.0.1", { "203.0.113.5", "198.51.100.7, 10.0.0.4", "10.0.0.5" }, "198.51.100.7" },
	{ XFF, "10.0.0.1", { "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,198.51.100.7" }, "198.51.100.7" },
	/* forms */
	{ XFF, "10.0.0.1", { "198.51.100.7:4711" }, "198.51.100.7" },
	{ XFF, "10.0.0.1", { "[2001:DB8::7]" }, "2001:db8::7" },
	{ XFF, "10.0.0.1", { "[2001:db8::7]:65535" }, "2001:db8::7" },
	{ XFF, "10.0.0.1", { "::ffff:198.51.100.7" }, "198.51.100.7" },
	{ XFF, "10.0.0.1", { "198.51.100.7, ::ffff:10.0.0.2" }, "198.51.100.7" },
	/* no address: then it is the proxy's own */
	{ XFF, "10.0.0.1", { "198.51.100.7, unknown" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "198.51.100.7, unknown, 10.0.0.2" }, "10.0.0.2" },
	{ XFF, "10.0.0.1", { "198.51.100.7," }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "198.51.100.7:" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "198.51.100.7:123456" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "198.51.100.7:x" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "198.51.100.7 198.51.100.8" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "198.51.100.0/24" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "0198.51.100.7" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "[198.51.100.7]" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "[2001:db8::7" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "[2001:db8::7]x" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "[2001:db8::7]:" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "\"198.51.100.7\"" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "fe80::1%eth0" }, "10.0.0.1" },
	{ XFF, "10.0.0.1", { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	    "10.0.0.1" },
	/* RFC 7239, 4 and 6 */
	{ FWD, "10.0.0.1", { "for=198.51.100.7" }, "198.51.100.7" },
	{ FWD, "10.0.0.1", { "For=\"198.51.100.7\"" }, "198.51.100.7" },
	{ FWD, "10.0.0.1", { "for=\"[2001:db8::7]:4711\"" }, "2001:db8::7" },
	{ FWD, "10.0.0.1", { "for=192.0.2.43, for=198.51.100.17" }, "198.51.100.17" },
	{ FWD, "10.0.0.1", { "for=198.51.100.7;proto=http;by=203.0.113.43" }, "198.51.100.7" },
	{ FWD, "10.0.0.1", { "proto=http ; by=203.0.113.43;\tfor=198.51.100.7;" }, "198.51.100.7" },
	{ FWD, "10.0.0.1", { "for=198.51.100.7, for=10.0.0.2;host=\"a,b;for=1.2.3.4\"" }, "198.51.100.7" },
	{ FWD, "10.0.0.1", { "for=\"198.51.\\100.7\"" }, "198.51.100.7" },
	{ FWD, "10.0.0.1", { "for=203.0.113.5", "for=198.51.100.7" }, "198.51.100.7" },
	{ FWD, "10.0.0.1", { "for=198.51.100.7, for=unknown" }, "10.0.0.1" },
	{ FWD, "10.0.0.1", { "for=198.51.100.7, for=\"_mdn\"" }, "10.0.0.1" },
	{ FWD, "10.0.0.1", { "for=198.51.100.7, proto=https" }, "10.0.0.1" },
	{ FWD, "10.0.0.1", { "for=198.51.100.7;for=203.0.113.5" }, "10.0.0.1" },
	{ FWD, "10.0.0.1", { "198.51.100.7" }, "10.0.0.1" },
	{ FWD, "10.0.0.1", { "for = 198.51.100.7" }, "10.0.0.1" },
	{ FWD, "10.0.0.1", { "for=2001:db8::7" }, "10.0.0.1" },
	/* a quote that the client leaves open hides nothing that comes behind: neither in the line nor in the next one */
	{ FWD, "10.0.0.1", { "for=\"203.0.113.5, for=198.51.100.7" }, "10.0.0.1" },
	{ FWD, "10.0.0.1", { "for=203.0.113.5;a=\", for=\"[2001:db8::7]\"" }, "10.0.0.1" },
	{ FWD, "10.0.0.1", { "for=203.0.113.5;a=\"x\\", "for=198.51.100.7" }, "198.51.100.7" },
};

static void
test_rows(void **state)
{
	static char *networks[] = { (char *)"10.0.0.0/8", (char *)"fd00::/8" };
	static const struct strings trusted = { networks, 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hops hops = { .header = rows[i].header };
		struct address peer, client;
		char text[ADDRESS_TEXT_SIZE];

		assert_true(address_parse(rows[i].peer, &peer));
		for (size_t n = 0; n < 3 && rows[i].lines[n] != NULL; n++)
			hops_add(&hops, rows[i].lines[n]);
		client = hops_client(&hops, &trusted, &peer);
		address_text(&client, text);
		if (strcmp(text, rows[i].client) != 0)
			fail_msg("row %zu (%s): %s instead of %s", i, rows[i].lines[0], text, rows[i].client);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
