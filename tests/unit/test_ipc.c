/* ipc: each encoder with its decoder, hostile bytes, and who may say what. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/channel.h"
#include "ipc/wire.h"
#include "jose/jws.h"

/* Every prefix of a good body, and the body with a byte more, must be refused. */
#define REFUSES_OTHER_LENGTHS(get, type, out)								\
	do {												\
		type again;										\
		for (size_t n = 0; n < (out)->len; n++)							\
			assert_false(get(slice_of((out)->data, n), &again));				\
		buf_put_byte(out, 0);									\
		assert_false(get(buf_slice(out), &again));						\
	} while (0)

static struct identifier
name(const char *value)
{
	struct identifier identifier = { .type = IDENTIFIER_DNS };

	strcpy(identifier.value, value);
	return identifier;
}

static void
test_wire(void **state)
{
	struct buf  out = { 0 };
	struct wire in;
	char	    text[4];
	struct id   id = id_new();

	(void)state;
	put_u8(&out, 0xfe);
	put_u16(&out, 0xfedc);
	put_u32(&out, 0xfedcba98);
	put_u64(&out, 0xfedcba9876543210);
	put_i64(&out, -2);
	put_bool(&out, true);
	put_id(&out, id);
	put_str(&out, "abc");
	in = wire_of(buf_slice(&out));
	assert_int_equal(get_u8(&in), 0xfe);
	assert_int_equal(get_u16(&in), 0xfedc);
	assert_int_equal(get_u32(&in), 0xfedcba98);
	assert_true(get_u64(&in) == 0xfedcba9876543210);
	assert_int_equal(get_i64(&in), -2);
	assert_true(get_bool(&in));
	assert_true(id_eq(get_id(&in), id));
	assert_false(wire_done(&in));
	get_str(&in, text, sizeof(text));
	assert_string_equal(text, "abc");
	assert_true(wire_done(&in));
	buf_free(&out);
}

static void
test_wire_refuses(void **state)
{
	static const struct {
		const char *what;
		size_t	    len;
		uint8_t	    bytes[8];
	} rows[] = {
		{ "a string longer than its room", 8, { 0, 0, 0, 4, 'a', 'b', 'c', 'd' } },
		{ "a string past the end", 6, { 0, 0, 0, 3, 'a', 'b' } },
		{ "a string with a NUL", 7, { 0, 0, 0, 3, 'a', 0, 'c' } },
		{ "a length of four billion", 7, { 0xff, 0xff, 0xff, 0xff, 'a', 'b', 'c' } },
		{ "nothing", 0, { 0 } },
	};
	char text[4];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire in = wire_of(slice_of(rows[i].bytes, rows[i].len));

		get_str(&in, text, sizeof(text));
		if (!in.bad || wire_done(&in) || strlen(text) >= sizeof(text))
			fail_msg("%s was taken", rows[i].what);
		assert_int_equal(get_u64(&in), 0);	/* bad stays bad */
	}
	struct wire in = wire_of(slice_of("\2", 1));

	assert_false(get_bool(&in));
	assert_true(in.bad);
	in = wire_of(slice_of("\0\0\0\5\1\1", 6));
	assert_int_equal(get_count(&in, 100), 0);	/* five things in two bytes */
	assert_true(in.bad);
}

static void
test_request(void **state)
{
	struct msg_request msg = { .number = 77, .remote = "192.0.2.1", .path = "/new-order",
		.user_agent = "test/1", .accept = "*/*", .body = slice_str("{}") }, back;
	struct buf	   out = { 0 };

	(void)state;
	put_request(&out, &msg);
	assert_true(get_request(buf_slice(&out), &back));
	assert_int_equal(back.number, 77);
	assert_string_equal(back.remote, msg.remote);
	assert_string_equal(back.path, msg.path);
	assert_string_equal(back.user_agent, msg.user_agent);
	assert_true(slice_eq(back.body, msg.body));
	REFUSES_OTHER_LENGTHS(get_request, struct msg_request, &out);
	buf_free(&out);
}

