/* What is said to a proxy: RFC 1928, RFC 1929, RFC 9110, 9.3.6; its answers whole, byte by byte, and hostile. And how
 * signet.yaml writes one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "va/proxy_talk.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(text) { (const uint8_t *)(text), sizeof(text) - 1 }

#define SOCKS "socks5://10.0.0.9:1080"
#define SOCKS_USER "socks5://me:secret@10.0.0.9:1080"
#define HTTP "http://10.0.0.9:3128"
#define HTTP_USER "http://me:secret@10.0.0.9:3128"

static struct proxy
proxy_of(const char *text)
{
	struct proxy proxy;
	struct reason reason;

	if (!proxy_parse(text, &proxy, &reason))
		fail_msg("%s: %s", text, reason.text);
	return proxy;
}

/* Everything that is said when the proxy answers so, in pieces of that size. */
static struct talk_result
talk(const char *proxy_text, const char *target, struct slice answer, size_t piece, struct buf *said, char why[128])
{
	struct proxy proxy = proxy_of(proxy_text);
	struct proxy_talk t;
	struct address address;
	struct talk_result result = { TALK_ON, 0, "" };

	assert_true(address_parse(target, &address));
	proxy_talk_begin(&t, &proxy, &address, 443, said);
	for (size_t at = 0; at < answer.len && result.outcome == TALK_ON; at += piece)
		result = proxy_talk_hear(&t,
		    slice_of(answer.data + at, answer.len - at < piece ? answer.len - at : piece), said);
	snprintf(why, 128, "%s", result.why);
	result.why = why;
	proxy_talk_end(&t);
	assert_false(said->failed);
	return result;
}

#define GREETING "\5\1\0"
#define REQUEST "\5\1\0\1\300\0\2\7\1\273"
#define CONNECT "CONNECT 192.0.2.7:443 HTTP/1.1\r\nHost: 192.0.2.7:443\r\n"

