/* What is due is found by three indexes: on notAfter, on due of orders that no live certificate keeps, and on
 * expires of authorizations that no order holds. Searching by id (they sort by time) would read every live
 * certificate's order again each time. */
#include <stdlib.h>

#include "storage/order.h"

static enum err
order_delete(struct storage_tx *tx, const struct id *order)
{
	struct id ids[IDENTIFIERS_MAX];
	size_t count;
	enum err err = order_authorization_ids(tx, order, ids, &count);

	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = query_run(tx, STATEMENT_AUTHORIZATION_LEAVE_ORDER, VALUES(value_id(&ids[i])), NULL);
	if (err == ERR_OK)
		err = query_run(tx, STATEMENT_ORDER_DROP_FINALIZE, VALUES(value_id(order)), NULL);
	if (err == ERR_OK)
		err = query_run(tx, STATEMENT_STAR_DELETE, VALUES(value_id(order)), NULL);
	return err != ERR_OK ? err : query_run(tx, STATEMENT_ORDER_DELETE, VALUES(value_id(order)), NULL);
}

/* The orders of the certificates that end are due again at their own time. */
static enum err
certificates_expire(struct storage_tx *tx, int64_t cutoff, unsigned limit, unsigned *deleted)
{
	enum err err;

	err = query_run(tx, STATEMENT_EXPIRED_CERTIFICATES_LEAVE_ORDERS,
	    VALUES(value_integer(cutoff), value_integer(limit)), NULL);
	if (err != ERR_OK)
		return err;
	return query_run(tx, STATEMENT_EXPIRED_CERTIFICATES_DELETE,
	    VALUES(value_integer(cutoff), value_integer(limit)), deleted);
}

static enum err
orders_expire(struct storage_tx *tx, int64_t cutoff, unsigned limit, unsigned *deleted)
{
	struct id *ids = calloc(limit, sizeof(*ids));
	size_t count = 0;
	enum err err = ERR_MEMORY;

	if (ids != NULL)
		err = query_ids(tx, STATEMENT_EXPIRED_ORDERS,
		    VALUES(value_integer(cutoff), value_integer(limit)), ids, limit, &count);
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = order_delete(tx, &ids[i]);
	free(ids);
	*deleted += (unsigned)count;
	return err;
}

enum err
storage_expire(struct storage_tx *tx, int64_t cutoff, unsigned limit, unsigned *deleted)
{
	unsigned authorizations = 0, certificates = 0;
	enum err err;

	*deleted = 0;
	if (limit == 0)
		return ERR_OK;
	if ((err = certificates_expire(tx, cutoff, limit, &certificates)) != ERR_OK ||
	    (err = orders_expire(tx, cutoff, limit, deleted)) != ERR_OK ||
	    (err = query_run(tx, STATEMENT_EXPIRED_AUTHORIZATIONS_DELETE,
		 VALUES(value_integer(cutoff), value_integer(limit)), &authorizations)) != ERR_OK)
		return err;
	*deleted += authorizations + certificates;
	return ERR_OK;
}
