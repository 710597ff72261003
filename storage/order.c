#include "storage/order.h"

#include <stdlib.h>

void
order_free(struct order *order)
{
	if (order == NULL)
		return;
	free(order->identifiers);
	free(order->profile);
	free(order->begin_asked);
	free(order->end_asked);
	free(order->replaces);
	free(order->error);
	order->identifiers = NULL;
	order->identifier_count = 0;
	order->profile = order->begin_asked = order->end_asked = order->replaces = order->error = NULL;
	buf_free(&order->finalize);
}

/* As the order shows it; on the heap. */
static char *
renewal_text(const struct auto_renewal *renewal)
{
	json_t *json = auto_renewal_json(renewal);
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

static void
query_renewal(struct query *query, struct auto_renewal *out)
{
	char *text = query_text(query);
	json_t *json = text != NULL ? json_loads(text, 0, NULL) : NULL;

	*out = (struct auto_renewal){ .lifetime = 0 };
	if (text != NULL && !auto_renewal_parse(json, out, NULL))
		query->err = ERR_IO;
	json_decref(json);
	free(text);
}

static enum err
order_insert_row(struct storage_tx *tx, const struct order *o, struct slice authorizations)
{
	char *renewal = o->auto_renewal.lifetime != 0 ? renewal_text(&o->auto_renewal) : NULL;
	struct buf identifiers = { 0 };
	enum err err = ERR_MEMORY;

	identifiers_put(&identifiers, o->identifiers, o->identifier_count);
	if (!identifiers.failed && (renewal != NULL) == (o->auto_renewal.lifetime != 0))
		err = query_run(tx, STATEMENT_ORDER_INSERT,
		    VALUES(value_id(&o->id), value_id(&o->account), value_integer(o->state),
			value_integer(o->expires), value_integer(o->expires),
			(struct value){ .kind = VALUE_TEXT, .bytes = buf_slice(&identifiers) },
			(struct value){ .kind = VALUE_BYTES, .bytes = authorizations },
			value_integer(o->not_before), value_integer(o->not_after), value_text(o->profile),
			value_text(o->error), value_id(&o->certificate), value_integer(o->created),
			value_text(o->replaces), value_text(o->begin_asked), value_text(o->end_asked),
			value_text(renewal)),
		    NULL);
	free(renewal);
	buf_free(&identifiers);
	return err;
}

enum err
order_insert(struct storage_tx *tx, const struct order *order, const struct id *authorizations, size_t count)
{
	_Static_assert(sizeof(*authorizations) == ID_SIZE, "stored as they lie in memory: bytes alone");
	enum err err = ERR_OK;

	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = query_set(tx, STATEMENT_AUTHORIZATION_JOIN_ORDER, VALUES(value_id(&authorizations[i])),
		    ERR_NOT_FOUND);
	if (err != ERR_OK)
		return err;
	return order_insert_row(
	    tx, order, (struct slice){ (const uint8_t *)authorizations, count * ID_SIZE });
}

static void
order_read(struct query *query, struct order *out)
{
	out->id = query_id(query);
	out->account = query_id(query);
	out->state = (enum order_state)query_integer(query);
	out->expires = query_integer(query);
	query_identifiers(query, &out->identifiers, &out->identifier_count);
	out->not_before = query_integer(query);
	out->not_after = query_integer(query);
	out->profile = query_text(query);
	out->error = query_text(query);
	out->certificate = query_id(query);
	out->created = query_integer(query);
	out->replaces = query_text(query);
	out->begin_asked = query_text(query);
	out->end_asked = query_text(query);
	query_renewal(query, &out->auto_renewal);
}

enum err
order_get(struct storage_tx *tx, struct id id, struct order *out)
{
	struct query query;
	enum err err, end;

	*out = (struct order){ .profile = NULL };
	query_start(&query, tx, STATEMENT_ORDER_GET, VALUES(value_id(&id)));
	if ((err = query_next(&query)) == ERR_OK)
		order_read(&query, out);
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	if (err != ERR_OK)
		order_free(out);
	return err;
}

enum err
order_get_finalize(struct storage_tx *tx, struct id id, struct order *out)
{
	struct query query;
	enum err err;

	if ((err = order_get(tx, id, out)) != ERR_OK)
		return err;
	query_start(&query, tx, STATEMENT_ORDER_GET_FINALIZE, VALUES(value_id(&id)));
	if (query_next(&query) == ERR_OK)
		query_buf(&query, &out->finalize);
	if ((err = query_end(&query)) != ERR_OK)
		order_free(out);
	return err;
}

enum err
order_authorization_ids(struct storage_tx *tx, const struct id *order, struct id *ids, size_t *count)
{
	struct query query;

	*count = 0;
	query_start(&query, tx, STATEMENT_ORDER_AUTHORIZATIONS, VALUES(value_id(order)));
	if (query_next(&query) == ERR_OK)
		query_packed(&query, ids, IDENTIFIERS_MAX, count);
	return query_end(&query);
}

enum err
order_authorizations(struct storage_tx *tx, struct id id, struct authorization **out, size_t *count)
{
	struct authorization *rows = NULL;
	struct id ids[IDENTIFIERS_MAX];
	size_t total, n = 0;
	enum err err;

	*out = NULL;
	*count = 0;
	if ((err = order_authorization_ids(tx, &id, ids, &total)) != ERR_OK || total == 0)
		return err;
	if ((rows = calloc(total, sizeof(*rows))) == NULL)
		return ERR_MEMORY;
	while (n < total && (err = authorization_get(tx, ids[n], &rows[n])) == ERR_OK)
		n++;
	if (err == ERR_OK) {
		*out = rows;
		*count = n;
		return ERR_OK;
	}
	while (n > 0)
		authorization_free(&rows[--n]);
	free(rows);
	return err;
}

enum err
order_begin_finalize(struct storage_tx *tx, struct id id, struct slice jws, unsigned charged)
{
	enum err err = query_set(tx, STATEMENT_ORDER_BEGIN_FINALIZE, VALUES(value_id(&id)), ERR_CONFLICT);

	if (err != ERR_OK)
		return err;
	return query_run(tx, STATEMENT_ORDER_PUT_FINALIZE,
	    VALUES(value_id(&id), (struct value){ .kind = VALUE_BYTES, .bytes = jws }, value_integer(charged)), NULL);
}

enum err
order_charged(struct storage_tx *tx, struct id id, unsigned *charged)
{
	struct query query;

	*charged = 0;
	query_start(&query, tx, STATEMENT_ORDER_CHARGED, VALUES(value_id(&id)));
	if (query_next(&query) == ERR_OK)
		*charged = (unsigned)query_integer(&query);
	return query_end(&query);
}

enum err
order_reopen(struct storage_tx *tx, struct id id, const char *error)
{
	enum err err;

	err = query_set(tx, STATEMENT_ORDER_REOPEN, VALUES(value_text(error), value_id(&id)), ERR_CONFLICT);
	if (err != ERR_OK)
		return err;
	return query_run(tx, STATEMENT_ORDER_DROP_FINALIZE, VALUES(value_id(&id)), NULL);
}

enum err
order_set_invalid(struct storage_tx *tx, struct id id, const char *error)
{
	return query_set(
	    tx, STATEMENT_ORDER_SET_INVALID, VALUES(value_text(error), value_id(&id)), ERR_CONFLICT);
}

enum err
order_set_valid(struct storage_tx *tx, struct id id, struct id certificate)
{
	return query_set(
	    tx, STATEMENT_ORDER_SET_VALID, VALUES(value_id(&certificate), value_id(&id)), ERR_CONFLICT);
}

enum err
orders_newest(struct storage_tx *tx, struct id account, struct id *ids, size_t max, size_t *count)
{
	return query_ids(tx, STATEMENT_ORDERS_NEWEST, VALUES(value_id(&account), value_integer((int64_t)max)), ids,
	    max, count);
}

enum err
orders_processing(struct storage_tx *tx, struct id *ids, size_t max, size_t *count)
{
	return query_ids(
	    tx, STATEMENT_ORDERS_PROCESSING, VALUES(value_integer((int64_t)max)), ids, max, count);
}