static void
test_manage(void **state)
{
	struct msg_manage msg = { .number = 7, .method = "POST", .path = "/faults", .base = "https://localhost:15000",
		.body = slice_str("{}") }, got;
	struct buf	  out = { 0 };

	(void)state;
	put_manage(&out, &msg);
	assert_true(get_manage(buf_slice(&out), &got));
	assert_int_equal(got.number, 7);
	assert_string_equal(got.method, "POST");
	assert_string_equal(got.path, "/faults");
	assert_string_equal(got.base, "https://localhost:15000");
	assert_true(slice_eq_str(got.body, "{}"));
	for (size_t len = 0; len < out.len; len++)
		assert_false(get_manage(slice_of(out.data, len), &got));
	buf_free(&out);
}

static void
test_seen(void **state)
{
	struct msg_seen msg = { .what = SEEN_GET, .user_agent = "client/1", .id = "0123456789ab", .path = "/order" }, got;
	struct buf	out = { 0 };

	(void)state;
	put_seen(&out, &msg);
	assert_true(get_seen(buf_slice(&out), &got));
	assert_int_equal(got.what, SEEN_GET);
	assert_string_equal(got.user_agent, "client/1");
	assert_string_equal(got.id, "0123456789ab");
	assert_string_equal(got.path, "/order");
	for (size_t len = 0; len < out.len; len++)
		assert_false(get_seen(slice_of(out.data, len), &got));
	out.data[0] = SEEN_COUNT;
	assert_false(get_seen(buf_slice(&out), &got));
	buf_free(&out);
}

static void
test_clock(void **state)
{
	struct msg_clock msg = { .shift = 86400 }, got;
	struct buf	 out = { 0 };

	(void)state;
	put_clock(&out, &msg);
	assert_true(get_clock(buf_slice(&out), &got));
	assert_int_equal(got.shift, 86400);
	buf_clear(&out);
	msg.shift = -1;		/* never back */
	put_clock(&out, &msg);
	assert_false(get_clock(buf_slice(&out), &got));
	buf_free(&out);
}

static void
test_lookup(void **state)
{
	struct msg_lookup msg = { .number = 78, .remote = "192.0.2.1", .path = "/renewal-info/a.b" }, back;
	struct buf	  out = { 0 };

	(void)state;
	put_lookup(&out, &msg);
	assert_true(get_lookup(buf_slice(&out), &back));
	assert_int_equal(back.number, 78);
	assert_string_equal(back.remote, msg.remote);
	assert_string_equal(back.path, msg.path);
	REFUSES_OTHER_LENGTHS(get_lookup, struct msg_lookup, &out);
	buf_free(&out);
}

static void
test_reply(void **state)
{
	struct msg_reply msg = { .number = 78, .status = 201, .media = MEDIA_JSON, .retry_after = 3,
		.not_before = 5, .not_after = 6, .fresh = 7,
		.nonce = "0123456789012345678901", .location = "https://ca/order/1", .link_count = 2,
		.links = { "<a>;rel=\"up\"", "<b>;rel=\"index\"" }, .body = slice_str("{\"a\":1}"),
		.account = "acct", .route = "new-order", .problem = "malformed", .detail = "why" }, back;
	struct buf	 out = { 0 };

	(void)state;
	put_reply(&out, &msg);
	assert_true(get_reply(buf_slice(&out), &back));
	assert_int_equal(back.status, 201);
	assert_int_equal(back.media, MEDIA_JSON);
	assert_int_equal(back.retry_after, 3);
	assert_true(back.not_before == 5 && back.not_after == 6 && back.fresh == 7);
	assert_string_equal(back.nonce, msg.nonce);
	assert_string_equal(back.location, msg.location);
	assert_int_equal(back.link_count, 2);
	assert_string_equal(back.links[1], msg.links[1]);
	assert_true(slice_eq(back.body, msg.body));
	assert_string_equal(back.detail, "why");
	REFUSES_OTHER_LENGTHS(get_reply, struct msg_reply, &out);
	buf_clear(&out);
	msg.status = 99;	/* no HTTP status */
	put_reply(&out, &msg);
	assert_false(get_reply(buf_slice(&out), &back));
	buf_free(&out);
}

static void
test_nonces(void **state)
{
	struct msg_nonces msg = { .count = 2, .nonces = { "a", "bb" } }, back;
	struct buf	  out = { 0 };

	(void)state;
	put_nonces(&out, &msg);
	assert_true(get_nonces(buf_slice(&out), &back));
	assert_int_equal(back.count, 2);
	assert_string_equal(back.nonces[1], "bb");
	REFUSES_OTHER_LENGTHS(get_nonces, struct msg_nonces, &out);
	buf_free(&out);
}

