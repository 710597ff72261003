#include <stdlib.h>

#include "storage/query.h"
#include "storage/storage.h"

static void
row_free(struct key_change_row *row)
{
	free(row->jwk);
	buf_free(&row->jws);
}

void
key_changes_free(struct key_change_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		row_free(&rows[i]);
	free(rows);
}

enum err
account_change_key_to(
    struct storage_tx *tx, struct id id, const struct key_change_row *row, const char *new_jwk)
{
	enum err err = query_set(tx, STATEMENT_ACCOUNT_CHANGE_KEY,
	    VALUES(value_text(row->next), value_text(new_jwk), value_id(&id), value_text(row->thumbprint)),
	    ERR_CONFLICT);

	if (err != ERR_OK)
		return err;
	return query_run(tx, STATEMENT_KEY_CHANGE_INSERT,
	    VALUES(value_id(&id), value_text(row->thumbprint), value_text(row->next), value_text(row->jwk),
		value_bytes(buf_slice(&row->jws)), value_integer(row->created), value_id(&id)),
	    NULL);
}

static void
row_read(struct query *query, struct key_change_row *row)
{
	query_chars(query, row->thumbprint, sizeof(row->thumbprint));
	query_chars(query, row->next, sizeof(row->next));
	row->jwk = query_text(query);
	query_buf(query, &row->jws);
	row->created = query_integer(query);
}

enum err
account_key_changes(struct storage_tx *tx, struct id id, int64_t since, size_t max,
    struct key_change_row **out, size_t *count)
{
	struct key_change_row *rows = calloc(max, sizeof(*rows)), row;
	struct query query;
	size_t n = 0;
	enum err err;

	*out = NULL;
	*count = 0;
	if (rows == NULL)
		return ERR_MEMORY;
	query_start(&query, tx, STATEMENT_KEY_CHANGES,
	    VALUES(value_id(&id), value_integer(since), value_integer((int64_t)max)));
	while (n < max && query_next(&query) == ERR_OK)
		row_read(&query, &rows[n++]);
	if ((err = query_end(&query)) != ERR_OK) {
		key_changes_free(rows, n);
		return err;
	}
	/* Read newest first, told oldest first. */
	for (size_t i = 0; i < n / 2; i++) {
		row = rows[i];
		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = row;
	}
	*out = rows;
	*count = n;
	return ERR_OK;
}

enum err
key_changes_expire(struct storage_tx *tx, int64_t cutoff, unsigned limit, unsigned *deleted)
{
	return query_run(
	    tx, STATEMENT_KEY_CHANGES_EXPIRE, VALUES(value_integer(cutoff), value_integer(limit)), deleted);
}
