/* The wire between the primary and a perspective: frames, and TLS that lets nobody else in. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "va/frame.h"
#include "va/link.h"
#include "va/tls.h"
#include "x509/key.h"

/* --- frames ---------------------------------------------------------------------------------------- */

/* The body, and that any shorter and longer one is refused. */
#define REFUSES_OTHER_LENGTHS(get, type, out)								\
	do {												\
		static type again;									\
		for (size_t n = 0; n < (out)->len - FRAME_HEAD; n++)					\
			assert_false(get(slice_of((out)->data + FRAME_HEAD, n), &again));		\
		buf_put_byte(out, 0);									\
		assert_false(get(slice_of((out)->data + FRAME_HEAD, (out)->len - FRAME_HEAD), &again));	\
	} while (0)

static struct slice
body_of(const struct buf *frame)
{
	size_t len = (size_t)frame->data[2] << 8 | frame->data[3];

	assert_int_equal(frame->data[0] | frame->data[1], 0);
	assert_int_equal(frame->len, FRAME_HEAD + len);
	return slice_of(frame->data + FRAME_HEAD, len);
}

static void
test_hello(void **state)
{
	struct frame_hello hello = { "fra" }, back;
	struct buf out = { 0 };

	(void)state;
	frame_put_hello(&out, &hello);
	assert_int_equal(frame_type(body_of(&out)), FRAME_HELLO);
	assert_true(frame_get_hello(body_of(&out), &back));
	assert_string_equal(back.perspective, "fra");
	out.data[FRAME_HEAD + 1]++; /* another version */
	assert_false(frame_get_hello(body_of(&out), &back));
	out.data[FRAME_HEAD + 1]--;
	REFUSES_OTHER_LENGTHS(frame_get_hello, struct frame_hello, &out);
	buf_free(&out);
}

static void
test_ask(void **state)
{
	struct frame_ask ask = { .number = 77, .caa_alone = true, .check = { .method = CHALLENGE_DNS_01,
		.wildcard = true, .identifier = { IDENTIFIER_DNS, "a.test" }, .token = "t", .thumbprint = "p",
		.account_url = "https://ca/1", .former_count = 1, .former = { "f" } } }, back;
	struct buf out = { 0 };

	(void)state;
	frame_put_ask(&out, &ask);
	assert_true(frame_get_ask(body_of(&out), &back));
	assert_int_equal(back.number, 77);
	assert_true(back.caa_alone && back.check.wildcard && back.check.method == CHALLENGE_DNS_01);
	assert_true(identifier_eq(&back.check.identifier, &ask.check.identifier));
	assert_string_equal(back.check.token, "t");
	assert_string_equal(back.check.thumbprint, "p");
	assert_string_equal(back.check.account_url, "https://ca/1");
	assert_string_equal(back.check.former[0], "f");
	assert_true(id_is_zero(back.check.order) && id_is_zero(back.check.authorization));
	REFUSES_OTHER_LENGTHS(frame_get_ask, struct frame_ask, &out);
	buf_clear(&out);
	ask.check.method = CHALLENGE_TYPE_COUNT;
	frame_put_ask(&out, &ask);
	assert_false(frame_get_ask(body_of(&out), &back));
	buf_free(&out);
}

static void
test_answer(void **state)
{
	struct frame_answer answer = { .number = 78, .result = { .ok = true, .record = "[]", .validated = 5,
		.caa_checked = 6, .evidence = slice_str("statement") } }, back;
	struct buf out = { 0 };

	(void)state;
	frame_put_answer(&out, &answer);
	assert_true(frame_get_answer(body_of(&out), &back));
	assert_int_equal(back.number, 78);
	assert_true(back.result.ok && slice_eq_str(back.result.evidence, "statement"));
	REFUSES_OTHER_LENGTHS(frame_get_answer, struct frame_answer, &out);
	/* The largest fits; more evidence than one statement does not. */
	memset(answer.result.detail, 'd', RESULT_DETAIL_MAX);
	memset(answer.result.record, 'r', RESULT_DETAIL_MAX);
	uint8_t *large = calloc(1, EVIDENCE_MAX + 1);
	answer.result.evidence = slice_of(large, EVIDENCE_MAX);
	buf_clear(&out);
	frame_put_answer(&out, &answer);
	assert_true(out.len < FRAME_MAX && frame_get_answer(body_of(&out), &back));
	answer.result.evidence.len++;
	buf_clear(&out);
	frame_put_answer(&out, &answer);
	assert_false(frame_get_answer(body_of(&out), &back));
	assert_int_equal(frame_type(slice_str("")), 0);
	assert_int_equal(frame_type(slice_str("\x7f")), 0);
	free(large);
	buf_free(&out);
}

/* --- links ----------------------------------------------------------------------------------------- */

struct end {
	struct link *link;
	unsigned ups, frames, downs;
	size_t bytes;
	bool refuse; /* what comes */
	char why[256];
};

static void
on_up(void *arg)
{
	((struct end *)arg)->ups++;
}

static bool
on_frame(void *arg, struct slice body)
{
	struct end *e = arg;

	e->frames++;
	e->bytes += body.len;
	return !e->refuse;
}

static void
on_down(void *arg, const char *why)
{
	struct end *e = arg;

	e->downs++;
	e->link = NULL;
	snprintf(e->why, sizeof(e->why), "%s", why);
}

static const struct link_events events = { on_up, on_frame, on_down };

struct world {
	uv_loop_t loop;
	EVP_PKEY *ours, *theirs, *stranger;
	SSL_CTX *client, *server;
	struct end a, b; /* client and server */
};

