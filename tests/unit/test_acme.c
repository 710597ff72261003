/* acme: identifiers, problems, routes, evidence, tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acme/accept.h"
#include "acme/certid.h"
#include "acme/evidence.h"
#include "acme/problem.h"
#include "acme/surface.h"
#include "lib/address.h"
#include "lib/json.h"

/* --- identifiers --------------------------------------------------------------------------------- */

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *value;
	const char *normal;	/* NULL: refused */
	const char *why;	/* a part of the reason */
} names[] = {
	{ "example.org", "example.org", NULL },
	{ "EXAMPLE.Org", "example.org", NULL },
	{ "nas", "nas", NULL },
	{ "*.example.org", "*.example.org", NULL },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example", NULL },
	{ L63 ".a", L63 ".a", NULL },
	{ "1and1.example", "1and1.example", NULL },
	{ "", NULL, "empty" },
	{ ".", NULL, "ends with a dot" },
	{ "a..b", NULL, "empty label" },
	{ ".a", NULL, "empty label" },
	{ "a.", NULL, "ends with a dot" },
	{ L63 "a.b", NULL, "64 characters" },
	{ L63 "." L63 "." L63 "." L63, NULL, "253 is the most" },
	{ "a_b.example", NULL, "'_'" },
	{ "a b.example", NULL, "' '" },
	{ "a!b.example", NULL, "'!'" },
	{ "b\xc3\xbc" "cher.example", NULL, "by its A-labels: \"xn--bcher-kva.example\"" },
	{ "*.B\xc3\x9c" "CHER.example", NULL, "by its A-labels: \"xn--bcher-kva.example\"" },
	{ "b\xfc" "cher.example", NULL, "no A-labels" },
	{ "a\xe2\x80\x8d.example", NULL, "no A-labels" },	/* a joiner that joins nothing (RFC 5892, A.2) */
	{ "-a.example", NULL, "'-'" },
	{ "a-.example", NULL, "'-'" },
	{ "ab--c.example", NULL, "not an A-label" },
	{ "xn--a.example", NULL, "A-label" },
	{ "xn--.example", NULL, "'-'" },
	{ "a.*.example", NULL, "leftmost label" },
	{ "*a.example", NULL, "leftmost label" },
	{ "*.*.example", NULL, "leftmost label" },
	{ "*", NULL, "leftmost label" },
	{ "*.", NULL, "empty" },
	{ "192.0.2.1", NULL, "IP address" },
	{ "2001:db8::1", NULL, "IP address" },
	{ "::ffff:192.0.2.1", NULL, "IP address" },
	{ "192.0.2.1.", NULL, "ends with a dot" },
	{ "0x7f.1", NULL, "digits only" },
	{ "example.123", NULL, "digits only" },
	{ "127.0.0.0x1", NULL, "hexadecimal" },
	{ "0x7F000001", NULL, "hexadecimal" },
	{ "0x", NULL, "hexadecimal" },
	{ "0x1.example", "0x1.example", NULL },
	{ "example.0xyz", "example.0xyz", NULL },
	{ "a.example/", NULL, "'/'" },
	{ "a.example:80", NULL, "':'" },
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct identifier got;
		struct reason	  reason = { "" };
		enum err	  err = identifier_check(IDENTIFIER_DNS, names[i].value, &got, &reason);

		if (names[i].normal != NULL) {
			if (err != ERR_OK || strcmp(got.value, names[i].normal) != 0)
				fail_msg("\"%s\" was refused: %s", names[i].value, reason.text);
		} else if (err != ERR_MALFORMED || strstr(reason.text, names[i].why) == NULL) {
			fail_msg("\"%s\": got %d, \"%s\"", names[i].value, err, reason.text);
		}
	}
}

