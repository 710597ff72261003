#include "x509/blocklist.h"

#include <stdlib.h>
#include <string.h>

#include "x509/key.h"

struct blocklist {
	size_t count;
	uint8_t hashes[][SPKI_HASH_SIZE]; /* sorted */
};

static int
hash_compare(const void *a, const void *b)
{
	return memcmp(a, b, SPKI_HASH_SIZE);
}

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
hash_read(struct slice line, uint8_t out[SPKI_HASH_SIZE])
{
	size_t i;

	if (line.len != 2 * SPKI_HASH_SIZE)
		return false;
	for (i = 0; i < SPKI_HASH_SIZE; i++) {
		int high = digit(line.data[2 * i]), low = digit(line.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Cuts the next line off text, without what ends it. */
static struct slice
line_next(struct slice *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->len);
	size_t len = end != NULL ? (size_t)(end - text->data) : text->len;
	struct slice line = slice_of(text->data, len);

	*text = slice_of(text->data + len + (end != NULL), text->len - len - (end != NULL));
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

enum err
blocklist_parse(struct slice text, struct blocklist **out, struct reason *reason)
{
	/* A hash takes 64 bytes and its line's end. */
	struct blocklist *list = malloc(sizeof(*list) + (text.len / 64 + 1) * SPKI_HASH_SIZE);
	size_t number = 0;

	*out = NULL;
	if (list == NULL)
		return ERR_MEMORY;
	list->count = 0;
	while (text.len > 0) {
		struct slice line = line_next(&text);

		number++;
		if (line.len == 0 || line.data[0] == '#')
			continue;
		if (!hash_read(line, list->hashes[list->count])) {
			reason_set(reason, "line %zu is not a SHA-256 of 64 hexadecimal digits", number);
			free(list);
			return ERR_MALFORMED;
		}
		list->count++;
	}
	qsort(list->hashes, list->count, SPKI_HASH_SIZE, hash_compare);
	*out = list;
	return ERR_OK;
}

void
blocklist_free(struct blocklist *list)
{
	free(list);
}

size_t
blocklist_count(const struct blocklist *list)
{
	return list->count;
}

enum err
blocklist_check(const struct blocklist *list, EVP_PKEY *key, struct reason *reason)
{
	uint8_t hash[SPKI_HASH_SIZE];
	enum err err;

	if (list == NULL || list->count == 0)
		return ERR_OK;
	if ((err = key_spki_hash(key, hash)) != ERR_OK) {
		reason_set(reason, "the key can't be encoded");
		return err;
	}
	if (bsearch(hash, list->hashes, list->count, SPKI_HASH_SIZE, hash_compare) == NULL)
		return ERR_OK;
	reason_set(reason,
	    "the key is known to be weak or stolen and is blocked here (ca.blocked_keys); make another "
	    "one");
	return ERR_BAD_KEY;
}
