/* limit.c: what stands beside the buckets: pauses, overrides, and the sets of names that were issued for. */
#include <stdlib.h>
#include <string.h>

#include "storage/query.h"
#include "storage/storage.h"

/* The identifier as a column's text; freed by buf_free(). */
static struct value
name_value(struct buf *text, const struct identifier *identifier)
{
	identifiers_put(text, identifier, 1);
	return (struct value){ .kind = VALUE_TEXT, .bytes = buf_slice(text) };
}

static void
pause_read(struct query *query, struct pause *out)
{
	struct identifier *list = NULL;
	size_t count = 0;

	out->account = query_id(query);
	query_identifiers(query, &list, &count);
	if (count == 1)
		out->identifier = list[0];
	else if (query->err == ERR_OK)
		query->err = ERR_IO;
	free(list);
	out->failures = query_integer(query);
	out->last = query_integer(query);
	out->paused = query_integer(query);
}

enum err
pause_get(struct storage_tx *tx, struct id account, const struct identifier *identifier, struct pause *out)
{
	struct buf text = { 0 };
	struct value name = name_value(&text, identifier);
	struct query query;
	enum err err = ERR_MEMORY, end;

	*out = (struct pause){ .failures = 0 };
	if (!text.failed) {
		query_start(&query, tx, STATEMENT_PAUSE_GET, VALUES(value_id(&account), name));
		if ((err = query_next(&query)) == ERR_OK)
			pause_read(&query, out);
		end = query_end(&query);
		err = end != ERR_OK ? end : err;
	}
	buf_free(&text);
	return err;
}

enum err
pause_count(struct storage_tx *tx, struct id account, const struct identifier *identifier, int64_t failures_max,
    int64_t now, bool *now_paused)
{
	struct buf text = { 0 };
	struct value name;
	struct pause pause;
	enum err err = pause_get(tx, account, identifier, &pause);

	*now_paused = false;
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	pause.failures++;
	if (pause.paused == 0 && pause.failures >= failures_max) {
		pause.paused = now;
		*now_paused = true;
	}
	name = name_value(&text, identifier);
	err = text.failed ? ERR_MEMORY :
			    query_run(tx, STATEMENT_PAUSE_PUT,
				VALUES(value_id(&account), name, value_integer(pause.failures), value_integer(now),
				    value_integer(pause.paused)),
				NULL);
	buf_free(&text);
	return err;
}

enum err
pause_end(struct storage_tx *tx, struct id account, const struct identifier *identifier)
{
	struct buf text = { 0 };
	struct value name;
	enum err err = ERR_MEMORY;

	if (identifier == NULL)
		return query_set(tx, STATEMENT_PAUSES_DELETE_ACCOUNT, VALUES(value_id(&account)), ERR_NOT_FOUND);
	name = name_value(&text, identifier);
	if (!text.failed)
		err = query_set(tx, STATEMENT_PAUSE_DELETE, VALUES(value_id(&account), name), ERR_NOT_FOUND);
	buf_free(&text);
	return err;
}

enum err
pauses_after(struct storage_tx *tx, const struct pause *after, struct pause *out, size_t max, size_t *count)
{
	struct buf text = { 0 };
	/* Before the first: no identifier is so short, and value_id() would make nothing of zero. */
	struct value name = { .kind = VALUE_TEXT, .bytes = slice_str("") };
	struct query query;
	enum err err = ERR_MEMORY;

	*count = 0;
	if (!id_is_zero(after->account))
		name = name_value(&text, &after->identifier);
	if (!text.failed) {
		query_start(&query, tx, STATEMENT_PAUSES_PAGE,
		    VALUES(value_bytes(slice_of(after->account.bytes, ID_SIZE)), name, value_integer((int64_t)max)));
		while (*count < max && query_next(&query) == ERR_OK)
			pause_read(&query, &out[(*count)++]);
		err = query_end(&query);
	}
	buf_free(&text);
	return err;
}

enum err
limit_override_put(struct storage_tx *tx, const struct limit_override *o)
{
	return query_run(tx, STATEMENT_OVERRIDE_PUT,
	    VALUES(value_text(o->limit), value_text(o->subject), value_integer(o->count), value_integer(o->period)),
	    NULL);
}

enum err
limit_override_remove(struct storage_tx *tx, const char *limit, const char *subject)
{
	return query_set(
	    tx, STATEMENT_OVERRIDE_DELETE, VALUES(value_text(limit), value_text(subject)), ERR_NOT_FOUND);
}

enum err
limit_overrides(struct storage_tx *tx, size_t max, struct limit_override **out, size_t *count)
{
	struct query query;
	struct limit_override *list = calloc(max, sizeof(*list));
	enum err err;

	*out = NULL;
	*count = 0;
	if (list == NULL)
		return ERR_MEMORY;
	query_start(&query, tx, STATEMENT_OVERRIDES, VALUES(value_text(""), value_integer((int64_t)max)));
	while (*count < max && query_next(&query) == ERR_OK) {
		struct limit_override *o = &list[(*count)++];

		query_chars(&query, o->limit, sizeof(o->limit));
		query_chars(&query, o->subject, sizeof(o->subject));
		o->count = query_integer(&query);
		o->period = query_integer(&query);
	}
	if ((err = query_end(&query)) != ERR_OK) {
		free(list);
		*count = 0;
		return err;
	}
	*out = list;
	return ERR_OK;
}

enum err
name_set_put(struct storage_tx *tx, struct slice hash, int64_t until)
{
	return query_run(tx, STATEMENT_NAME_SET_PUT, VALUES(value_bytes(hash), value_integer(until)), NULL);
}

enum err
name_set_known(struct storage_tx *tx, struct slice hash)
{
	struct query query;
	enum err err, end;

	query_start(&query, tx, STATEMENT_NAME_SET_GET, VALUES(value_bytes(hash)));
	err = query_next(&query);
	end = query_end(&query);
	return end != ERR_OK ? end : err;
}

enum err
limits_expire(struct storage_tx *tx, int64_t now_ms, int64_t cutoff, unsigned limit, unsigned *deleted)
{
	unsigned pauses = 0, sets = 0;
	enum err err;

	*deleted = 0;
	if ((err = query_run(tx, STATEMENT_BUCKETS_EXPIRE, VALUES(value_integer(now_ms * 1000), value_integer(limit)),
		 deleted)) != ERR_OK ||
	    (err = query_run(tx, STATEMENT_PAUSES_EXPIRE, VALUES(value_integer(cutoff), value_integer(limit)),
		 &pauses)) != ERR_OK ||
	    (err = query_run(tx, STATEMENT_NAME_SETS_EXPIRE, VALUES(value_integer(cutoff), value_integer(limit)),
		 &sets)) != ERR_OK)
		return err;
	*deleted += pauses + sets;
	return ERR_OK;
}