static const struct good {
	const char *proxy, *target;
	struct slice answer, said;
} goods[] = {
	{ SOCKS, "192.0.2.7", BYTES("\5\0" "\5\0\0\1\0\0\0\0\0\0"), BYTES(GREETING REQUEST) },
	{ SOCKS, "192.0.2.7", BYTES("\5\0" "\5\0\0\4" "0123456789abcdef" "\0\0"), BYTES(GREETING REQUEST) },
	{ SOCKS, "192.0.2.7", BYTES("\5\0" "\5\0\0\3\4name\0\0"), BYTES(GREETING REQUEST) },
	{ SOCKS, "2001:db8::7", BYTES("\5\0" "\5\0\0\1\0\0\0\0\0\0"),
	    BYTES(GREETING "\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7\1\273") },
	{ SOCKS_USER, "192.0.2.7", BYTES("\5\2" "\1\0" "\5\0\0\1\0\0\0\0\0\0"),
	    BYTES("\5\2\0\2" "\1\2me\6secret" REQUEST) },
	{ SOCKS_USER, "192.0.2.7", BYTES("\5\0" "\5\0\0\1\0\0\0\0\0\0"), BYTES("\5\2\0\2" REQUEST) },
	{ HTTP, "192.0.2.7", BYTES("HTTP/1.1 200 Connection established\r\n\r\n"), BYTES(CONNECT "\r\n") },
	{ HTTP, "192.0.2.7", BYTES("HTTP/1.0 200\r\nVia: x\r\nContent-Length: 7\r\n\r\n"), BYTES(CONNECT "\r\n") },
	{ HTTP, "192.0.2.7", BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\n\r\n"), BYTES(CONNECT "\r\n") },
	{ HTTP, "2001:db8::7", BYTES("HTTP/1.1 200 OK\r\n\r\n"),
	    BYTES("CONNECT [2001:db8::7]:443 HTTP/1.1\r\nHost: [2001:db8::7]:443\r\n\r\n") },
	{ HTTP_USER, "192.0.2.7", BYTES("HTTP/1.1 200 OK\r\n\r\n"),
	    BYTES(CONNECT "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n") },
};

static void
test_good(void **state)
{
	struct talk_result result;
	char why[128];

	(void)state;
	for (size_t i = 0; i < COUNT(goods); i++) {
		struct buf said = { 0 };

		result = talk(goods[i].proxy, goods[i].target, goods[i].answer, 1, &said, why);
		if (result.outcome != TALK_THROUGH)
			fail_msg("%zu: %d %s", i, result.outcome, why);
		if (!slice_eq(buf_slice(&said), goods[i].said))
			fail_msg("%zu: %.*s", i, (int)said.len, (const char *)said.data);
		buf_free(&said);
	}
}

static const struct bad {
	const char *proxy;
	struct slice answer;
	enum talk_outcome outcome;
	int error;
	const char *why;
} bads[] = {
	/* RFC 1928, 3 */
	{ SOCKS, BYTES("\4\0"), TALK_PROXY, 0, "did not answer in SOCKS5" },
	{ SOCKS, BYTES("HTTP/1.1 400 Bad Request\r\n"), TALK_PROXY, 0, "did not answer in SOCKS5" },
	{ SOCKS, BYTES("\5\377"), TALK_PROXY, 0, "asks for a user and a password, and none is configured" },
	{ SOCKS_USER, BYTES("\5\377"), TALK_PROXY, 0, "wants another authentication than by user and password" },
	{ SOCKS, BYTES("\5\2"), TALK_PROXY, 0, "chose a method that it was not offered" },
	{ SOCKS, BYTES("\5\1"), TALK_PROXY, 0, "chose a method that it was not offered" },
	/* RFC 1929, 2 */
	{ SOCKS_USER, BYTES("\5\2\1\1"), TALK_PROXY, 0, "refused the user or the password" },
	{ SOCKS_USER, BYTES("\5\2\5\0"), TALK_PROXY, 0, "did not answer in SOCKS5" },
	/* RFC 1928, 6 */
	{ SOCKS, BYTES("\5\0\5\1\0\1\0\0\0\0\0\0"), TALK_TARGET, 0, "could not connect to it" },
	{ SOCKS, BYTES("\5\0\5\2\0\1\0\0\0\0\0\0"), TALK_PROXY, 0, "does not allow connections to it" },
	{ SOCKS, BYTES("\5\0\5\3"), TALK_TARGET, ENETUNREACH, "has no route to it" },
	{ SOCKS, BYTES("\5\0\5\4"), TALK_TARGET, EHOSTUNREACH, "has no route to it" },
	{ SOCKS, BYTES("\5\0\5\5"), TALK_TARGET, ECONNREFUSED, "was refused the connection" },
	{ SOCKS, BYTES("\5\0\5\6"), TALK_TARGET, ETIMEDOUT, "got no answer from it" },
	{ SOCKS, BYTES("\5\0\5\7"), TALK_PROXY, 0, "does not make connections" },
	{ SOCKS, BYTES("\5\0\5\10"), TALK_TARGET, EAFNOSUPPORT, "does not know that kind of address" },
	{ SOCKS, BYTES("\5\0\5\11"), TALK_PROXY, 0, "answered with the unknown reply 9" },
	{ SOCKS, BYTES("\5\0\5\377"), TALK_PROXY, 0, "answered with the unknown reply 255" },
	{ SOCKS, BYTES("\5\0\5\0\0\2\0\0\0\0\0\0"), TALK_PROXY, 0, "did not answer in SOCKS5" },
	{ SOCKS, BYTES("\5\0\4\0\0\1\0\0\0\0\0\0"), TALK_PROXY, 0, "did not answer in SOCKS5" },
	/* HTTP */
	{ HTTP, BYTES("\5\0"), TALK_PROXY, 0, "did not answer in HTTP" },
	{ HTTP, BYTES("HTTP/2 200 OK\r\n\r\n"), TALK_PROXY, 0, "did not answer in HTTP" },
	{ HTTP, BYTES("HTTP/1.1 2OO OK\r\n\r\n"), TALK_PROXY, 0, "did not answer in HTTP" },
	{ HTTP, BYTES("HTTP/1.1 20\r\n\r\n"), TALK_PROXY, 0, "did not answer in HTTP" },
	{ HTTP, BYTES("HTTP/1.1 2000 OK\r\n\r\n"), TALK_PROXY, 0, "did not answer in HTTP" },
	{ HTTP, BYTES("HTTP/1.1 099 OK\r\n\r\n"), TALK_PROXY, 0, "did not answer in HTTP" },
	{ HTTP, BYTES("HTTP/1.1 101 Switching\r\n\r\n"), TALK_PROXY, 0, "answered CONNECT with status 101" },
	{ HTTP, BYTES("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n"), TALK_PROXY, 0,
	    "answered CONNECT with status 302" },
	{ HTTP, BYTES("HTTP/1.1 403 Forbidden\r\n\r\nsecret body"), TALK_PROXY, 0,
	    "does not allow connections to it (status 403)" },
	{ HTTP, BYTES("HTTP/1.1 407 x\r\n\r\n"), TALK_PROXY, 0,
	    "asks for a user and a password, and none is configured (status 407)" },
	{ HTTP_USER, BYTES("HTTP/1.1 407 x\r\n\r\n"), TALK_PROXY, 0, "refused the user or the password (status 407)" },
	{ HTTP, BYTES("HTTP/1.1 502 x\r\n\r\n"), TALK_TARGET, 0, "answered CONNECT with status 502" },
	{ HTTP, BYTES("HTTP/1.1 503 x\r\n\r\n"), TALK_TARGET, 0, "answered CONNECT with status 503" },
	{ HTTP, BYTES("HTTP/1.1 504 x\r\n\r\n"), TALK_TARGET, 0, "answered CONNECT with status 504" },
	/* answers that are not there yet */
	{ SOCKS, BYTES("\5"), TALK_ON, 0, "" },
	{ SOCKS, BYTES("\5\0\5\0\0\3\4nam"), TALK_ON, 0, "" },
	{ HTTP, BYTES("HTTP/1.1 200 OK\r\nA: b\r\n"), TALK_ON, 0, "" },
	{ HTTP, BYTES("HTTP/1.1 100 Continue\r\n\r\n"), TALK_ON, 0, "" },
};

static void
test_bad(void **state)
{
	struct talk_result result;
	char why[128];

	(void)state;
	for (size_t i = 0; i < COUNT(bads); i++) {
		struct buf said = { 0 };

		result = talk(bads[i].proxy, "192.0.2.7", bads[i].answer, 1, &said, why);
		if (result.outcome != bads[i].outcome || result.error != bads[i].error || strcmp(why, bads[i].why) != 0)
			fail_msg("%zu: %d %d %s", i, result.outcome, result.error, why);
		buf_free(&said);
	}
}

/* Neither HTTP's nor TLS's servers speak first: bytes behind the answer are another's. */
static void
test_too_much(void **state)
{
	static const struct {
		const char *proxy;
		struct slice answer;
		const char *why;
	} rows[] = {
		{ HTTP, BYTES("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "sent more than its answer" },
		{ SOCKS, BYTES("\5\0\5\0\0\1\0\0\0\0\0\0"), "answered what it was not asked" },
		{ SOCKS_USER, BYTES("\5\2\1"), "answered what it was not asked" },
	};
	char why[128], large[PROXY_ANSWER_MAX + 100];
	struct buf said = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(talk(rows[i].proxy, "192.0.2.7", rows[i].answer, 4096, &said, why).outcome, TALK_PROXY);
		assert_string_equal(why, rows[i].why);
	}
	/* in the piece that ends the reply */
	assert_int_equal(talk(SOCKS, "192.0.2.7", (struct slice)BYTES("\5\0\5\0\0\1\0\0\0\0\0\0"), 2, &said, why).outcome, TALK_THROUGH);
	assert_int_equal(talk(SOCKS, "192.0.2.7", (struct slice)BYTES("\5\0\5\0\0\3\2ab\0\0!"), 2, &said, why).outcome, TALK_PROXY);
	assert_string_equal(why, "sent more than its answer");
	memset(large, 'x', sizeof(large));
	memcpy(large, "HTTP/1.1 200 OK\r\n", 17);
	assert_int_equal(talk(HTTP, "192.0.2.7", slice_of(large, sizeof(large)), 1000, &said, why).outcome, TALK_PROXY);
	assert_string_equal(why, "sent more than 8 KiB of headers");
	buf_free(&said);
}

static void
test_parse(void **state)
{
	static const char *const wrong[] = { "", "10.0.0.9:1080", "socks5://", "socks5://10.0.0.9", "socks5://10.0.0.9:0",
		"socks5://10.0.0.9:65536", "socks5://proxy.lan:1080", "socks4://10.0.0.9:1080", "https://10.0.0.9:3128",
		"http://10.0.0.9:3128/", "http://[fd00::9:3128", "socks5://me@10.0.0.9:1080", "socks5://:x@10.0.0.9:1080",
		"socks5://me:@10.0.0.9:1080", "http://me:a%2@10.0.0.9:1", "http://me:a%zz@10.0.0.9:1",
		"http://me:a%00b@10.0.0.9:1", "http://m%3Ae:x@10.0.0.9:1", "http://@10.0.0.9:1" };
	struct proxy proxy;
	struct reason reason;
	char longest[600] = "socks5://";

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		if (proxy_parse(wrong[i], &proxy, &reason))
			fail_msg("%s", wrong[i]);
		assert_null(strstr(reason.text, "secret"));
	}
	proxy = proxy_of("http://a%40b:p%3aw%25@d@[fd00::9]:3128");
	assert_int_equal(proxy.kind, PROXY_HTTP);
	assert_int_equal(proxy.port, 3128);
	assert_string_equal(proxy.user, "a@b");
	assert_string_equal(proxy.password, "p:w%@d");
	proxy = proxy_of("http://me@10.0.0.9:1");
	assert_string_equal(proxy.password, "");
	/* RFC 1929, 2: a byte tells the length */
	memset(longest + 9, 'u', 255);
	strcpy(longest + 264, ":p@10.0.0.9:1080");
	proxy = proxy_of(longest);
	assert_int_equal(strlen(proxy.user), 255);
	memset(longest + 9, 'u', 256);
	strcpy(longest + 265, ":p@10.0.0.9:1080");
	assert_false(proxy_parse(longest, &proxy, &reason));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