static void
test_check(void **state)
{
	struct msg_check msg = { .authorization = id_new(), .method = CHALLENGE_HTTP_01, .wildcard = false,
		.identifier = name("a.example"), .token = "tok", .thumbprint = "thumb",
		.trial = true, .account_url = "https://ca/account/1", .former_count = 2, .former = { "one", "two" } }, back;
	struct buf	 out = { 0 };

	(void)state;
	put_check(&out, &msg);
	assert_true(get_check(buf_slice(&out), &back));
	assert_true(id_eq(back.authorization, msg.authorization));
	assert_int_equal(back.method, CHALLENGE_HTTP_01);
	assert_true(identifier_eq(&back.identifier, &msg.identifier));
	assert_string_equal(back.token, "tok");
	assert_true(back.trial);
	assert_string_equal(back.account_url, msg.account_url);
	assert_int_equal(back.former_count, 2);
	assert_string_equal(back.former[1], "two");
	assert_true(id_is_zero(back.order));
	out.data[ID_SIZE] = 0;	/* no such challenge */
	assert_false(get_check(buf_slice(&out), &back));
	out.data[ID_SIZE] = CHALLENGE_HTTP_01;
	REFUSES_OTHER_LENGTHS(get_check, struct msg_check, &out);
	/* CAA alone: an order and the evidence, both or none. */
	buf_clear(&out);
	msg.order = id_new();
	put_check(&out, &msg);
	assert_false(get_check(buf_slice(&out), &back));
	buf_clear(&out);
	msg.evidence = slice_str("said");
	put_check(&out, &msg);
	assert_true(get_check(buf_slice(&out), &back));
	assert_true(id_eq(back.order, msg.order));
	assert_true(slice_eq(back.evidence, msg.evidence));
	REFUSES_OTHER_LENGTHS(get_check, struct msg_check, &out);
	buf_clear(&out);
	msg.order = (struct id){ { 0 } };
	put_check(&out, &msg);
	assert_false(get_check(buf_slice(&out), &back));
	buf_free(&out);
}

static void
test_result(void **state)
{
	struct msg_result msg = { .authorization = id_new(), .ok = true, .record = "[]", .validated = 5, .until = 6, .caa_checked = 4,
		.evidence = slice_str("proof") }, back;
	struct buf	  out = { 0 };

	(void)state;
	put_result(&out, &msg);
	assert_true(get_result(buf_slice(&out), &back));
	assert_true(back.ok);
	assert_int_equal(back.validated, 5);
	assert_int_equal(back.until, 6);
	assert_int_equal(back.caa_checked, 4);
	assert_int_equal(back.next_try, 0);
	assert_true(slice_eq(back.evidence, msg.evidence));
	REFUSES_OTHER_LENGTHS(get_result, struct msg_result, &out);
	/* ra adds a lifetime to it. */
	buf_clear(&out);
	msg.validated = INT64_MAX;
	put_result(&out, &msg);
	assert_false(get_result(buf_slice(&out), &back));
	msg.validated = 5;
	/* A success that is tried again. */
	buf_clear(&out);
	msg.next_try = 9;
	put_result(&out, &msg);
	assert_false(get_result(buf_slice(&out), &back));
	msg.next_try = 0;
	/* A trial that reached it: no success, no problem, no evidence. */
	buf_clear(&out);
	struct msg_result trial = { .reached = true, .record = "[]", .votes = slice_str("[1]") };
	put_result(&out, &trial);
	assert_true(get_result(buf_slice(&out), &back));
	assert_true(back.reached && !back.ok && slice_eq_str(back.votes, "[1]"));
	buf_clear(&out);
	trial.evidence = slice_str("statement");
	put_result(&out, &trial);
	assert_false(get_result(buf_slice(&out), &back));
	buf_clear(&out);
	trial.ok = true;
	put_result(&out, &trial);
	assert_false(get_result(buf_slice(&out), &back));
	buf_clear(&out);
	/* A success without evidence, a failure without a problem: no va that works says so. */
	buf_clear(&out);
	msg.evidence.len = 0;
	put_result(&out, &msg);
	assert_false(get_result(buf_slice(&out), &back));
	buf_clear(&out);
	msg.ok = false;
	put_result(&out, &msg);
	assert_false(get_result(buf_slice(&out), &back));
	buf_clear(&out);
	msg.problem = PROBLEM_DNS;
	put_result(&out, &msg);
	assert_true(get_result(buf_slice(&out), &back));
	buf_free(&out);
}

