/* The pure parts of va: target policy, redirect rules, choice of resolvers, body comparison, record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "va/body.h"
#include "va/check.h"
#include "va/hosts.h"
#include "va/own.h"
#include "va/record.h"
#include "va/resolver.h"
#include "va/target.h"
#include "va/url.h"

#define TOKEN "dG9rZW4tb2YtMzItYnl0ZXMtZm9yLXRlc3RpbmctMDE"
#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct address
address(const char *text)
{
	struct address a;

	if (!address_parse(text, &a))
		fail_msg("%s", text);
	return a;
}

/* Splits words at spaces into strings that live until the next call with the same store. */
static struct strings
words(char *store, char **items, const char *text)
{
	struct strings s = { items, 0 };
	char *save = NULL, *word;

	strcpy(store, text);
	for (word = strtok_r(store, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		items[s.count++] = word;
	return s;
}

/* An address that came up after the start. */
static bool
came_up(void *arg, const struct address *a)
{
	struct address own = address("203.0.113.77");

	(void)arg;
	return address_eq(a, &own);
}

static struct targets *
policy_nat64(const char *deny, const char *allow, const char *nat64)
{
	char store[3][256], *items[3][16];
	struct va_config config = { .deny = words(store[0], items[0], deny),
		.allow = words(store[1], items[1], allow), .nat64 = words(store[2], items[2], nat64) };
	struct address self[2] = { address("203.0.113.5"), address("2001:db8::5") };
	struct reason reason;
	struct targets *targets = targets_new(&config, self, 2, &reason);

	if (targets != NULL)
		targets_watch(targets, came_up, NULL);
	return targets;
}

static struct targets *
policy(const char *deny, const char *allow)
{
	return policy_nat64(deny, allow, "");
}

#define DEFAULT "loopback link-local metadata self"

static const struct target_case {
	const char *deny, *allow, *address, *what; /* NULL: allowed */
} target_cases[] = {
	{ DEFAULT, "", "192.0.2.1", NULL },
	{ DEFAULT, "", "10.0.0.7", NULL },
	{ DEFAULT, "", "2001:db8::1", NULL },
	{ DEFAULT, "", "127.0.0.1", "loopback" },
	{ DEFAULT, "", "127.255.0.9", "loopback" },
	{ DEFAULT, "", "::1", "loopback" },
	{ DEFAULT, "", "169.254.169.254", "link-local" },
	{ "metadata", "", "169.254.169.254", "metadata" },
	{ "metadata", "", "169.254.1.1", NULL },
	{ "metadata", "", "100.100.100.200", "metadata" },
	{ "metadata", "", "fd00:ec2::254", "metadata" },
	{ DEFAULT, "", "fe80::1", "link-local" },
	{ DEFAULT, "", "febf::1", "link-local" },
	{ DEFAULT, "", "203.0.113.5", "self: this machine's own address" },
	{ DEFAULT, "", "2001:db8::5", "self: this machine's own address" },
	{ "loopback", "", "203.0.113.5", NULL },
	{ "private", "", "10.255.0.1", "private" },
	{ "private", "", "172.31.0.1", "private" },
	{ "private", "", "172.32.0.1", NULL },
	{ "private", "", "100.64.0.1", "private" },
	{ "private", "", "fd12::1", "private" },
	{ "10.1.0.0/16", "", "10.1.2.3", "10.1.0.0/16" },
	{ "10.1.0.0/17", "", "10.1.128.1", NULL },
	{ "10.1.2.3", "", "10.1.2.3", "10.1.2.3" },
	{ "2001:db8::/33", "", "2001:db8:7fff::1", "2001:db8::/33" },
	{ "2001:db8::/33", "", "2001:db8:8000::1", NULL },
	{ "0.0.0.0/0 ::/0", "10.0.0.0/8", "10.1.2.3", NULL },
	{ "0.0.0.0/0 ::/0", "10.0.0.0/8", "11.1.2.3", "0.0.0.0/0" },
	/* always denied */
	{ "", "", "0.0.0.0", "unspecified" },
	{ "", "", "0.1.2.3", "unspecified" },
	{ "", "", "::", "unspecified" },
	{ "", "", "224.0.0.1", "multicast" },
	{ "", "", "239.255.255.255", "multicast" },
	{ "", "", "ff02::1", "multicast" },
	{ "", "", "255.255.255.255", "broadcast" },
	{ "", "", "250.0.0.1", "reserved" },
	{ "", "224.0.0.251", "224.0.0.251", NULL },
	{ "", "", "127.0.0.1", NULL },
	{ "", "", "::1", NULL },
	/* an IPv4 address inside */
	{ DEFAULT, "", "::ffff:127.0.0.1", "loopback" },
	{ DEFAULT, "", "::ffff:169.254.169.254", "link-local" },
	{ DEFAULT, "", "::ffff:0:127.0.0.1", "loopback" },
	{ DEFAULT, "", "64:ff9b::7f00:1", "loopback" },
	{ DEFAULT, "", "64:ff9b:1::7f00:1", "loopback" },
	{ DEFAULT, "", "2002:7f00:1::1", "loopback" },
	{ DEFAULT, "", "2002:a9fe:a9fe::", "link-local" },
	{ DEFAULT, "", "2001:0:1234:5678:0:0:80ff:fffe", "loopback" },
	{ DEFAULT, "", "::127.0.0.1", "loopback" },
	{ DEFAULT, "", "64:ff9b::c000:201", NULL },
	{ "", "", "64:ff9b::e000:1", "multicast" },
	{ DEFAULT, "127.0.0.0/8", "::ffff:127.0.0.1", NULL },
	/* to allow what is outside is not to allow what is inside */
	{ DEFAULT, "::ffff:127.0.0.1", "::ffff:127.0.0.1", "loopback" },
	{ DEFAULT, "::/0", "::ffff:127.0.0.1", "loopback" },
	{ DEFAULT, "::/96", "::127.0.0.1", "loopback" },
	{ DEFAULT, "64:ff9b::/96", "64:ff9b::7f00:1", "loopback" },
	{ DEFAULT, "64:ff9b::/96", "64:ff9b::a9fe:a9fe", "link-local" },
	{ DEFAULT, "64:ff9b::/96", "64:ff9b::cb00:7105", "self: this machine's own address" },
	{ DEFAULT, "64:ff9b::/96", "64:ff9b::c000:201", NULL },
	{ DEFAULT " 64:ff9b::/96", "64:ff9b::/96", "64:ff9b::c000:201", NULL },
	{ DEFAULT, "64:ff9b::/96 loopback", "64:ff9b::7f00:1", NULL },
	{ DEFAULT, "64:ff9b:1::/48", "64:ff9b:1::7f00:1", "loopback" },
	{ DEFAULT, "2002::/16", "2002:7f00:1::1", "loopback" },
	{ DEFAULT, "2001::/32", "2001:0:1234:5678:0:0:80ff:fffe", "loopback" },
	/* RFC 8215: any prefix within 64:ff9b:1::/48 may be a translator's */
	{ DEFAULT, "", "64:ff9b:1:7f00:0:100::", "loopback" },
	{ DEFAULT, "", "64:ff9b:1:7f00:0:100:dead:beef", "loopback" },
	{ DEFAULT, "", "64:ff9b:1:7f:0:1::", "loopback" },
	{ DEFAULT, "", "64:ff9b:1:0:7f:0:100:0", "loopback" },
	{ DEFAULT, "", "64:ff9b:1::c000:201", NULL },
	{ DEFAULT, "", "64:ff9b:1:e000::c000:201", "multicast" },
	{ "192.0.2.33/32", "", "2001:db8:122:344::192.0.2.33", NULL },
	/* what came up after the start is self, too */
	{ DEFAULT, "", "203.0.113.77", "self: this machine's own address" },
	{ DEFAULT, "", "64:ff9b::cb00:714d", "self: this machine's own address" },
	{ DEFAULT, "203.0.113.77/32", "203.0.113.77", NULL },
	{ DEFAULT, "self", "203.0.113.77", NULL },
	{ "loopback", "", "203.0.113.77", NULL },
	{ DEFAULT, "loopback", "127.0.0.1", NULL },
	{ DEFAULT, "loopback", "::1", NULL },
	{ "64:ff9b::/96", "10.0.0.0/8", "64:ff9b::a00:1", "64:ff9b::/96" },
};

static void
target_judge(const struct target_case *t, const char *nat64)
{
	struct targets *targets = policy_nat64(t->deny, t->allow, nat64);
	struct address a = address(t->address);
	struct denial why;
	bool allowed;

	assert_non_null(targets);
	allowed = targets_allow(targets, &a, &why);
	if (allowed != (t->what == NULL))
		fail_msg("deny [%s] allow [%s] nat64 [%s]: %s: %s", t->deny, t->allow, nat64, t->address, why.rule);
	if (!allowed)
		assert_string_equal(why.rule, t->what);
	targets_free(targets);
}

static const struct {
	struct target_case judged;
	const char *nat64;
} translated_cases[] = {
	/* RFC 6052, 2.4: where each length has it; bits 64 to 71 are passed over */
	{ { "192.0.2.33/32", "", "2001:db8:c000:221::", "192.0.2.33/32" }, "2001:db8::/32" },
	{ { "192.0.2.33/32", "", "2001:db8:1c0:2:21::", "192.0.2.33/32" }, "2001:db8:100::/40" },
	{ { "192.0.2.33/32", "", "2001:db8:122:c000:2:2100::", "192.0.2.33/32" }, "2001:db8:122::/48" },
	{ { "192.0.2.33/32", "", "2001:db8:122:3c0:0:221::", "192.0.2.33/32" }, "2001:db8:122:300::/56" },
	{ { "192.0.2.33/32", "", "2001:db8:122:344:c0:2:2100::", "192.0.2.33/32" }, "2001:db8:122:344::/64" },
	{ { "192.0.2.33/32", "", "2001:db8:122:344::192.0.2.33", "192.0.2.33/32" }, "2001:db8:122:344::/96" },
	{ { "192.0.2.33/32", "", "2001:db8:122:344::192.0.2.34", NULL }, "2001:db8:122:344::/96" },
	{ { "192.0.2.33/32", "2001:db8::/32", "2001:db8:122:344::192.0.2.33", "192.0.2.33/32" }, "2001:db8:122:344::/96" },
	{ { DEFAULT, "", "2001:db8:7f00:1::", "loopback" }, "2001:db8:1::/48 2001:db8::/32" },
	/* a prefix within RFC 8215's block, known and so read in one way only */
	{ { DEFAULT, "", "64:ff9b:1:e000::c000:201", NULL }, "64:ff9b:1:e000::/96" },
	{ { DEFAULT, "", "64:ff9b:1:e000::7f00:1", "loopback" }, "64:ff9b:1:e000::/96" },
};

static void
test_targets_translated(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(translated_cases); i++)
		target_judge(&translated_cases[i].judged, translated_cases[i].nat64);
}

static void
test_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(target_cases); i++)
		target_judge(&target_cases[i], "");
	assert_null(policy("lo", ""));
	assert_null(policy("10.0.0.0/33", ""));
	assert_null(policy("10.0.0/8", ""));
	assert_null(policy("::1/129", ""));
	assert_null(policy("", "10.0.0.0/"));
	assert_null(policy("", "10.0.0.0/8x"));
	assert_null(policy("", "example.org"));
}