/* RFC 8738, 3: one text for each address. */
static const struct {
	const char *value;
	const char *why;	/* NULL: taken */
} addresses[] = {
	{ "192.0.2.1", NULL },
	{ "0.0.0.0", NULL },
	{ "255.255.255.255", NULL },
	{ "2001:db8::1", NULL },
	{ "::1", NULL },
	{ "::", NULL },
	{ "2001:db8:0:1:1:1:1:1", NULL },
	{ "2001:0:0:1::1", NULL },
	{ "1:2:3:4:5:6:7:8", NULL },
	{ "2001:DB8::1", "write \"2001:db8::1\"" },			/* RFC 5952, 4.3 */
	{ "2001:0db8::1", "write \"2001:db8::1\"" },		/* 4.1 */
	{ "2001:db8:0:0:0:0:0:1", "write \"2001:db8::1\"" },	/* 4.2.1 */
	{ "2001:db8::1:1:1:1:1", "write \"2001:db8:0:1:1:1:1:1\"" },	/* 4.2.2 */
	{ "2001:db8:0:0:1::1", "write \"2001:db8::1:0:0:1\"" },	/* 4.2.3 */
	{ "::ffff:192.0.2.1", "IPv4 address itself" },
	{ "::ffff:c000:201", "IPv4 address itself" },
	{ "::192.0.2.1", "IPv4 address itself" },
	{ "fe80::1%eth0", "not an IPv4 or IPv6" },
	{ "[2001:db8::1]", "not an IPv4 or IPv6" },
	{ "192.0.2.01", "not an IPv4 or IPv6" },
	{ "192.0.2", "not an IPv4 or IPv6" },
	{ "192.0.2.256", "not an IPv4 or IPv6" },
	{ "192.0.2.1/32", "not an IPv4 or IPv6" },
	{ "192.0.2.1:443", "not an IPv4 or IPv6" },
	{ " 192.0.2.1", "not an IPv4 or IPv6" },
	{ "192.0.2.1 ", "not an IPv4 or IPv6" },
	{ "0x7f.1", "not an IPv4 or IPv6" },
	{ "3221225985", "not an IPv4 or IPv6" },
	{ "*.192.0.2.1", "not an IPv4 or IPv6" },
	{ "a.example", "not an IPv4 or IPv6" },
	{ "", "not an IPv4 or IPv6" },
};

static void
test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		const char	 *value = addresses[i].value;
		struct identifier got;
		struct reason	  reason = { "" };
		enum err	  err = identifier_check(IDENTIFIER_IP, value, &got, &reason);

		if (addresses[i].why == NULL) {
			if (err != ERR_OK || strcmp(got.value, value) != 0)
				fail_msg("\"%s\" was refused: %s", value, reason.text);
			assert_false(identifier_is_wildcard(&got));
		} else if (err != ERR_MALFORMED || strstr(reason.text, addresses[i].why) == NULL) {
			fail_msg("\"%s\": got %d, \"%s\"", value, err, reason.text);
		}
	}
}

/* RFC 8738, 6, with its own example. */
static void
test_reverse(void **state)
{
	struct address address;
	char	       text[ADDRESS_REVERSE_SIZE];

	(void)state;
	assert_true(address_parse("2001:db8::1", &address));
	address_reverse(&address, text);
	assert_string_equal(text, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	assert_true(address_parse("192.0.2.1", &address));
	address_reverse(&address, text);
	assert_string_equal(text, "1.2.0.192.in-addr.arpa");
}

static const struct {
	const char *json;
	enum err    err;
	const char *why;
} objects[] = {
	{ "{\"i\":{\"type\":\"dns\",\"value\":\"a.example\"}}", ERR_OK, "" },
	{ "{\"i\":{\"type\":\"ip\",\"value\":\"192.0.2.1\"}}", ERR_OK, "" },
	{ "{\"i\":{\"type\":\"ip\",\"value\":\"a.example\"}}", ERR_MALFORMED, "not an IPv4 or IPv6" },
	{ "{\"i\":{\"type\":\"email\",\"value\":\"a@example\"}}", ERR_UNSUPPORTED, "type \"email\"" },
	{ "{\"i\":{\"type\":\"dns\"}}", ERR_MALFORMED, "\"value\"" },
	{ "{\"i\":{\"value\":\"a.example\"}}", ERR_MALFORMED, "\"type\"" },
	{ "{\"i\":{\"type\":1,\"value\":\"a\"}}", ERR_MALFORMED, "strings" },
	{ "{\"i\":{\"type\":\"dns\",\"value\":[]}}", ERR_MALFORMED, "strings" },
	{ "{\"i\":\"a.example\"}", ERR_MALFORMED, "object" },
	{ "{\"i\":null}", ERR_MALFORMED, "object" },
};

static void
test_identifier_objects(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		struct identifier got;
		struct reason	  reason = { "" };
		json_t		 *json;

		assert_int_equal(json_object_parse(slice_str(objects[i].json), &json, &reason), ERR_OK);
		assert_int_equal(identifier_parse(json_object_get(json, "i"), &got, &reason), objects[i].err);
		assert_non_null(strstr(reason.text, objects[i].why));
		json_decref(json);
	}
}

