/* json.c: jansson, strict. */
#include "lib/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* jansson seeds its hash tables by reading /dev/urandom when the first object is made: a sandboxed role
 * can't open it, so the seed is given before main(). */
__attribute__((constructor)) static void
json_seed(void)
{
	uint32_t	 seed = 0;

	while (seed == 0)
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			abort();
	json_object_seed(seed);
}

/* How deep brackets nest outside strings. Done before parsing: jansson itself allows 2,048 levels, and
 * its recursion eats the stack of a worker thread. */
static bool
json_too_deep(struct slice text)
{
	int	 depth = 0;
	bool	 in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t	 c = text.data[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

enum err
json_object_parse(struct slice text, json_t **out, struct reason *reason)
{
	json_error_t	 error;

	*out = NULL;
	if (text.len == 0) {
		reason_set(reason, "empty text where a JSON object was expected");
		return ERR_MALFORMED;
	}
	if (json_too_deep(text)) {
		reason_set(reason, "JSON nests deeper than %d levels", JSON_DEPTH_MAX);
		return ERR_MALFORMED;
	}
	*out = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (*out == NULL) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return ERR_MEMORY;
		reason_set(reason, "invalid JSON at line %d, column %d: %s", error.line, error.column,
		    error.text);
		return ERR_MALFORMED;
	}
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		reason_set(reason, "JSON array where an object was expected");
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

const char *
json_member_str(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int
json_append(const char *data, size_t len, void *arg)
{
	struct buf	*b = arg;

	buf_put(b, data, len);
	return b->failed ? -1 : 0;
}

static void
put_flagged(struct buf *b, const json_t *json, unsigned indent, size_t flags)
{
	flags |= indent == 0 ? JSON_COMPACT : JSON_INDENT(indent);
	if (json_dump_callback(json, json_append, b, flags | JSON_ENCODE_ANY) != 0)
		b->failed = true;
}

void
json_put_indented(struct buf *b, const json_t *json, unsigned indent)
{
	put_flagged(b, json, indent, 0);
}

void
json_put_sorted(struct buf *b, const json_t *json, unsigned indent)
{
	put_flagged(b, json, indent, JSON_SORT_KEYS);
}

void
json_put(struct buf *b, const json_t *json)
{
	json_put_indented(b, json, 0);
}
