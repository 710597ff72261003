/* certificate_list.c: certificates without their bytes, in the orders that indexes give: a walk costs what it shows,
 * however many there are. */
#include <stdlib.h>
#include <string.h>

#include "storage/query.h"
#include "storage/storage.h"

void
certificate_rows_free(struct certificate_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].identifiers);
		free(rows[i].profile);
		rows[i].identifiers = NULL;
		rows[i].profile = NULL;
	}
}

/* Its order's; none when that is gone, which it never is as long as the certificate is there. */
static void
names_read(struct query *query, struct certificate_row *out)
{
	char *text = query_text(query);

	if (text != NULL && identifiers_get(slice_str(text), &out->identifiers, &out->identifier_count) != ERR_OK)
		query->err = ERR_IO;
	free(text);
}

/* CERTIFICATE_ROW_COLUMNS */
static void
row_read(struct query *query, struct certificate_row *out)
{
	struct buf serial = { 0 };

	*out = (struct certificate_row){ .revoked = 0 };
	out->id = query_id(query);
	out->order = query_id(query);
	out->account = query_id(query);
	query_fixed(query, out->issuer, sizeof(out->issuer));
	query_buf(query, &serial);
	if (serial.len > sizeof(out->serial))
		query->err = ERR_IO;
	else if (serial.len > 0)
		memcpy(out->serial, serial.data, serial.len);
	out->serial_len = serial.len;
	buf_free(&serial);
	out->not_before = query_integer(query);
	out->not_after = query_integer(query);
	names_read(query, out);
	out->profile = query_text(query);
	out->revoked = query_integer(query);
	out->reason = (enum revocation_reason)query_integer(query);
	out->renewed_until = query_integer(query);
}

enum err
certificate_row_get(struct storage_tx *tx, struct slice serial, struct certificate_row *out)
{
	struct query query;
	enum err err, end;

	*out = (struct certificate_row){ .revoked = 0 };
	query_start(&query, tx, STATEMENT_CERTIFICATE_ROW, VALUES(value_bytes(serial)));
	if ((err = query_next(&query)) == ERR_OK)
		row_read(&query, out);
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	if (err != ERR_OK)
		certificate_rows_free(out, 1);
	return err;
}

static struct id
walk_from(const struct certificate_walk *walk)
{
	static const struct id first;

	if (walk->begun)
		return walk->last;
	return walk->before != 0 ? first : id_last();
}

/* last is borrowed until query_end(). */
static enum err
walk_start(struct query *query, struct storage_tx *tx, const struct certificate_walk *walk, const struct id *last,
    size_t max)
{
	if (walk->before != 0)
		return query_start(query, tx, STATEMENT_CERTIFICATES_PAGE_BY_END,
		    VALUES(value_integer(walk->before), value_integer(walk->last_end),
			/* value_id() would make nothing of the zero that every walk begins with */
			value_bytes(slice_of(last->bytes, ID_SIZE)), value_integer((int64_t)max)));
	if (!id_is_zero(walk->account))
		return query_start(query, tx, STATEMENT_CERTIFICATES_PAGE_OF_ACCOUNT,
		    VALUES(value_id(&walk->account), value_id(last), value_integer((int64_t)max)));
	return query_start(
	    query, tx, STATEMENT_CERTIFICATES_PAGE, VALUES(value_id(last), value_integer((int64_t)max)));
}

enum err
certificates_next(struct storage_tx *tx, struct certificate_walk *walk, struct certificate_row *out, size_t max,
    size_t *count)
{
	const struct id from = walk_from(walk);
	struct query query;
	enum err err;

	*count = 0;
	walk_start(&query, tx, walk, &from, max);
	while (*count < max && query_next(&query) == ERR_OK) {
		struct certificate_row *row = &out[(*count)++];

		row_read(&query, row);
		walk->begun = true;
		walk->last = id_is_zero(walk->account) ? row->id : row->order;
		walk->last_end = row->not_after;
	}
	if ((err = query_end(&query)) != ERR_OK)
		certificate_rows_free(out, *count);
	return err;
}
