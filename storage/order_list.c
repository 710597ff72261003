/* order_list.c: orders of an account, and of a certificate that they replace, that are not invalid, whether that is
 * stored or follows from time or from an authorization (RFC 8555, 7.1.6). */
#include <string.h>

#include "storage/order.h"

#define BATCH 128

/* Whether an authorization ends its order: it is invalid, deactivated or revoked, or expired while nobody proves
 * it. One that is gone has expired. */
static enum err
authorization_over(struct storage_tx *tx, const struct id *id, int64_t now, bool *over)
{
	struct query query;
	int64_t state, expires;

	*over = true;
	query_start(&query, tx, STATEMENT_AUTHORIZATION_LIFE, VALUES(value_id(id)));
	if (query_next(&query) == ERR_OK) {
		state = query_integer(&query);
		expires = query_integer(&query);
		*over =
		    state >= AUTHORIZATION_INVALID || (state != AUTHORIZATION_PROCESSING && expires <= now);
	}
	return query_end(&query);
}

enum err
order_over(struct storage_tx *tx, const struct id *id, int64_t now, bool *over)
{
	struct id ids[IDENTIFIERS_MAX];
	struct query query;
	int64_t state = ORDER_INVALID, expires = 0;
	size_t count = 0;
	enum err err;

	query_start(&query, tx, STATEMENT_ORDER_LIFE, VALUES(value_id(id)));
	if (query_next(&query) == ERR_OK) {
		state = query_integer(&query);
		expires = query_integer(&query);
		query_packed(&query, ids, IDENTIFIERS_MAX, &count);
	}
	err = query_end(&query);
	*over = state == ORDER_INVALID || (state == ORDER_OPEN && expires <= now);
	for (size_t i = 0; state == ORDER_OPEN && i < count && err == ERR_OK && !*over; i++)
		err = authorization_over(tx, &ids[i], now, over);
	return err;
}

enum err
orders_of_account(struct storage_tx *tx, struct id account, struct id before, int64_t now, struct id *ids,
    size_t max, size_t *count)
{
	struct id batch[BATCH];
	size_t found = BATCH;
	enum err err = ERR_OK;
	bool over;

	*count = 0;
	while (err == ERR_OK && found == BATCH && *count < max) {
		err = query_ids(tx, STATEMENT_ORDERS_OF_ACCOUNT,
		    VALUES(value_id(&account), value_id(&before), value_integer(BATCH)), batch, BATCH,
		    &found);
		for (size_t i = 0; err == ERR_OK && i < found && *count < max; i++) {
			if ((err = order_over(tx, &batch[i], now, &over)) == ERR_OK && !over)
				ids[(*count)++] = batch[i];
			before = batch[i];
		}
	}
	return err;
}

/* Each was accepted only when those before it were invalid, and invalid is an end: so the newest tells. The few
 * more are for ids of one millisecond, whose order is chance. */
#define NEWEST 8

enum err
order_replacing(struct storage_tx *tx, const char *certid, int64_t now)
{
	struct id ids[NEWEST];
	size_t count = 0;
	bool over = true;
	enum err err;

	err = query_ids(tx, STATEMENT_ORDERS_REPLACING, VALUES(value_text(certid), value_integer(NEWEST)),
	    ids, NEWEST, &count);
	for (size_t i = 0; i < count && err == ERR_OK && over; i++)
		err = order_over(tx, &ids[i], now, &over);
	return err == ERR_OK && over ? ERR_NOT_FOUND : err;
}
