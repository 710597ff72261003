/* test_challtestsrv.c: the challenge server's readers of foreign bytes, and its store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pebble-compat/challtestsrv/answer.h"
#include "pebble-compat/challtestsrv/hello.h"
#include "pebble-compat/challtestsrv/message.h"
#include "pebble-compat/challtestsrv/store.h"

#define HEADER "\x12\x34\x01\x00\0\1\0\0\0\0\0\0"
#define BYTES(text) { text, sizeof(text) - 1 }
#define LABEL16 "\20" "abcdefghijklmnop"
#define LABEL63 "\77" "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

struct packet {
	struct {
		const char	*data;
		size_t		 len;
	}		 bytes;
	enum err	 err;
	const char	*name;
	uint16_t	 type, class;
};

static const struct packet packets[] = {
	{ BYTES(HEADER "\1a\4test\0\0\x10\0\1"), ERR_OK, "a.test.", 16, 1 },
	{ BYTES(HEADER "\1A\4TEST\0\1\1\0\3"), ERR_OK, "A.TEST.", 257, 3 },
	{ BYTES(HEADER "\0\0\1\0\1"), ERR_OK, ".", 1, 1 },
	{ BYTES(HEADER "\1a\0\0\1\0\1 and more"), ERR_OK, "a.", 1, 1 },
	{ BYTES(HEADER "\11\0.\xff\\\"( @'\0\0\1\0\1"), ERR_OK, "\\000\\.\\255\\\\\\\"\\(\\ \\@\\'.", 1, 1 },
	{ BYTES(HEADER LABEL63 LABEL63 LABEL63 "\75" "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"
	    "\0\0\1\0\1"), ERR_OK, NULL, 1, 1 },
	{ BYTES(HEADER LABEL63 LABEL63 LABEL63 "\76" "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij"
	    "\0\0\1\0\1"), ERR_MALFORMED, NULL, 0, 0 },
	{ BYTES(HEADER "\100abc\0\0\1\0\1"), ERR_MALFORMED, NULL, 0, 0 },		/* a label of 64 */
	{ BYTES(HEADER "\xc0\x0c\0\1\0\1"), ERR_MALFORMED, NULL, 0, 0 },	/* a pointer at itself */
	{ BYTES(HEADER "\1a\xc0\x0c\0\1\0\1"), ERR_MALFORMED, NULL, 0, 0 },
	{ BYTES(HEADER "\1a\0\0\1\0"), ERR_MALFORMED, NULL, 0, 0 },		/* cut off, at each place */
	{ BYTES(HEADER "\1a\0"), ERR_MALFORMED, NULL, 0, 0 },
	{ BYTES(HEADER "\1a"), ERR_MALFORMED, NULL, 0, 0 },
	{ BYTES(HEADER "\5a"), ERR_MALFORMED, NULL, 0, 0 },
	{ BYTES(HEADER), ERR_MALFORMED, NULL, 0, 0 },
	{ BYTES("\x12\x34\x01\x00\0\0\0\0\0\0\0\0"), ERR_MALFORMED, NULL, 0, 0 },	/* no question */
	{ BYTES("\x12\x34\x01\x00\0\2\0\0\0\0\0\0\1a\0\0\1\0\1\1b\0\0\1\0\1"), ERR_MALFORMED, NULL, 0, 0 },
	{ BYTES("\x12\x34\x28\x00\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), ERR_UNSUPPORTED, NULL, 0, 0 },	/* update */
	{ BYTES("\x12\x34\x81\x00\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), ERR_CLOSED, NULL, 0, 0 },	/* an answer */
	{ BYTES("\x12\x34\x01\x00\0\1\0\0\0\0\0"), ERR_CLOSED, NULL, 0, 0 },
	{ BYTES(""), ERR_CLOSED, NULL, 0, 0 },
};

static void
test_message_read(void **state)
{
	struct dns_query query;

	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		const struct packet *p = &packets[i];

		assert_int_equal(message_read(slice_of(p->bytes.data, p->bytes.len), &query), p->err);
		if (p->err != ERR_CLOSED || p->bytes.len >= 12)
			assert_int_equal(query.id, 0x1234);
		if (p->err != ERR_OK)
			continue;
		if (p->name != NULL)
			assert_string_equal(query.text, p->name);
		assert_int_equal(query.type, p->type);
		assert_int_equal(query.class, p->class);
	}
}

static void
test_name_read(void **state)
{
	static const char *const good[] = { "a", "a.", ".", "a.test", "\\000\\.\\255\\\\.x", "_acme-challenge.a" };
	static const char *const bad[] = { "", "..", "a..b", ".a", "a\\", "a\\25", "a\\256", "\\",
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl.test" };
	struct dns_name		 name;
	char			 text[1200] = "";
	struct buf		 packet = { 0 };
	struct dns_query	 query;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(name_read(bad[i], &name));
	/* What is read is what was written. */
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(name_read(good[i], &name));
		buf_clear(&packet);
		buf_put(&packet, HEADER, 12);
		buf_put(&packet, name.wire, name.len);
		buf_put(&packet, "\0\1\0\1", 4);
		assert_int_equal(message_read(buf_slice(&packet), &query), ERR_OK);
		assert_memory_equal(query.text, good[i], strlen(good[i]));
	}
	buf_free(&packet);
	/* 126 labels of one octet are 253 octets of wire, 127 are 255, 128 too many. */
	for (int i = 0; i < 127; i++)
		strcat(text, "a.");
	assert_true(name_read(text, &name));
	assert_int_equal(name.len, 255);
	strcat(text, "a.");
	assert_false(name_read(text, &name));
}

static void
test_hello(void **state)
{
	static const struct {
		const char	*data;
		size_t		 len;
		const char	*name;
	} names[] = {
		{ "\0\11\0\0\6a.test", 11, "a.test" },
		{ "\0\11\1\0\6a.test", 11, "" },		/* another type of name */
		{ "\0\11\0\0\7a.test", 11, "" },		/* longer than the list */
		{ "\0\10\0\0\6a.test", 11, "" },		/* the list is shorter */
		{ "\0\2\0\0", 4, "" }, { "\0\0", 2, "" }, { "\0", 1, "" }, { NULL, 0, "" },
	};
	static const struct {
		const char	*data;
		size_t		 len;
		const char	*json;
		bool		 acme;
	} lists[] = {
		{ "\0\13\12acme-tls/1", 13, "[\"acme-tls/1\"]", true },
		{ "\0\16\12acme-tls/1\2h2", 16, "[\"acme-tls/1\",\"h2\"]", false },
		{ "\0\13\12acme-tls/2", 13, "[\"acme-tls/2\"]", false },
		{ "\0\13\13acme-tls/1", 13, "[]", false },	/* longer than the list */
		{ "\0\14\12acme-tls/1\0", 14, "[\"acme-tls/1\"]", false },	/* an empty one */
		{ "\0\2\1\xff", 4, "[\"\xef\xbf\xbd\"]", false },
		{ "\0\12\12acme-tls/1", 13, "null", false },
		{ "\0\0", 2, "null", false }, { "\0", 1, "null", false }, { NULL, 0, "null", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(slice_eq_str(hello_server_name(slice_of(names[i].data, names[i].len)), names[i].name));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct slice	 list = slice_of(lists[i].data, lists[i].len);
		json_t		*protocols = hello_protocols(list);
		char		*text = json_dumps(protocols, JSON_COMPACT | JSON_ENCODE_ANY);

		assert_string_equal(text, lists[i].json);
		assert_int_equal(hello_is_acme(list), lists[i].acme);
		free(text);
		json_decref(protocols);
	}
}

static void
test_store(void **state)
{
	struct store	*store = store_new();
	json_t		*got;
	char		*text;

	(void)state;
	assert_true(store_append(store, TABLE_TXT, "_acme-challenge.A.test.", json_pack("[s]", "one")));
	assert_true(store_append(store, TABLE_TXT, "_ACME-challenge.a.test", json_pack("[s]", "two")));
	got = store_get(store, TABLE_TXT, "_acme-challenge.a.TEST");
	assert_int_equal(json_array_size(got), 2);
	json_decref(got);
	assert_true(store_remove(store, TABLE_TXT, "_acme-challenge.a.test"));
	assert_null(store_get(store, TABLE_TXT, "_acme-challenge.a.test"));
	/* Tokens are not names. */
	assert_true(store_set(store, TABLE_HTTP01, "Token.", json_pack("[s]", "old")));
	assert_true(store_set(store, TABLE_HTTP01, "Token.", json_pack("[s]", "new")));
	assert_null(store_text(store, TABLE_HTTP01, "token"));
	text = store_text(store, TABLE_HTTP01, "Token.");
	assert_string_equal(text, "new");
	free(text);
	assert_false(store_set(store, TABLE_HTTP01, "x", NULL));
	store_free(store);
}

static void
test_history_is_bounded(void **state)
{
	struct store	*store = store_new();
	json_t		*events;

	(void)state;
	for (int i = 0; i < HISTORY_EVENTS_MAX + 10; i++)
		store_event(store, HISTORY_DNS, i % 2 == 0 ? "even" : "odd", json_null());
	events = store_events(store, HISTORY_DNS, "ODD.");
	assert_int_equal(json_array_size(events), HISTORY_EVENTS_MAX / 2);
	json_decref(events);
	assert_true(store_forget(store, HISTORY_DNS, "odd"));
	store_event(store, HISTORY_DNS, "odd", json_null());
	events = store_events(store, HISTORY_DNS, "odd");
	assert_int_equal(json_array_size(events), 1);
	json_decref(events);
	store_free(store);
}

/* More records than a message has room for: said, not cut. */
static void
test_answer_too_large(void **state)
{
	struct store		*store = store_new();
	char			 text[60001];
	struct buf		 out = { 0 };
	struct dns_query	 query;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(store_append(store, TABLE_TXT, "a", json_pack("[s]", text)));
	assert_int_equal(answer(store, slice_of(HEADER "\1a\0\0\x10\0\1", 19), "", &query, &out), ERR_OK);
	assert_in_range(out.len, 60000, 65535);
	assert_true(store_append(store, TABLE_TXT, "a", json_pack("[s]", text)));
	buf_clear(&out);
	assert_int_equal(answer(store, slice_of(HEADER "\1a\0\0\x10\0\1", 19), "", &query, &out), ERR_OK);
	assert_int_equal(out.len, 12);
	assert_memory_equal(out.data, "\x12\x34\x81\x02\0\0\0\0\0\0\0\0", 12);
	buf_free(&out);
	store_free(store);
}

/* A host's name as an address: the loop must not wait for it. */
static void
test_answer_that_takes_time(void **state)
{
	struct store		*store = store_new();
	struct buf		 out = { 0 };
	struct dns_query	 query;

	(void)state;
	assert_true(store_set(store, TABLE_DEFAULT, "ipv4", json_pack("[s]", "localhost")));
	assert_int_equal(answer(store, slice_of(HEADER "\1a\0\0\1\0\1", 19), "", &query, &out), ERR_BUSY);
	assert_int_equal(out.len, 0);
	assert_int_equal(answer_wait(store, &query, &out), ERR_OK);
	assert_memory_equal(out.data, "\x12\x34\x81\x00\0\1\0\1\0\1\0\0", 12);
	assert_memory_equal(out.data + 19, "\1a\0\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1", 17);
	buf_free(&out);
	store_free(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_read), cmocka_unit_test(test_name_read), cmocka_unit_test(test_hello),
		cmocka_unit_test(test_store), cmocka_unit_test(test_history_is_bounded),
		cmocka_unit_test(test_answer_too_large), cmocka_unit_test(test_answer_that_takes_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