/* What either side has and expects. */
static struct world *
world_open(bool client_is_stranger, bool server_is_stranger)
{
	struct world *w = calloc(1, sizeof(*w));
	int fds[2];

	assert_int_equal(uv_loop_init(&w->loop), 0);
	w->ours = key_generate(KEY_ED25519);
	w->theirs = key_generate(KEY_ED25519);
	w->stranger = key_generate(KEY_ED25519);
	w->client = tls_context(false, client_is_stranger ? w->stranger : w->ours, w->theirs);
	w->server = tls_context(true, server_is_stranger ? w->stranger : w->theirs, w->ours);
	assert_true(w->client != NULL && w->server != NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_non_null(w->a.link = link_new(&w->loop, w->client, false, fds[0], &events, &w->a));
	assert_non_null(w->b.link = link_new(&w->loop, w->server, true, fds[1], &events, &w->b));
	return w;
}

static void
world_close(struct world *w)
{
	link_close(w->a.link);
	link_close(w->b.link);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	SSL_CTX_free(w->client);
	SSL_CTX_free(w->server);
	EVP_PKEY_free(w->ours);
	EVP_PKEY_free(w->theirs);
	EVP_PKEY_free(w->stranger);
	free(w);
}

static void
until(struct world *w, const unsigned *counter, unsigned value)
{
	int64_t end = clock_monotonic_ms() + 5000;

	while (*counter < value) {
		assert_true(clock_monotonic_ms() < end);
		uv_run(&w->loop, UV_RUN_ONCE);
	}
}

static void
test_link(void **state)
{
	struct world *w = world_open(false, false);
	struct frame_hello hello = { "fra" };
	struct buf many = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		frame_put_hello(&many, &hello);
	assert_true(link_send(w->a.link, buf_slice(&many))); /* before it is up */
	until(w, &w->b.frames, 10000);
	assert_true(w->a.ups == 1 && w->b.ups == 1);
	for (int i = 0; i < 3; i++)
		assert_true(link_send(w->b.link, buf_slice(&many)));
	until(w, &w->a.frames, 30000);
	assert_int_equal(w->a.bytes, 30000 * (many.len / 10000 - FRAME_HEAD));
	/* Nobody reads: it is not taken, rather than kept without end. */
	unsigned taken = 0;
	while (link_send(w->a.link, buf_slice(&many)) && taken < 1000)
		taken++;
	assert_in_range(taken, 1, LINK_QUEUE_MAX / many.len + 1);
	buf_free(&many);
	link_close(w->a.link);
	w->a.link = NULL;
	until(w, &w->b.downs, 1);
	world_close(w);
}

/* Another key than the configuration names, on either side. */
static void
test_strangers(void **state)
{
	struct world *w = world_open(true, false);

	(void)state;
	until(w, &w->b.downs, 1);
	assert_non_null(strstr(w->b.why, "another key"));
	until(w, &w->a.downs, 1);
	assert_non_null(strstr(w->a.why, "does not know our key"));
	assert_int_equal(w->b.ups, 0);
	world_close(w);
	w = world_open(false, true);
	until(w, &w->a.downs, 1);
	assert_non_null(strstr(w->a.why, "another key"));
	assert_int_equal(w->a.ups + w->b.ups, 0);
	world_close(w);
}

/* RFC 8446, 4.4.2: a client without a certificate is none of ours. */
static void
test_no_certificate(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	static const uint8_t alpn[] = "\x14" TLS_PERSPECTIVE_PROTOCOL;
	int fds[2];

	(void)state;
	assert_int_equal(uv_loop_init(&w->loop), 0);
	w->ours = key_generate(KEY_ED25519);
	w->theirs = key_generate(KEY_ED25519);
	w->server = tls_context(true, w->theirs, w->ours);
	w->client = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_set_alpn_protos(w->client, alpn, sizeof(alpn) - 1), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	w->a.link = link_new(&w->loop, w->client, false, fds[0], &events, &w->a);
	w->b.link = link_new(&w->loop, w->server, true, fds[1], &events, &w->b);
	until(w, &w->b.downs, 1);
	assert_int_equal(w->b.ups, 0);
	until(w, &w->a.downs, 1);
	world_close(w);
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *what;
		size_t len;
		uint8_t bytes[8];
	} rows[] = { { "a frame of nothing", 4, { 0, 0, 0, 0 } }, { "one longer than any", 4, { 0, 0, 0x20, 0x01 } },
		{ "one of four gigabytes", 4, { 0xff, 0xff, 0xff, 0xff } } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world *w = world_open(false, false);

		assert_true(link_send(w->a.link, slice_of(rows[i].bytes, rows[i].len)));
		until(w, &w->b.downs, 1);
		if (strstr(w->b.why, "length") == NULL || w->b.frames != 0)
			fail_msg("%s: %s", rows[i].what, w->b.why);
		until(w, &w->a.downs, 1);
		world_close(w);
	}
	/* What the receiver doesn't like; and bytes that are no TLS. */
	struct world *w = world_open(false, false);
	w->b.refuse = true;
	assert_true(link_send(w->a.link, slice_of("\0\0\0\1x\0\0\0\1x", 10)));
	until(w, &w->b.downs, 1);
	assert_true(w->b.frames == 1 && strstr(w->b.why, "malformed") != NULL);
	world_close(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_hello), cmocka_unit_test(test_ask),
		cmocka_unit_test(test_answer), cmocka_unit_test(test_link), cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_no_certificate), cmocka_unit_test(test_malformed) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("va: links", tests, NULL, NULL);
}
