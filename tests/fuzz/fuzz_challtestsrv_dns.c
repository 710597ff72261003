/* A DNS query, answered from a store that has something of each kind for some names. An answer must have the query's
 * id, be an answer, and count its records rightly. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pebble-compat/challtestsrv/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct store *
store_make(void)
{
	struct store *store = store_new();

	if (store == NULL || !store_append(store, TABLE_TXT, "a.test", json_pack("[s,s]", "one", "")) ||
	    !store_append(store, TABLE_A, "a.test", json_pack("[s,s]", "192.0.2.1", "::1")) ||
	    !store_append(store, TABLE_AAAA, "a.test", json_pack("[s]", "2001:db8::1")) ||
	    !store_append(store, TABLE_CAA, "a.test", json_pack("[{s:s,s:s}]", "tag", "issue", "value", "x")) ||
	    !store_set(store, TABLE_CNAME, "c", json_pack("[s]", "A.test.")) ||
	    !store_set(store, TABLE_SERVFAIL, "s", json_pack("[b]", 1)))
		abort();
	return store;
}

/* Past a name without pointers. */
static size_t
name_end(const struct buf *b, size_t at)
{
	while (at < b->len && b->data[at] != 0)
		at += 1 + b->data[at];
	return at + 1;
}

static size_t
count(const struct buf *b, size_t at)
{
	return (size_t)(b->data[at] << 8 | b->data[at + 1]);
}

static void
check(const struct buf *out, const uint8_t *query)
{
	size_t at = 12, records;

	if (out->len < 12 || memcmp(out->data, query, 2) != 0 || !(out->data[2] & 0x80))
		abort();
	if (count(out, 4) == 1)
		at = name_end(out, at) + 4;
	for (records = count(out, 6) + count(out, 8); records > 0; records--) {
		at = name_end(out, at) + 10;
		if (at > out->len)
			abort();
		at += count(out, at - 2);
	}
	if (at != out->len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store	*store;
	struct dns_query	 query;
	struct buf		 out = { 0 };
	enum err		 err;

	if (store == NULL)
		store = store_make();
	err = answer(store, slice_of(data, size), "", &query, &out);
	if (err == ERR_OK)
		check(&out, data);
	else if (err != ERR_CLOSED || out.len != 0)
		abort();
	if (err == ERR_OK && out.len > 12)
		(void)store_forget(store, HISTORY_DNS, query.text);
	buf_free(&out);
	return 0;
}