static void
test_issue(void **state)
{
	struct msg_issue msg = { .order = id_new(), .profile = "default", .not_before = 1, .not_after = 2,
		.jwk = slice_str("{jwk}"), .jws = slice_str("{jws}"), .evidence_count = 2,
		.evidence = { slice_str("one"), slice_str("two") } }, back;
	struct buf	 out = { 0 };

	(void)state;
	put_issue(&out, &msg);
	assert_true(get_issue(buf_slice(&out), &back));
	assert_true(id_eq(back.order, msg.order));
	assert_string_equal(back.profile, "default");
	assert_int_equal(back.not_after, 2);
	assert_true(slice_eq(back.jws, msg.jws));
	assert_int_equal(back.evidence_count, 2);
	assert_true(slice_eq(back.evidence[1], msg.evidence[1]));
	REFUSES_OTHER_LENGTHS(get_issue, struct msg_issue, &out);
	buf_free(&out);
}

/* An auto-renewal order's: number, request and key, or none of them. */
static void
test_issue_star(void **state)
{
	struct msg_issue msg = { .order = id_new(), .profile = "default", .jwk = slice_str("{jwk}"),
		.jws = slice_str("{jws}"), .number = 3, .new_order = slice_str("{new}"), .new_order_jwk = slice_str("{old}") },
		back;
	struct buf out = { 0 };

	(void)state;
	put_issue(&out, &msg);
	assert_true(get_issue(buf_slice(&out), &back));
	assert_int_equal(back.number, 3);
	assert_true(slice_eq(back.new_order, msg.new_order) && slice_eq(back.new_order_jwk, msg.new_order_jwk));
	REFUSES_OTHER_LENGTHS(get_issue, struct msg_issue, &out);
	for (int spoilt = 0; spoilt < 3; spoilt++) {
		struct msg_issue bad = msg;

		if (spoilt == 0)
			bad.number = 0;
		else if (spoilt == 1)
			bad.new_order = slice_str("");
		else
			bad.new_order_jwk = slice_str("");
		buf_clear(&out);
		put_issue(&out, &bad);
		assert_false(get_issue(buf_slice(&out), &back));
	}
	buf_free(&out);
}

static void
test_canceled(void **state)
{
	struct msg_canceled msg = { .order = id_new() }, back;
	struct buf out = { 0 };

	(void)state;
	put_canceled(&out, &msg);
	assert_true(get_canceled(buf_slice(&out), &back));
	assert_true(id_eq(back.order, msg.order));
	REFUSES_OTHER_LENGTHS(get_canceled, struct msg_canceled, &out);
	buf_free(&out);
}

static void
test_certificate(void **state)
{
	struct msg_certificate msg = { .order = id_new(), .number = 7, .issuer = { 1, 2, 3 }, .serial = slice_str("12345678"),
		.not_before = 1, .not_after = 2, .der = slice_str("DER") }, back;
	struct buf	       out = { 0 };

	(void)state;
	put_certificate(&out, &msg);
	assert_true(get_certificate(buf_slice(&out), &back));
	assert_memory_equal(back.issuer, msg.issuer, FINGERPRINT_SIZE);
	assert_int_equal(back.number, 7);
	assert_true(slice_eq(back.serial, msg.serial));
	assert_true(slice_eq(back.der, msg.der));
	REFUSES_OTHER_LENGTHS(get_certificate, struct msg_certificate, &out);
	buf_clear(&out);
	msg.serial = slice_str("123456789012345678901");	/* 21 octets: RFC 5280, 4.1.2.2 */
	put_certificate(&out, &msg);
	assert_false(get_certificate(buf_slice(&out), &back));
	buf_free(&out);
}

