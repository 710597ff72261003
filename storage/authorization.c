#include <stdlib.h>

#include "storage/query.h"
#include "storage/storage.h"

void
authorization_free(struct authorization *authorization)
{
	if (authorization == NULL)
		return;
	free(authorization->record);
	free(authorization->error);
	authorization->record = authorization->error = NULL;
	buf_free(&authorization->evidence);
}

enum err
authorization_insert(struct storage_tx *tx, const struct authorization *a)
{
	struct buf identifier = { 0 };
	enum err err = ERR_MEMORY;

	identifiers_put(&identifier, &a->identifier, 1);
	if (!identifier.failed)
		err = query_run(tx, STATEMENT_AUTHORIZATION_INSERT,
		    VALUES(value_id(&a->id), value_id(&a->account),
			(struct value){ .kind = VALUE_TEXT, .bytes = buf_slice(&identifier) },
			value_integer(a->wildcard), value_integer(a->state), value_integer(a->expires),
			value_text(a->token), value_integer(a->offered), value_integer(a->tried),
			value_integer(a->validated), value_text(a->record), value_text(a->error),
			value_bytes(buf_slice(&a->evidence)), value_integer(a->next_try),
			value_integer(a->caa_checked)),
		    NULL);
	buf_free(&identifier);
	return err;
}

/* AUTHORIZATION_COLUMNS */
static void
authorization_read(struct query *query, struct authorization *out)
{
	struct identifier *identifier = NULL;
	size_t count = 0;

	*out = (struct authorization){ .record = NULL };
	out->id = query_id(query);
	out->account = query_id(query);
	query_identifiers(query, &identifier, &count);
	if (count > 0)
		out->identifier = identifier[0];
	free(identifier);
	out->wildcard = query_integer(query) != 0;
	out->state = (enum authorization_state)query_integer(query);
	out->expires = query_integer(query);
	query_chars(query, out->token, sizeof(out->token));
	out->offered = (uint32_t)query_integer(query);
	out->tried = (enum challenge_type)query_integer(query);
	out->validated = query_integer(query);
	out->record = query_text(query);
	out->error = query_text(query);
	query_buf(query, &out->evidence);
	out->next_try = query_integer(query);
	out->caa_checked = query_integer(query);
}

/* The one row of a query that was started. */
static enum err
authorization_take(struct query *query, struct authorization *out)
{
	enum err err, end;

	*out = (struct authorization){ .record = NULL };
	if ((err = query_next(query)) == ERR_OK)
		authorization_read(query, out);
	if ((end = query_end(query)) != ERR_OK)
		err = end;
	if (err != ERR_OK)
		authorization_free(out);
	return err;
}

enum err
authorization_get(struct storage_tx *tx, struct id id, struct authorization *out)
{
	struct query query;

	query_start(&query, tx, STATEMENT_AUTHORIZATION_GET, VALUES(value_id(&id)));
	return authorization_take(&query, out);
}

enum err
authorization_insert_alone(struct storage_tx *tx, const struct authorization *a)
{
	enum err err = authorization_insert(tx, a);

	return err != ERR_OK ? err : query_set(tx, STATEMENT_AUTHORIZATION_ALONE, VALUES(value_id(&a->id)), ERR_IO);
}

enum err
authorization_find(struct storage_tx *tx, struct id account, const struct identifier *identifier, bool wildcard,
    int64_t until, struct authorization *out)
{
	static const enum authorization_state states[] = { AUTHORIZATION_VALID, AUTHORIZATION_PENDING };
	struct buf name = { 0 };
	struct value text = { .kind = VALUE_TEXT };
	struct query query;
	enum err err = ERR_NOT_FOUND;

	identifiers_put(&name, identifier, 1);
	text.bytes = buf_slice(&name);
	if (name.failed)
		err = ERR_MEMORY;
	for (size_t i = 0; i < 2 && err == ERR_NOT_FOUND; i++) {
		query_start(&query, tx, STATEMENT_AUTHORIZATION_FIND,
		    VALUES(value_id(&account), text, value_integer(wildcard), value_integer(states[i]),
			value_integer(until)));
		err = authorization_take(&query, out);
	}
	buf_free(&name);
	return err;
}

enum err
authorization_begin(struct storage_tx *tx, struct id id, enum challenge_type tried)
{
	return query_set(
	    tx, STATEMENT_AUTHORIZATION_BEGIN, VALUES(value_integer(tried), value_id(&id)), ERR_CONFLICT);
}

enum err
authorization_set_valid(struct storage_tx *tx, struct id id, int64_t validated, int64_t expires,
    const char *record, struct slice evidence, int64_t caa_checked)
{
	return query_set(tx, STATEMENT_AUTHORIZATION_SET_VALID,
	    VALUES(value_integer(validated), value_integer(expires), value_text(record),
		value_bytes(evidence), value_integer(caa_checked), value_id(&id)),
	    ERR_CONFLICT);
}

enum err
authorization_set_retrying(struct storage_tx *tx, struct id id, const char *record, const char *error,
    int64_t next_try)
{
	return query_set(tx, STATEMENT_AUTHORIZATION_SET_RETRYING,
	    VALUES(value_text(record), value_text(error), value_integer(next_try), value_id(&id)), ERR_CONFLICT);
}

enum err
authorization_set_votes(struct storage_tx *tx, struct id id, const char *votes)
{
	return query_set(tx, STATEMENT_AUTHORIZATION_SET_VOTES, VALUES(value_text(votes), value_id(&id)), ERR_NOT_FOUND);
}

enum err
authorization_votes(struct storage_tx *tx, struct id id, char **votes)
{
	struct query query;
	enum err err, end;

	*votes = NULL;
	query_start(&query, tx, STATEMENT_AUTHORIZATION_VOTES, VALUES(value_id(&id)));
	if ((err = query_next(&query)) == ERR_OK)
		*votes = query_text(&query);
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	return err;
}

enum err
authorization_set_caa(struct storage_tx *tx, struct id id, struct slice evidence, int64_t caa_checked)
{
	return query_set(tx, STATEMENT_AUTHORIZATION_SET_CAA,
	    VALUES(value_bytes(evidence), value_integer(caa_checked), value_id(&id)), ERR_CONFLICT);
}

enum err
authorization_set_invalid(struct storage_tx *tx, struct id id, const char *record, const char *error)
{
	return query_set(tx, STATEMENT_AUTHORIZATION_SET_INVALID,
	    VALUES(value_text(record), value_text(error), value_id(&id)), ERR_CONFLICT);
}

enum err
authorization_deactivate(struct storage_tx *tx, struct id id)
{
	return query_set(tx, STATEMENT_AUTHORIZATION_DEACTIVATE, VALUES(value_id(&id)), ERR_CONFLICT);
}

enum err
authorizations_processing(struct storage_tx *tx, struct id *ids, size_t max, size_t *count)
{
	return query_ids(
	    tx, STATEMENT_AUTHORIZATIONS_PROCESSING, VALUES(value_integer((int64_t)max)), ids, max, count);
}
