/* star.c: auto-renewal orders (RFC 8739): the proof that ca sees again for each certificate, and how far they are. */
#include <stdlib.h>

#include "storage/query.h"
#include "storage/storage.h"

void
star_free(struct star *star)
{
	buf_free(&star->new_order);
	free(star->new_order_jwk);
	free(star->jwk);
	buf_free(&star->key_changes);
	star->new_order_jwk = star->jwk = NULL;
}

enum err
star_insert(struct storage_tx *tx, struct id order, struct slice new_order, const char *new_order_jwk)
{
	return query_run(tx, STATEMENT_STAR_INSERT,
	    VALUES(value_id(&order), value_bytes(new_order), value_text(new_order_jwk)), NULL);
}

enum err
star_get(struct storage_tx *tx, struct id order, struct star *out)
{
	struct query query;
	enum err err, end;

	*out = (struct star){ .number = 0 };
	query_start(&query, tx, STATEMENT_STAR_GET, VALUES(value_id(&order)));
	if ((err = query_next(&query)) == ERR_OK) {
		query_buf(&query, &out->new_order);
		out->new_order_jwk = query_text(&query);
		out->jwk = query_text(&query);
		query_buf(&query, &out->key_changes);
		out->number = (uint32_t)query_integer(&query);
		out->asked = (uint32_t)query_integer(&query);
	}
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	if (err != ERR_OK)
		star_free(out);
	return err;
}

enum err
star_begin(struct storage_tx *tx, struct id order, const char *jwk, struct slice key_changes, uint32_t asked)
{
	return query_set(tx, STATEMENT_STAR_BEGIN,
	    VALUES(value_text(jwk), value_bytes(key_changes), value_integer(asked), value_id(&order)), ERR_NOT_FOUND);
}

/* No time is null, which no index holds. */
static struct value
value_due(int64_t due)
{
	return due != 0 ? value_integer(due) : value_text(NULL);
}

enum err
star_ask(struct storage_tx *tx, struct id order, uint32_t asked, int64_t due)
{
	return query_set(tx, STATEMENT_STAR_ASK, VALUES(value_integer(asked), value_due(due), value_id(&order)),
	    ERR_NOT_FOUND);
}

enum err
star_issued(struct storage_tx *tx, struct id order, uint32_t number, int64_t due)
{
	return query_set(tx, STATEMENT_STAR_ISSUED,
	    VALUES(value_integer(number), value_due(due), value_id(&order), value_integer(number)), ERR_CONFLICT);
}

enum err
stars_due(struct storage_tx *tx, int64_t now, struct id *ids, size_t max, size_t *count)
{
	return query_ids(tx, STATEMENT_STARS_DUE, VALUES(value_integer(now), value_integer((int64_t)max)), ids, max,
	    count);
}

/* --- the orders themselves --------------------------------------------------------------------------------- */

enum err
order_set_renewed(struct storage_tx *tx, struct id id, struct id certificate, int64_t expires)
{
	return query_set(tx, STATEMENT_ORDER_SET_RENEWED,
	    VALUES(value_id(&certificate), value_integer(expires), value_id(&id)), ERR_CONFLICT);
}

enum err
order_set_not_renewed(struct storage_tx *tx, struct id id, const char *error)
{
	return query_set(tx, STATEMENT_ORDER_SET_NOT_RENEWED, VALUES(value_text(error), value_id(&id)), ERR_CONFLICT);
}

enum err
order_cancel(struct storage_tx *tx, struct id id, int64_t now)
{
	return query_set(tx, STATEMENT_ORDER_CANCEL, VALUES(value_id(&id), value_integer(now)), ERR_CONFLICT);
}

enum err
account_cancel_orders(struct storage_tx *tx, struct id account, int64_t now)
{
	return query_run(tx, STATEMENT_ACCOUNT_CANCEL_ORDERS, VALUES(value_id(&account), value_integer(now)), NULL);
}

enum err
orders_canceled(struct storage_tx *tx, const struct id *account, struct id after, int64_t now, struct id *ids,
    size_t max, size_t *count)
{
	/* value_id() would make nothing of the zero that every walk begins with */
	struct value from = value_bytes(slice_of(after.bytes, ID_SIZE));

	if (account != NULL)
		return query_ids(tx, STATEMENT_ORDERS_CANCELED_OF_ACCOUNT,
		    VALUES(value_id(account), from, value_integer((int64_t)max)), ids, max, count);
	return query_ids(tx, STATEMENT_ORDERS_CANCELED,
	    VALUES(from, value_integer(now), value_integer((int64_t)max)), ids, max, count);
}
