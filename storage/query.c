#include "storage/query.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

struct value
value_integer(int64_t integer)
{
	return (struct value){ .kind = VALUE_INTEGER, .integer = integer };
}

struct value
value_text(const char *text)
{
	if (text == NULL)
		return (struct value){ .kind = VALUE_NULL };
	return (struct value){ .kind = VALUE_TEXT, .bytes = slice_str(text) };
}

struct value
value_bytes(struct slice bytes)
{
	if (bytes.len == 0)
		return (struct value){ .kind = VALUE_NULL };
	return (struct value){ .kind = VALUE_BYTES, .bytes = bytes };
}

struct value
value_id(const struct id *id)
{
	if (id_is_zero(*id))
		return (struct value){ .kind = VALUE_NULL };
	return (struct value){ .kind = VALUE_BYTES, .bytes = { id->bytes, ID_SIZE } };
}

enum err
query_run(struct storage_tx *tx, enum statement statement, const struct value *values, size_t count,
    unsigned *changed)
{
	struct cursor *cursor;
	enum err err;

	err = tx->driver->start(tx->connection, statement, values, count, &cursor);
	if (err != ERR_OK)
		return err;
	err = tx->driver->next(tx->connection, cursor, statement);
	if (err == ERR_NOT_FOUND) {
		err = ERR_OK;
		if (changed != NULL)
			*changed = tx->driver->changed(tx->connection);
	} else if (err == ERR_OK)
		abort(); /* rows that nobody asked for */
	tx->driver->end(cursor);
	return err;
}

enum err
query_set(
    struct storage_tx *tx, enum statement statement, const struct value *values, size_t count, enum err none)
{
	unsigned changed;
	enum err err;

	err = query_run(tx, statement, values, count, &changed);
	if (err == ERR_OK && changed == 0)
		err = none;
	return err;
}

enum err
query_start(struct query *query, struct storage_tx *tx, enum statement statement, const struct value *values,
    size_t count)
{
	*query = (struct query){ .tx = tx, .statement = statement };
	query->err = tx->driver->start(tx->connection, statement, values, count, &query->cursor);
	return query->err;
}

enum err
query_next(struct query *query)
{
	enum err err;

	if (query->err != ERR_OK)
		return query->err;
	query->column = 0;
	err = query->tx->driver->next(query->tx->connection, query->cursor, query->statement);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		query->err = err;
	return err;
}

enum err
query_end(struct query *query)
{
	if (query->cursor != NULL)
		query->tx->driver->end(query->cursor);
	query->cursor = NULL;
	return query->err;
}

/* A value that we can't have written: the database was changed behind our back. */
static void
query_bad(struct query *query)
{
	log_event(LOG_ERROR, "database row is damaged", F_STR("statement", statements[query->statement].name),
	    F_INT("column", query->column - 1));
	query->err = ERR_IO;
}

int64_t
query_integer(struct query *query)
{
	return query->tx->driver->integer(query->cursor, query->column++);
}

static struct slice
query_bytes(struct query *query)
{
	return query->tx->driver->bytes(query->cursor, query->column++);
}

void
query_fixed(struct query *query, void *out, size_t len)
{
	struct slice bytes = query_bytes(query);

	if (bytes.len != len)
		query_bad(query);
	else
		memcpy(out, bytes.data, len);
}

struct id
query_id(struct query *query)
{
	struct id id = { .bytes = { 0 } };

	if (query->tx->driver->is_null(query->cursor, query->column))
		query->column++;
	else
		query_fixed(query, id.bytes, sizeof(id.bytes));
	return id;
}

void
query_packed(struct query *query, struct id *ids, size_t max, size_t *count)
{
	struct slice bytes = query_bytes(query);

	if (bytes.len % ID_SIZE != 0 || bytes.len / ID_SIZE > max) {
		query_bad(query);
		return;
	}
	*count = bytes.len / ID_SIZE;
	if (bytes.len > 0)
		memcpy(ids, bytes.data, bytes.len);
}

void
query_chars(struct query *query, char *out, size_t size)
{
	struct slice bytes = query_bytes(query);

	if (bytes.len >= size) {
		query_bad(query);
		return;
	}
	if (bytes.len > 0)
		memcpy(out, bytes.data, bytes.len);
	out[bytes.len] = '\0';
}

char *
query_text(struct query *query)
{
	struct slice bytes;
	char *text;

	if (query->tx->driver->is_null(query->cursor, query->column)) {
		query->column++;
		return NULL;
	}
	bytes = query_bytes(query);
	if ((text = malloc(bytes.len + 1)) == NULL) {
		query->err = ERR_MEMORY;
		return NULL;
	}
	if (bytes.len > 0)
		memcpy(text, bytes.data, bytes.len);
	text[bytes.len] = '\0';
	return text;
}

void
query_buf(struct query *query, struct buf *buf)
{
	struct slice bytes = query_bytes(query);

	if (bytes.len > 0)
		buf_put(buf, bytes.data, bytes.len);
	if (buf->failed)
		query->err = ERR_MEMORY;
}

void
query_identifiers(struct query *query, struct identifier **out, size_t *count)
{
	enum err err = identifiers_get(query_bytes(query), out, count);

	if (err == ERR_MEMORY)
		query->err = err;
	else if (err != ERR_OK)
		query_bad(query);
}

enum err
query_ids(struct storage_tx *tx, enum statement statement, const struct value *values, size_t value_count,
    struct id *ids, size_t max, size_t *count)
{
	struct query query;

	*count = 0;
	query_start(&query, tx, statement, values, value_count);
	while (*count < max && query_next(&query) == ERR_OK)
		ids[(*count)++] = query_id(&query);
	return query_end(&query);
}

void
identifiers_put(struct buf *buf, const struct identifier *identifiers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put_byte(buf, '\n');
		buf_put_str(buf, identifier_type_name(identifiers[i].type));
		buf_put_byte(buf, ':');
		buf_put_str(buf, identifiers[i].value);
	}
}

static bool
identifier_get(struct slice line, struct identifier *out)
{
	char name[32]; /* longer than any type in the registry of RFC 8555, 9.7.7 */
	const uint8_t *colon = memchr(line.data, ':', line.len);
	size_t name_len, value_len;

	if (colon == NULL)
		return false;
	name_len = (size_t)(colon - line.data);
	value_len = line.len - name_len - 1;
	if (name_len >= sizeof(name) || value_len >= sizeof(out->value))
		return false;
	memcpy(name, line.data, name_len);
	name[name_len] = '\0';
	memcpy(out->value, colon + 1, value_len);
	out->value[value_len] = '\0';
	out->type = identifier_type_by_name(name);
	return out->type != 0;
}

enum err
identifiers_get(struct slice text, struct identifier **out, size_t *count)
{
	struct identifier *list;
	size_t n = 1, i = 0;

	*out = NULL;
	*count = 0;
	if (text.len == 0)
		return ERR_MALFORMED;
	for (size_t at = 0; at < text.len; at++)
		n += text.data[at] == '\n';
	if ((list = calloc(n, sizeof(*list))) == NULL)
		return ERR_MEMORY;
	for (; i < n; i++) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.data) : text.len;

		if (!identifier_get((struct slice){ text.data, len }, &list[i])) {
			free(list);
			return ERR_MALFORMED;
		}
		text.data += len + (end != NULL);
		text.len -= len + (end != NULL);
	}
	*out = list;
	*count = n;
	return ERR_OK;
}