static void
test_refused(void **state)
{
	struct msg_refused msg = { .order = id_new(), .number = 7, .problem = { .type = PROBLEM_BAD_CSR, .detail = { "no" } } }, back;
	struct identifier names[2] = { { IDENTIFIER_DNS, "a.test" }, { IDENTIFIER_IP, "192.0.2.1" } };
	struct buf	   out = { 0 };

	(void)state;
	put_refused(&out, &msg);
	assert_true(get_refused(buf_slice(&out), &back));
	assert_int_equal(back.number, 7);
	assert_int_equal(back.problem.type, PROBLEM_BAD_CSR);
	assert_string_equal(back.problem.detail.text, "no");
	assert_int_equal(back.problem.sub_count, 0);
	REFUSES_OTHER_LENGTHS(get_refused, struct msg_refused, &out);
	buf_clear(&out);
	problem_add(&msg.problem, PROBLEM_REJECTED_IDENTIFIER, &names[0], "never");
	problem_add(&msg.problem, PROBLEM_UNAUTHORIZED, &names[1], "not yet");
	put_refused(&out, &msg);
	assert_true(get_refused(buf_slice(&out), &back));
	assert_int_equal(back.problem.sub_count, 2);
	assert_true(problem_names(&back.problem, &names[0]) && problem_names(&back.problem, &names[1]));
	assert_int_equal(back.problem.subs[1].type, PROBLEM_UNAUTHORIZED);
	assert_string_equal(back.problem.subs[0].detail.text, "never");
	problem_free(&back.problem);
	REFUSES_OTHER_LENGTHS(get_refused, struct msg_refused, &out);
	/* Not as a problem says it. */
	msg.problem.subs[0].detail.text[0] = '\n';
	buf_clear(&out);
	put_refused(&out, &msg);
	assert_false(get_refused(buf_slice(&out), &back));
	msg.problem.subs[0].detail.text[0] = 'n';
	msg.problem.subs[1].type = PROBLEM_NONE;
	buf_clear(&out);
	put_refused(&out, &msg);
	assert_false(get_refused(buf_slice(&out), &back));
	buf_free(&out);
	problem_free(&msg.problem);
}

/* --- channels ------------------------------------------------------------------------------------ */

static void
pair(struct channel **a, enum role role_a, struct channel **b, enum role role_b)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	*a = channel_new(fds[0], role_a, role_b);
	*b = channel_new(fds[1], role_b, role_a);
}

static void
test_channel(void **state)
{
	struct channel *wfe, *ra;
	struct buf	body = { 0 };
	enum msg_type	type;
	struct slice	got;

	(void)state;
	pair(&wfe, ROLE_WFE, &ra, ROLE_RA);
	assert_int_equal(channel_try_receive(ra, &type, &got), ERR_BUSY);
	for (size_t i = 0; i < JWS_BODY_MAX; i++)
		buf_put_byte(&body, (uint8_t)i);
	assert_int_equal(channel_send(wfe, MSG_REQUEST, &body), ERR_OK);
	assert_int_equal(channel_receive(ra, &type, &got), ERR_OK);
	assert_int_equal(type, MSG_REQUEST);
	assert_true(slice_eq(got, buf_slice(&body)));
	while (channel_try_send(wfe, MSG_REQUEST, &body) == ERR_OK)
		;
	assert_int_equal(channel_try_send(wfe, MSG_REQUEST, &body), ERR_BUSY);
	channel_free(ra);
	assert_int_equal(channel_send(wfe, MSG_NONCES_WANTED, NULL), ERR_CLOSED);
	channel_free(wfe);
	buf_free(&body);
}

struct long_one {
	struct channel *ra;
	struct buf body;
};

static void *
send_twice(void *arg)
{
	struct long_one *one = arg;
	struct buf empty = { 0 };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(channel_send(one->ra, MSG_ISSUE, &one->body), ERR_OK);
		assert_int_equal(channel_send(one->ra, MSG_ISSUE, &empty), ERR_OK);
	}
	return NULL;
}

/* Longer than a packet: several, and from two threads that send at once none is mixed with another's. */
static void
test_long_message(void **state)
{
	struct long_one one = { 0 };
	struct channel *ca;
	pthread_t threads[2];
	enum msg_type type;
	struct slice got;
	unsigned longs = 0;

	(void)state;
	pair(&one.ra, ROLE_RA, &ca, ROLE_CA);
	for (size_t i = 0; i < 3 * MSG_MAX + 7; i++)
		buf_put_byte(&one.body, (uint8_t)(i / 251));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_twice, &one), 0);
	for (int i = 0; i < 8; i++) {
		enum err err;

		while ((err = i % 2 == 0 ? channel_receive(ca, &type, &got) : channel_try_receive(ca, &type, &got)) ==
		    ERR_BUSY)
			;
		assert_int_equal(err, ERR_OK);
		assert_int_equal(type, MSG_ISSUE);
		assert_true(got.len == 0 || slice_eq(got, buf_slice(&one.body)));
		longs += got.len > 0;
	}
	assert_int_equal(longs, 4);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	channel_free(one.ra);
	channel_free(ca);
	buf_free(&one.body);
}