static void
test_targets_listeners(void **state)
{
	char store[3][64], *items[3][8], metrics[] = "10.0.0.4:9464";
	struct config config = {
		.wfe = { .listen = words(store[0], items[0], "[::]:9443 192.0.2.4:443 :9444 0.0.0.0:80"),
		    .plain_listen = words(store[1], items[1], "[2001:db8::4]:80"), .metrics_listen = metrics },
		.perspective = { .listen = words(store[2], items[2], "192.0.2.5:0") } };
	struct address found[SELF_MAX] = { address("192.0.2.1") };
	static const char *const expected[] = { "192.0.2.1", "192.0.2.4", "2001:db8::4", "192.0.2.5", "10.0.0.4" };
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_int_equal(targets_listeners(&config, found, 1), COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		address_text(&found[i], text);
		assert_string_equal(text, expected[i]);
	}
}

static void
test_own(void **state)
{
	struct address loopback = address("127.0.0.77"), v6 = address("::1"), other = address("192.0.2.1"), none = address("100::1");
	struct own *own = own_new();

	(void)state;
	assert_non_null(own);
	for (int i = 0; i < 3; i++) {
		assert_true(own_has(own, &loopback));
		assert_false(own_has(own, &other));
		assert_true(own_has(own, &v6));
		assert_false(own_has(own, &none));
	}
	own_free(own);
}