static void
test_wildcard_base(void **state)
{
	struct identifier wildcard, base;

	(void)state;
	assert_int_equal(identifier_check(IDENTIFIER_DNS, "*.a.example", &wildcard, NULL), ERR_OK);
	assert_true(identifier_is_wildcard(&wildcard));
	base = identifier_base(&wildcard);
	assert_string_equal(base.value, "a.example");
	assert_false(identifier_is_wildcard(&base));
	/* RFC 8555, 8.3: http-01 proves one host, never a wildcard. */
	assert_false(challenge_proves(CHALLENGE_HTTP_01, IDENTIFIER_DNS, true));
	assert_true(challenge_proves(CHALLENGE_HTTP_01, IDENTIFIER_DNS, false));
	assert_false(challenge_proves(CHALLENGE_TLS_ALPN_01, IDENTIFIER_DNS, true));
	assert_true(challenge_proves(CHALLENGE_TLS_ALPN_01, IDENTIFIER_DNS, false));
	/* RFC 8738, 4: both prove addresses, and nothing else does. */
	assert_int_equal(challenge_offer(IDENTIFIER_IP, false),
	    1u << CHALLENGE_HTTP_01 | 1u << CHALLENGE_TLS_ALPN_01);
	assert_true(challenge_proves(CHALLENGE_DNS_01, IDENTIFIER_DNS, true));
	assert_true(challenge_proves(CHALLENGE_DNS_ACCOUNT_01, IDENTIFIER_DNS, true));
	assert_int_equal(challenge_offer(IDENTIFIER_DNS, true),
	    challenge_offer(IDENTIFIER_DNS, false) & ~(1u << CHALLENGE_HTTP_01 | 1u << CHALLENGE_TLS_ALPN_01));
}

/* --- problems (RFC 8555, 6.7) -------------------------------------------------------------------- */

static void
test_problem_names(void **state)
{
	/* As the registry of RFC 8555, 9.7.6 spells them, and the RFCs that came after. */
	static const struct {
		const char *name;
		uint16_t status;
	} registered[] = {
		{ "accountDoesNotExist", 400 }, { "alreadyReplaced", 409 }, { "alreadyRevoked", 400 },
		{ "autoRenewalCanceled", 403 }, { "autoRenewalCancellationInvalid", 400 }, { "autoRenewalExpired", 403 },
		{ "autoRenewalRevocationNotSupported", 403 }, { "badCSR", 400 },
		{ "badNonce", 400 }, { "badPublicKey", 400 }, { "badRevocationReason", 400 },
		{ "badSignatureAlgorithm", 400 }, { "caa", 403 }, { "compound", 400 }, { "connection", 400 },
		{ "dns", 400 }, { "externalAccountRequired", 403 }, { "incorrectResponse", 400 },
		{ "invalidContact", 400 }, { "invalidProfile", 400 }, { "malformed", 400 }, { "orderNotReady", 403 },
		{ "rateLimited", 429 }, { "rejectedIdentifier", 400 }, { "serverInternal", 500 }, { "tls", 400 },
		{ "unauthorized", 403 }, { "unsupportedContact", 400 }, { "unsupportedIdentifier", 400 },
		{ "userActionRequired", 403 },
	};
	const size_t count = sizeof(registered) / sizeof(registered[0]);

	(void)state;
	assert_int_equal(count, PROBLEM_TYPE_COUNT - 1);
	for (size_t i = 0; i < count; i++) {
		enum problem_type type = problem_by_name(registered[i].name);

		assert_int_not_equal(type, PROBLEM_NONE);
		assert_string_equal(problem_name(type), registered[i].name);
		assert_int_equal(problem_status(type), registered[i].status);
	}
	assert_int_equal(problem_by_name("nonsense"), PROBLEM_NONE);
}