/* What a captured peer could write into the socket, and who receives it. All must kill the receiver. */
static const struct {
	const char *what;
	enum role   receiver, sender;
	size_t	    len;
	uint8_t	    bytes[8];
} hostile[] = {
	{ "shorter than a header", ROLE_RA, ROLE_WFE, 3, { 0xac, 0x5e, 0 } },
	{ "no guard", ROLE_RA, ROLE_WFE, 4, { 0, 0, 0, MSG_NONCES_WANTED } },
	{ "type 0", ROLE_RA, ROLE_WFE, 4, { 0xac, 0x5e, 0, 0 } },
	{ "an unknown type", ROLE_RA, ROLE_WFE, 4, { 0xac, 0x5e, 0, MSG_TYPE_COUNT } },
	{ "wfe plays ca", ROLE_RA, ROLE_WFE, 4, { 0xac, 0x5e, 0, MSG_CERTIFICATE } },
	{ "wfe plays va", ROLE_RA, ROLE_WFE, 4, { 0xac, 0x5e, 0, MSG_RESULT } },
	{ "wfe plays the supervisor", ROLE_RA, ROLE_WFE, 4, { 0xac, 0x5e, 0, MSG_STOP } },
	{ "va plays wfe", ROLE_RA, ROLE_VA, 4, { 0xac, 0x5e, 0, MSG_REQUEST } },
	{ "va asks for the server's certificate", ROLE_RA, ROLE_VA, 4, { 0xac, 0x5e, 0, MSG_SERVER_CSR } },
	{ "ra sends va an ISSUE", ROLE_VA, ROLE_RA, 4, { 0xac, 0x5e, 0, MSG_ISSUE } },
	{ "ra sends ca a CHECK", ROLE_CA, ROLE_RA, 4, { 0xac, 0x5e, 0, MSG_CHECK } },
	{ "ra sends ca its configuration", ROLE_CA, ROLE_RA, 4, { 0xac, 0x5e, 0, MSG_CONFIG } },
	{ "a body where none may be", ROLE_RA, ROLE_WFE, 5, { 0xac, 0x5e, 0, MSG_NONCES_WANTED, 1 } },
	{ "a first part of nothing", ROLE_CA, ROLE_RA, 4, { 0xac, 0x5e, 0x80, MSG_ISSUE } },
	{ "a part of an unknown type", ROLE_CA, ROLE_RA, 5, { 0xac, 0x5e, 0x80, MSG_TYPE_COUNT, 1 } },
	{ "a part from who may not", ROLE_CA, ROLE_RA, 5, { 0xac, 0x5e, 0x80, MSG_CERTIFICATE, 1 } },
};

static void
test_hostile_peer_kills_receiver(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		int   fds[2], status;
		pid_t child;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		if ((child = fork()) == 0) {
			struct channel *own = channel_new(fds[0], hostile[i].receiver, hostile[i].sender);
			enum msg_type	type;
			struct slice	body;

			signal(SIGABRT, SIG_DFL);
			close(STDERR_FILENO);
			channel_receive(own, &type, &body);
			_exit(0);	/* it lived: the test fails */
		}
		assert_int_equal(write(fds[1], hostile[i].bytes, hostile[i].len), hostile[i].len);
		close(fds[0]);
		close(fds[1]);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
			fail_msg("%s did not kill the receiver", hostile[i].what);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire), cmocka_unit_test(test_wire_refuses),
		cmocka_unit_test(test_request), cmocka_unit_test(test_lookup), cmocka_unit_test(test_manage),
		cmocka_unit_test(test_seen), cmocka_unit_test(test_clock), cmocka_unit_test(test_reply), cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_check), cmocka_unit_test(test_result), cmocka_unit_test(test_issue), cmocka_unit_test(test_issue_star), cmocka_unit_test(test_canceled),
		cmocka_unit_test(test_certificate), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_channel), cmocka_unit_test(test_long_message), cmocka_unit_test(test_hostile_peer_kills_receiver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