static void
test_targets_list(void **state)
{
	struct targets *targets = policy("private", "10.0.0.0/8");
	struct address listed = address("10.0.0.1"), other = address("192.0.2.1");

	(void)state;
	assert_true(targets_list(targets, &listed));
	assert_false(targets_list(targets, &other)); /* allowed, but not by name */
	targets_free(targets);
}

static const struct url_case {
	const char *location;
	enum err err;
	const char *text, *host;
	unsigned port;
} url_cases[] = {
	{ "http://b.example/x", ERR_OK, "http://b.example/x", "b.example", 80 },
	{ "http://B.Example./x", ERR_OK, "http://B.Example./x", "b.example", 80 },
	{ "http://b.example", ERR_OK, "http://b.example/", "b.example", 80 },
	{ "https://b.example/x?y=1#frag", ERR_OK, "https://b.example/x?y=1", "b.example", 443 },
	{ "http://b.example:5002/", ERR_OK, "http://b.example:5002/", "b.example", 5002 },
	{ "https://b.example:5001/", ERR_OK, "https://b.example:5001/", "b.example", 5001 },
	{ "//c.example/z", ERR_OK, "http://c.example/z", "c.example", 80 },
	{ "/z", ERR_OK, "http://a.example:5002/z", "a.example", 5002 },
	{ "z", ERR_OK, "http://a.example:5002/.well-known/acme-challenge/z", "a.example", 5002 },
	{ "http://10.0.0.1/", ERR_OK, "http://10.0.0.1/", "10.0.0.1", 80 },
	{ "http://[::1]/", ERR_OK, "http://[::1]/", "::1", 80 },
	{ "http://b.example:22/", ERR_DENIED, NULL, NULL, 0 },
	{ "http://b.example:443/", ERR_DENIED, NULL, NULL, 0 },
	{ "https://b.example:80/", ERR_DENIED, NULL, NULL, 0 },
	{ "http://u@b.example/", ERR_DENIED, NULL, NULL, 0 },
	{ "http://u:p@b.example/", ERR_DENIED, NULL, NULL, 0 },
	{ "ftp://b.example/", ERR_DENIED, NULL, NULL, 0 },
	{ "gopher://b.example:80/", ERR_DENIED, NULL, NULL, 0 },
	{ "file:///etc/passwd", ERR_DENIED, NULL, NULL, 0 },
	{ "", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://b.example/a b", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://b.example/\x01", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://b.example/\xc3\xa9", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://b.example:99999/", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://127.1.2.3.4/", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://x.0x7f/", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://a..b/", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://a!b/", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://b%00.example/", ERR_MALFORMED, NULL, NULL, 0 },
	{ "http://[fe80::1%25eth0]/", ERR_MALFORMED, NULL, NULL, 0 },
};

static const struct identifier a_example = { IDENTIFIER_DNS, "a.example" };

static void
test_urls(void **state)
{
	const struct url_case *t;
	struct url from, to;
	struct reason reason;
	enum err err;

	(void)state;
	url_challenge(&from, &a_example, 5002, TOKEN);
	assert_string_equal(from.text, "http://a.example:5002/.well-known/acme-challenge/" TOKEN);
	for (t = url_cases; t < url_cases + COUNT(url_cases); t++) {
		err = url_redirect(&from, slice_str(t->location), 5002, 5001, &to, &reason);
		if (err != t->err)
			fail_msg("%s: %s: %s (%s)", t->location, err_text(err), reason.text, to.text);
		if (err != ERR_OK) {
			assert_int_not_equal(reason.text[0], '\0');
			continue;
		}
		assert_string_equal(to.text, t->text);
		assert_string_equal(to.host, t->host);
		assert_int_equal(to.port, t->port);
		assert_int_equal(to.literal.family != 0, address_parse(t->host, &(struct address){ 0 }));
	}
	/* Other forms of an IPv4 address are seen as what they are, or refused. */
	if (url_redirect(&from, slice_str("http://0x7f000001/"), 80, 443, &to, &reason) == ERR_OK)
		assert_string_equal(to.host, "127.0.0.1");
	if (url_redirect(&from, slice_str("http://127.1/"), 80, 443, &to, &reason) == ERR_OK)
		assert_int_equal(to.literal.family, AF_INET);
	url_challenge(&from, &a_example, 80, TOKEN);
	assert_string_equal(from.text, "http://a.example/.well-known/acme-challenge/" TOKEN);
	/* RFC 8738, 5: the address itself, in brackets when it is IPv6. */
	url_challenge(&from, &(struct identifier){ IDENTIFIER_IP, "2001:db8::1" }, 80, TOKEN);
	assert_string_equal(from.text, "http://[2001:db8::1]/.well-known/acme-challenge/" TOKEN);
	assert_int_equal(from.literal.family, AF_INET6);
	url_challenge(&from, &(struct identifier){ IDENTIFIER_IP, "192.0.2.1" }, 5002, TOKEN);
	assert_string_equal(from.text, "http://192.0.2.1:5002/.well-known/acme-challenge/" TOKEN);
	assert_int_equal(from.literal.family, AF_INET);
	assert_int_equal(
	    url_redirect(&from, slice_of("http://b\0.example/", 18), 80, 443, &to, &reason), ERR_MALFORMED);
}

static void
test_zones(void **state)
{
	struct zone_config zones[] = { { .zone = (char[]){ "example" } },
		{ .zone = (char[]){ "corp.example" } } }, turned[] = { zones[1], zones[0] };
	struct va_config config = { .zones = zones, .zone_count = 2 };

	(void)state;
	assert_int_equal(resolver_zone(&config, "a.corp.example"), 1);
	assert_int_equal(resolver_zone(&config, "corp.example"), 1);
	assert_int_equal(resolver_zone(&config, "CORP.example"), 1);
	assert_int_equal(resolver_zone(&config, "acorp.example"), 0);
	assert_int_equal(resolver_zone(&config, "example"), 0);
	assert_int_equal(resolver_zone(&config, "notexample"), 2);
	assert_int_equal(resolver_zone(&config, "example.org"), 2);
	config.zones = turned; /* in whichever order */
	assert_int_equal(resolver_zone(&config, "a.corp.example"), 0);
	assert_int_equal(resolver_zone(&config, "acorp.example"), 1);
	assert_true(resolver_is_localhost("localhost"));
	assert_true(resolver_is_localhost("a.b.LOCALHOST"));
	assert_false(resolver_is_localhost("notlocalhost"));
	assert_false(resolver_is_localhost("localhost.example"));
	assert_false(resolver_is_localhost(".localhost"));
}

static bool
body(const char *text, struct reason *reason)
{
	reason->text[0] = '\0';
	return body_check(slice_str(text), false, TOKEN, THUMBPRINT, reason);
}

static void
test_bodies(void **state)
{
	struct reason r;

	(void)state;
	assert_true(body(TOKEN "." THUMBPRINT, &r));
	assert_true(body(TOKEN "." THUMBPRINT "\r\n \t\n", &r));
	assert_false(body(" " TOKEN "." THUMBPRINT, &r));
	assert_false(body(TOKEN "." THUMBPRINT "x", &r));
	assert_false(body_check(slice_str(TOKEN "." THUMBPRINT), true, TOKEN, THUMBPRINT, &r));
	assert_non_null(strstr(r.text, "longer than"));
	assert_false(body("", &r));
	assert_string_equal(r.text, "empty");
	assert_false(body(" \n", &r));
	assert_string_equal(r.text, "empty");
	assert_false(body(TOKEN, &r));
	assert_non_null(strstr(r.text, "the token alone"));
	assert_false(body(TOKEN ".AAAAAA-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ", &r));
	assert_non_null(strstr(r.text, "another account"));
	assert_false(body("other." THUMBPRINT, &r));
	assert_non_null(strstr(r.text, "another token"));
	assert_false(body("<html>secret", &r));
	assert_non_null(strstr(r.text, "HTML page of 12 bytes"));
	assert_false(body("root:x:0:0", &r));
	assert_string_equal(r.text, "10 bytes of something else: is it the client's responder that answers there?");
	assert_false(body_check(slice_of(NULL, 0), false, TOKEN, THUMBPRINT, &r));
}

static void
test_record(void **state)
{
	json_t *array = json_array(), *read;
	struct address a = address("192.0.2.1");
	char text[1024];
	struct url url;
	int i;

	(void)state;
	record_text(array, text, sizeof(text));
	assert_string_equal(text, "[]");
	url_challenge(&url, &a_example, 80, "t");
	record_add(array, &url, &a, 1, &a, "10.0.0.53:53");
	record_text(array, text, sizeof(text));
	assert_string_equal(text,
	    "[{\"url\":\"http://a.example/.well-known/acme-challenge/t\",\"hostname\":\"a.example\","
	    "\"port\":\"80\",\"addressesResolved\":[\"192.0.2.1\"],\"addressUsed\":\"192.0.2.1\",\"resolverAddrs\":[\"10.0.0.53:53\"]}]");
	for (i = 0; i < 10; i++) {
		snprintf(url.host, sizeof(url.host), "h%d.example", i);
		record_add(array, &url, &a, 1, NULL, NULL);
	}
	record_text(array, text, sizeof(text)); /* as many as fit, the last one among them */
	assert_non_null(read = json_loads(text, 0, NULL));
	assert_in_range(json_array_size(read), 2, 10);
	assert_non_null(strstr(text, "h9.example"));
	json_decref(read);
	record_text(array, text, 8);
	assert_string_equal(text, "[]");
	json_decref(array);
}

/* What a captured ra may not ask for. */
static void
test_sound(void **state)
{
	static const struct {
		const char *name, *token, *thumbprint;
		bool sound;
	} cases[] = {
		{ "a.example", TOKEN, THUMBPRINT, true },
		{ "a.example", "", THUMBPRINT, false },
		{ "a.example", "short", THUMBPRINT, false },
		{ "a.example", "../../upload/page?dGVzdGluZy0wMQ0123456789A", THUMBPRINT, false },
		{ "a.example", TOKEN, "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLm Q", false },
		{ "a.example/page", TOKEN, THUMBPRINT, false },
		{ "user@a.example", TOKEN, THUMBPRINT, false },
		{ "a.example:8080", TOKEN, THUMBPRINT, false },
		{ "A.example", TOKEN, THUMBPRINT, false },
		{ "*.a.example", TOKEN, THUMBPRINT, false },
		{ "127.0.0.1", TOKEN, THUMBPRINT, false },
		{ "", TOKEN, THUMBPRINT, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct msg_check check = { .method = CHALLENGE_HTTP_01,
			.identifier = { .type = IDENTIFIER_DNS } };

		strcpy(check.identifier.value, cases[i].name);
		strcpy(check.token, cases[i].token);
		strcpy(check.thumbprint, cases[i].thumbprint);
		if (check_sound(&check) != cases[i].sound)
			fail_msg("%s %s", cases[i].name, cases[i].token);
	}
}

static void
test_hosts(void **state)
{
	static const char text[] =
	    "# comment\n127.0.0.1\tlocalhost  One.test one # two.test\n::1 one.test\n"
	    "192.0.2.1 one.test\r\n 192.0.2.2 indented.test\n192.0.2.300 bad.test\nnames.test 192.0.2.3\n"
	    "192.0.2.4\n\n\0 x.test\n192.0.2.5 nul\0.test fine.test\nfe80::1%eth0 scoped.test\n192.0.2.6 last.test";
	static const struct {
		const char *name, *addresses;
	} rows[] = {
		{ "one.TEST", "::1 127.0.0.1 192.0.2.1 " }, { "one", "127.0.0.1 " }, { "two.test", "" },
		{ "indented.test", "192.0.2.2 " }, { "bad.test", "" }, { "192.0.2.3", "" }, { "x.test", "" },
		{ "fine.test", "192.0.2.5 " }, { "scoped.test", "" }, { "last.test", "192.0.2.6 " }, { "", "" },
	};
	struct hosts *hosts = hosts_read(slice_of(text, sizeof(text) - 1));
	struct address found[4];
	char one[ADDRESS_TEXT_SIZE], all[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t count = hosts_find(hosts, rows[i].name, found, 4);

		all[0] = '\0';
		for (size_t j = 0; j < count; j++) {
			address_text(&found[j], one);
			strcat(strcat(all, one), " ");
		}
		assert_string_equal(all, rows[i].addresses);
	}
	assert_int_equal(hosts_find(hosts, "one.test", found, 2), 2);
	assert_int_equal(hosts_find(NULL, "one.test", found, 2), 0);
	hosts_free(hosts);
	hosts_free(hosts_read(slice_of(NULL, 0)));
}

/* The same for the log; and the records of a name that was asked for, as many as are shown. */
static void
test_record_words(void **state)
{
	json_t *array = json_array();
	struct address two[2] = { address("192.0.2.1"), address("2001:db8::1") };
	char text[1024];
	struct url url;

	(void)state;
	record_words(array, text, sizeof(text));
	assert_string_equal(text, "");
	url_challenge(&url, &a_example, 80, "t");
	record_add(array, &url, two, 2, &two[1], "10.0.0.53:53");
	record_add(array, &url, NULL, 0, NULL, "");
	record_add_dns(array, "_acme-challenge.a.example", "10.0.0.54:53");
	record_words(array, text, sizeof(text));
	assert_string_equal(text, "a.example, asked of 10.0.0.53:53, resolved to 192.0.2.1, 2001:db8::1, tried 2001:db8::1 port 80; "
	    "a.example; _acme-challenge.a.example, asked of 10.0.0.54:53");
	record_words(array, text, 10);
	assert_string_equal(text, "a.example");
	json_decref(array);
}

static void
test_record_txt(void **state)
{
	json_t *array = json_array(), *txt;

	(void)state;
	record_add_dns(array, "_acme-challenge.a.example", "10.0.0.53:53");
	record_add_dns(array, "_acme-challenge.b.example", "10.0.0.53:53");
	for (int i = 0; i <= RECORD_TXT_MAX; i++) {
		char value[8];

		snprintf(value, sizeof(value), "v%d", i);
		record_add_txt(array, slice_str(value));
	}
	assert_null(json_object_get(json_array_get(array, 0), "txt"));	/* the last look-up's */
	txt = json_object_get(json_array_get(array, 1), "txt");
	assert_int_equal(json_array_size(txt), RECORD_TXT_MAX);
	assert_string_equal(json_string_value(json_array_get(txt, 0)), "v0");
	assert_string_equal(json_string_value(json_array_get(txt, RECORD_TXT_MAX - 1)), "v5");
	json_decref(array);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_targets_translated),
		cmocka_unit_test(test_targets_listeners),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_targets_list),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_words),
		cmocka_unit_test(test_record_txt),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