/* RFC 8555, 6.7.1: subproblems carry the identifier, the top level never does. */
static void
test_subproblems(void **state)
{
	struct identifier a, b;
	struct problem	  problem = { 0 }, read = { 0 };
	char		 *text;
	json_t		 *json, *subs;

	(void)state;
	identifier_check(IDENTIFIER_DNS, "a.example", &a, NULL);
	identifier_check(IDENTIFIER_DNS, "b.example", &b, NULL);
	problem_add(&problem, PROBLEM_REJECTED_IDENTIFIER, &a, "no a");
	problem_sum_up(&problem, "refused");
	assert_int_equal(problem.type, PROBLEM_REJECTED_IDENTIFIER);
	problem_add(&problem, PROBLEM_MALFORMED, &b, "no b");
	problem_sum_up(&problem, "refused");
	assert_int_equal(problem.type, PROBLEM_COMPOUND);
	json = problem_json(&problem);
	assert_string_equal(json_member_str(json, "type"), "urn:ietf:params:acme:error:compound");
	assert_null(json_object_get(json, "identifier"));
	assert_non_null(text = json_dumps(json, 0));
	problem_read(text, &read);	/* as the database keeps it */
	assert_int_equal(read.type, PROBLEM_COMPOUND);
	assert_int_equal(read.sub_count, 2);
	assert_true(problem_names(&read, &a) && problem_names(&read, &b));
	assert_int_equal(read.subs[1].type, PROBLEM_MALFORMED);
	assert_string_equal(read.subs[0].detail.text, "no a");
	problem_free(&read);
	free(text);
	subs = json_object_get(json, "subproblems");
	assert_int_equal(json_array_size(subs), 2);
	assert_string_equal(json_member_str(json_object_get(json_array_get(subs, 1), "identifier"), "value"),
	    "b.example");
	json_decref(json);
	problem_free(&problem);
}

/* RFC 8555, 6.2: badSignatureAlgorithm says what would be good. */
static void
test_algorithms(void **state)
{
	struct problem problem = { 0 };
	json_t	      *json;

	(void)state;
	problem_set(&problem, PROBLEM_BAD_SIGNATURE_ALGORITHM, "no");
	json = problem_json(&problem);
	assert_true(json_array_size(json_object_get(json, "algorithms")) >= 2);
	json_decref(json);
}

/* --- routes -------------------------------------------------------------------------------------- */

static const struct site native = { &surface_native, "https://ca.example:9443" };
static const struct site pebble = { &surface_pebble, "https://ca.example:9443" };

/* Every route's URL is read back to its route, id and tail; and only under its own base. */
static void
check_routes(const struct site *site, struct id id)
{
	struct site   other = { site->surface, "https://ca.example" }, any = { site->surface, NULL };
	struct target target;

	for (unsigned i = 1; i < ROUTE_COUNT; i++) {
		struct buf url = { 0 };
		char	  *text;

		if (!route_served(site->surface, (enum route)i))
			continue;
		route_url(&url, site, (enum route)i, &id, "http-01");
		text = buf_take_str(&url);
		assert_true(route_parse_url(site, text, &target));
		assert_int_equal(target.route, i);
		if (!id_is_zero(target.id))
			assert_true(id_eq(target.id, id));
		if (i == ROUTE_CHALLENGE)
			assert_string_equal(target.tail, "http-01");
		assert_false(route_parse_url(&other, text, &target));
		assert_true(route_parse_url(&any, text, &target));
		assert_int_equal(target.route, i);
		free(text);
	}
}

static void
test_routes(void **state)
{
	(void)state;
	check_routes(&native, id_new());
	for (unsigned i = 0; i < 1000; i++)
		check_routes(&pebble, id_short());
}

