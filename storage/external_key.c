#include <stdlib.h>

#include "storage/bounds.h"

void
external_key_free(struct external_key *key)
{
	if (key == NULL)
		return;
	buf_cleanse(&key->mac_key);
	free(key->comment);
	key->comment = NULL;
	bounds_free(&key->bounds);
}

enum err
external_key_insert(struct storage_tx *tx, const struct external_key *key)
{
	return query_run(tx, STATEMENT_EXTERNAL_KEY_INSERT,
	    VALUES(value_id(&key->id), value_bytes(buf_slice(&key->mac_key)), value_text(key->comment),
		BOUNDS_VALUES(&key->bounds), value_integer(key->expires),
		value_integer(key->uses), value_integer(key->created)),
	    NULL);
}

/* EXTERNAL_KEY_COLUMNS */
static void
key_read(struct query *query, struct external_key *out)
{
	*out = (struct external_key){ .id = query_id(query) };
	query_buf(query, &out->mac_key);
	out->comment = query_text(query);
	query_bounds(query, &out->bounds);
	out->expires = query_integer(query);
	out->uses = query_integer(query);
	out->used = query_integer(query);
	out->created = query_integer(query);
	out->revoked = query_integer(query);
}

enum err
external_key_get(struct storage_tx *tx, struct id id, struct external_key *out)
{
	struct query query;
	enum err err, end;

	*out = (struct external_key){ .comment = NULL };
	query_start(&query, tx, STATEMENT_EXTERNAL_KEY_GET, VALUES(value_id(&id)));
	if ((err = query_next(&query)) == ERR_OK)
		key_read(&query, out);
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	if (err != ERR_OK)
		external_key_free(out);
	return err;
}

enum err
external_keys_before(struct storage_tx *tx, struct id before, struct external_key *out, size_t max, size_t *count)
{
	struct query query;
	enum err err;

	*count = 0;
	if (id_is_zero(before))
		before = id_last();
	query_start(&query, tx, STATEMENT_EXTERNAL_KEYS_PAGE,
	    VALUES(value_id(&before), value_integer((int64_t)max)));
	while (*count < max && query_next(&query) == ERR_OK)
		key_read(&query, &out[(*count)++]);
	err = query_end(&query);
	for (size_t i = 0; err != ERR_OK && i < *count; i++)
		external_key_free(&out[i]);
	return err;
}

enum err
external_key_use(struct storage_tx *tx, struct id id, int64_t now)
{
	return query_set(tx, STATEMENT_EXTERNAL_KEY_USE, VALUES(value_id(&id), value_integer(now)), ERR_CONFLICT);
}

enum err
external_key_revoke(struct storage_tx *tx, struct id id, int64_t now)
{
	return query_set(tx, STATEMENT_EXTERNAL_KEY_REVOKE, VALUES(value_integer(now), value_id(&id)), ERR_CONFLICT);
}

enum err
external_key_accounts(struct storage_tx *tx, struct id id, struct id after, struct id *ids, size_t max,
    size_t *count)
{
	return query_ids(tx, STATEMENT_ACCOUNTS_OF_EXTERNAL_KEY,
	    VALUES(value_id(&id), value_bytes(slice_of(after.bytes, ID_SIZE)), value_integer((int64_t)max)), ids, max,
	    count);
}