static void
test_routes_under_any_host(void **state)
{
	static const char *const wrong[] = { "http://localhost/dir", "https:///dir", "https://localhost", "/dir", "" };
	struct site   any = { &surface_pebble, NULL };
	struct target target;

	(void)state;
	assert_true(route_parse_url(&any, "https://[::1]:14000/dir", &target));
	assert_int_equal(target.route, ROUTE_DIRECTORY);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(route_parse_url(&any, wrong[i], &target));
}

/* PEBBLE.md: account ids are hexadecimal numbers, serials seven octets or more, all else 43 characters. */
static void
test_pebble_forms(void **state)
{
	static const struct {
		enum route	 route;
		uint8_t		 low[8];
		const char	*path;
	} rows[] = {
		{ ROUTE_ACCOUNT, { 0x0f, 0xed, 0xcb, 0xa9, 0x87, 0x65, 0x43, 0x21 }, "/my-account/fedcba987654321" },
		{ ROUTE_ACCOUNT, { 0, 0, 0, 0, 0, 0, 0, 1 }, "/my-account/1" },
		{ ROUTE_CERTIFICATE, { 0, 0x0d, 0xcb, 0xa9, 0x87, 0x65, 0x43, 0x21 }, "/certZ/0dcba987654321" },
		{ ROUTE_CERTIFICATE, { 0x7f, 0, 0, 0, 0, 0, 0, 0 }, "/certZ/7f00000000000000" },
	};
	struct target target;
	struct buf    url = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct id id = { { 0 } };

		memcpy(id.bytes + 8, rows[i].low, 8);
		buf_clear(&url);
		route_url(&url, &(struct site){ &surface_pebble, "" }, rows[i].route, &id, NULL);
		assert_true(slice_eq_str(buf_slice(&url), rows[i].path));
		assert_true(route_parse(&surface_pebble, slice_str(rows[i].path), &target));
		assert_true(id_eq(target.id, id));
	}
	buf_clear(&url);
	route_url(&url, &(struct site){ &surface_pebble, "" }, ROUTE_ORDER, &(struct id){ { 1 } }, NULL);
	assert_int_equal(url.len, strlen("/my-order/") + 43);
	buf_free(&url);
}

/* The digest in the second half belongs to one id and one use. */
static void
test_pebble_no_forms(void **state)
{
	static const char *const wrong[] = { "/my-account/", "/my-account/01", "/my-account/FF", "/my-account/0x1",
		"/my-account/11111111111111111", "/my-account/1/", "/certZ/abc", "/certZ/00ffffffffffffff",
		"/certZ/ffffffffffffff/alternate/", "/certZ/fffffffffffff", "/list-orderz/1/page/",
		"/my-order/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/my-order/", "/directory" };
	struct target target;
	struct buf    url = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (route_parse(&surface_pebble, slice_str(wrong[i]), &target) &&
		    (!target.nowhere || !id_is_zero(target.id)))
			fail_msg("\"%s\" is somewhere", wrong[i]);
	assert_true(route_parse(&surface_pebble, slice_str("/my-order/nope"), &target));
	assert_int_equal(target.route, ROUTE_ORDER);
	assert_true(target.nowhere);
	assert_false(route_parse(&surface_pebble, slice_str("/my-orders/nope"), &target));
	route_url(&url, &(struct site){ &surface_pebble, "" }, ROUTE_CHALLENGE, &(struct id){ { 1 } }, "dns-01");
	assert_true(route_parse(&surface_pebble, buf_slice(&url), &target));
	assert_false(target.nowhere);
	memcpy(url.data, "/authZ/", 7);
	assert_true(route_parse(&surface_pebble, buf_slice(&url), &target));
	assert_true(target.nowhere);
	buf_free(&url);
}

/* --- other words ----------------------------------------------------------------------------------- */

static void
test_retold(void **state)
{
	struct problem problem = { 0 };

	(void)state;
	problem_set(&problem, PROBLEM_ORDER_NOT_READY, "ours");
	problem_said(&problem, SAID_ORDER_NOT_READY, "pending");
	surface_retell(&surface_native, &problem);
	assert_string_equal(problem.detail.text, "ours");
	surface_retell(&surface_pebble, &problem);
	assert_string_equal(problem.detail.text, "Order's status (\"pending\") was not ready");
	assert_int_equal(problem.type, PROBLEM_ORDER_NOT_READY);

	problem.status = 401;
	problem_said(&problem, SAID_ACCOUNT_DEACTIVATED, "");
	surface_retell(&surface_pebble, &problem);
	assert_int_equal(problem.status, 403);
	assert_string_equal(problem.detail.text, "Account has been deactivated");
}

#define FORTY "a-tail-that-is-far-too-long-to-be-kept--"
#define TOO_LONG FORTY FORTY FORTY "8 chars."

static void
test_no_routes(void **state)
{
	static const char *const paths[] = { "", "/", "/directory/", "/directoryx", "/order", "/order/",
		"/order/short", "/order/AAAAAAAAAAAAAAAAAAAAAA/x", "/order/AAAAAAAAAAAAAAAAAAAAAB",
		"/challenge/AAAAAAAAAAAAAAAAAAAAAA/", "/challenge/AAAAAAAAAAAAAAAAAAAAAA/a/b",
		"/challenge/AAAAAAAAAAAAAAAAAAAAAA/" TOO_LONG, "/account/AAAAAAAAAAAAAAAAAAAAAA/orders/", "//directory",
		"/directory?x", "/DIRECTORY" };
	struct target target;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (route_parse(&surface_native, slice_str(paths[i]), &target))
			fail_msg("\"%s\" is a route", paths[i]);
}

/* --- Accept -------------------------------------------------------------------------------------- */

static void
test_accept(void **state)
{
	static const struct {
		const char	     *accept;
		enum certificate_form form;
	} rows[] = {
		{ "", FORM_PEM_CHAIN },
		{ "*/*", FORM_PEM_CHAIN },
		{ "application/*", FORM_PEM_CHAIN },
		{ "text/html", FORM_PEM_CHAIN },	/* none of ours: the default */
		{ "application/pem-certificate-chain", FORM_PEM_CHAIN },
		{ "application/pkix-cert", FORM_DER },
		{ " Application/PKIX-Cert ; q=0.3 ", FORM_DER },
		{ "application/pkcs7-mime", FORM_PKCS7 },
		{ "application/pkcs7-mime;smime-type=certs-only", FORM_PKCS7 },
		{ "application/pkix-cert, application/pkcs7-mime", FORM_DER },	/* the first of equal ones */
		{ "application/pkix-cert;q=0.5,application/pkcs7-mime;q=0.50,*/*;q=0.4", FORM_DER },
		{ "application/pkix-cert;q=0.5,application/pkcs7-mime;q=0.501", FORM_PKCS7 },
		{ "*/*, application/pem-certificate-chain;q=0.1", FORM_DER },	/* the precise one counts */
		{ "application/*;q=0.2, application/pkix-cert;q=0", FORM_PEM_CHAIN },
		{ "text/html;x=\"a,application/pkix-cert\"", FORM_PEM_CHAIN },	/* inside a quoted string */
		{ "application/pkix-cert;q=0.0001", FORM_PEM_CHAIN },	/* broken ranges count for nothing */
		{ "application/pkix-cert;q=1.001", FORM_PEM_CHAIN },
		{ "application/pkix-cert;q=2", FORM_PEM_CHAIN },
		{ "application/pkix-cert;q", FORM_PEM_CHAIN },
		{ "application/pkix-cert x", FORM_PEM_CHAIN },
		{ "application/pkix-certificate", FORM_PEM_CHAIN },
		{ ",;,=,\"\\", FORM_PEM_CHAIN },
		{ "a;b=\"c, application/pkix-cert", FORM_DER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (accept_form(rows[i].accept) != rows[i].form)
			fail_msg("\"%s\": form %d", rows[i].accept, (int)accept_form(rows[i].accept));
}

/* --- RFC 9773, 4.1 ------------------------------------------------------------------------------- */

static void
test_certid(void **state)
{
	static const uint8_t key_id[] = { 0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b,
		0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4 };
	static const uint8_t serial[] = { 0x00, 0x87, 0x65, 0x43, 0x21 };
	static const char    text[] = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";	/* the RFC's own */
	struct buf	     out = { 0 };
	struct certid	     id;

	(void)state;
	assert_true(certid_parse(text, &id));
	assert_int_equal(id.key_id_len, sizeof(key_id));
	assert_memory_equal(id.key_id, key_id, sizeof(key_id));
	assert_int_equal(id.serial_len, sizeof(serial));
	assert_memory_equal(id.serial, serial, sizeof(serial));
	certid_put(&out, &id);
	assert_true(slice_eq_str(buf_slice(&out), text));
	buf_free(&out);
}

static void
test_no_certids(void **state)
{
	static const char *const texts[] = { "", ".", "aYhba4dGQEHhs3uEe6CuLN4ByNQ", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.",
		".AIdlQyE", "aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE=", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE.",
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE.AQ", "aYhba4dGQEHhs3uEe6CuLN4ByNR.AIdlQyE",	/* stray bits */
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.h2VDIQ",	/* negative */
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AAE",	/* a zero too many */
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AA",	/* zero */
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQy\n", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdl+yE", "AAAAA.AQ",
		"AA.AQAAAAAAAAAAAAAAAAAAAAAAAAAA",	/* 21 bytes of serial */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AQ" };
	struct certid id;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (certid_parse(texts[i], &id))
			fail_msg("\"%s\" names a certificate", texts[i]);
}

/* --- evidence ------------------------------------------------------------------------------------ */

static const struct evidence a_statement = { .identifier = { IDENTIFIER_DNS, "a.example" }, .method = CHALLENGE_HTTP_01,
	.token = "t", .thumbprint = "p", .addresses = "192.0.2.1", .caa = CAA_ALLOWED, .caa_checked = 99,
	.validated = 1234, .until = 2000, .account_url = "https://ca/account/1", .perspective = "fra" };

/* By a MAC, and by a signature: whole, as it was said, and by this key alone. */
static void
evidence_holds(const struct evidence_key *key, const struct evidence_key *public, const struct evidence_key *other)
{
	struct evidence heard;
	struct buf	out = { 0 };
	char		name[PERSPECTIVE_MAX + 1];

	evidence_put(&out, &a_statement, key);
	assert_true(out.len <= EVIDENCE_MAX);
	assert_int_equal(evidence_get(buf_slice(&out), public, &heard), ERR_OK);
	assert_true(evidence_same_claim(&heard, &a_statement));
	assert_string_equal(heard.perspective, "fra");
	assert_true(evidence_by(buf_slice(&out), name));
	assert_string_equal(name, "fra");
	assert_string_equal(heard.addresses, "192.0.2.1");
	assert_int_equal(heard.validated, 1234);
	assert_int_equal(heard.until, 2000);
	assert_int_equal(heard.caa, CAA_ALLOWED);
	assert_int_equal(heard.caa_checked, 99);
	assert_int_equal(evidence_get(buf_slice(&out), other, &heard), ERR_BAD_SIGNATURE);
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 1;
		assert_int_not_equal(evidence_get(buf_slice(&out), public, &heard), ERR_OK);
		out.data[i] ^= 1;
		assert_int_not_equal(evidence_get(slice_of(out.data, i), public, &heard), ERR_OK);
	}
	buf_free(&out);
}

static void
test_evidence(void **state)
{
	static const uint8_t mac[EVIDENCE_KEY_SIZE] = { 1 }, mac2[EVIDENCE_KEY_SIZE] = { 2 };
	/* RFC 8032, 7.1: test 1 and test 2. */
	struct evidence_key private = { .ed25519 = evidence_private_key("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A") };
	struct evidence_key public = { .ed25519 = evidence_public_key("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") };
	struct evidence_key other = { .ed25519 = evidence_public_key("PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw") };
	struct evidence_key first = { .mac = mac }, second = { .mac = mac2 };

	(void)state;
	assert_true(private.ed25519 != NULL && public.ed25519 != NULL && other.ed25519 != NULL);
	evidence_holds(&first, &first, &second);
	evidence_holds(&private, &public, &other);
	/* A MAC is no signature, nor the other way round. */
	evidence_holds(&first, &first, &public);
	evidence_holds(&private, &public, &first);
	assert_null(evidence_public_key("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR"));
	assert_null(evidence_public_key("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
	assert_null(evidence_private_key(""));
	EVP_PKEY_free(private.ed25519);
	EVP_PKEY_free(public.ed25519);
	EVP_PKEY_free(other.ed25519);
}

/* The largest there can be fits. */
static void
test_evidence_size(void **state)
{
	struct evidence_key key = { .ed25519 = evidence_private_key("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A") };
	struct evidence said = a_statement, heard;
	struct buf out = { 0 };

	(void)state;
	memset(said.identifier.value, 'a', IDENTIFIER_VALUE_SIZE - 1);
	memset(said.token, 'a', TOKEN_SIZE - 1);
	memset(said.thumbprint, 'a', THUMBPRINT_SIZE - 1);
	memset(said.addresses, '1', EVIDENCE_ADDRESSES_MAX);
	memset(said.account_url, 'u', ACCOUNT_URL_SIZE - 1);
	memset(said.perspective, 'p', PERSPECTIVE_MAX);
	evidence_put(&out, &said, &key);
	assert_in_range(out.len, EVIDENCE_MAX - 64, EVIDENCE_MAX);
	EVP_PKEY_free(key.ed25519);
	key.ed25519 = evidence_public_key("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
	assert_int_equal(evidence_get(buf_slice(&out), &key, &heard), ERR_OK);
	assert_true(evidence_same_claim(&heard, &said));
	EVP_PKEY_free(key.ed25519);
	buf_free(&out);
}

static void
test_same_claim(void **state)
{
	struct evidence other = a_statement;

	(void)state;
	other.caa = CAA_ABSENT;
	other.validated = 0;
	strcpy(other.perspective, "nyc");
	strcpy(other.addresses, "");
	assert_true(evidence_same_claim(&a_statement, &other));
#define DIFFERS(change)							\
	other = a_statement;						\
	change;								\
	assert_false(evidence_same_claim(&a_statement, &other))
	DIFFERS(other.wildcard = true);
	DIFFERS(other.method = CHALLENGE_DNS_01);
	DIFFERS(other.token[0] = 'u');
	DIFFERS(other.thumbprint[0] = 'q');
	DIFFERS(other.account_url[0] = 'H');
	DIFFERS(other.identifier.value[0] = 'b');
	DIFFERS(other.identifier.type = IDENTIFIER_IP);
}

static void
test_bundle(void **state)
{
	struct bundle bundle = { 2, { slice_str("one"), slice_str("three") } }, back;
	struct buf out = { 0 };

	(void)state;
	bundle_put(&out, &bundle);
	assert_true(bundle_get(buf_slice(&out), &back));
	assert_int_equal(back.count, 2);
	assert_true(slice_eq_str(back.statements[1], "three"));
	for (size_t i = 0; i < out.len; i++)
		assert_false(bundle_get(slice_of(out.data, i), &back));
	buf_put_byte(&out, 0);
	assert_false(bundle_get(buf_slice(&out), &back));
	out.data[3] = BUNDLE_STATEMENTS_MAX + 1;
	assert_false(bundle_get(buf_slice(&out), &back));
	buf_free(&out);
}

/* PROTOCOL.md A 47: at least 128 bits, and never the same twice. */
static void
test_tokens(void **state)
{
	char a[TOKEN_SIZE], b[TOKEN_SIZE];

	(void)state;
	token_new(a);
	token_new(b);
	assert_int_equal(strlen(a), TOKEN_SIZE - 1);
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_reverse), cmocka_unit_test(test_identifier_objects),
		cmocka_unit_test(test_wildcard_base), cmocka_unit_test(test_problem_names),
		cmocka_unit_test(test_subproblems), cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_routes), cmocka_unit_test(test_no_routes),
		cmocka_unit_test(test_routes_under_any_host), cmocka_unit_test(test_pebble_forms),
		cmocka_unit_test(test_pebble_no_forms), cmocka_unit_test(test_retold),
		cmocka_unit_test(test_accept), cmocka_unit_test(test_certid), cmocka_unit_test(test_no_certids), cmocka_unit_test(test_evidence), cmocka_unit_test(test_evidence_size),
		cmocka_unit_test(test_same_claim), cmocka_unit_test(test_bundle), cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
