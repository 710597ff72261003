/* What is due is found by three indexes: on keep_until, on expires of authorizations that no order holds, and
 * on notAfter. Searching by id (they sort by time) would read every live certificate's order again each time. */
#include <stdlib.h>

#include "storage/query.h"
#include "storage/storage.h"

static enum err
order_delete(struct storage_tx *tx, const struct id *id)
{
	static const enum statement steps[] = {
		STATEMENT_ORDER_LEAVE_AUTHORIZATIONS,
		STATEMENT_ORDER_DROP_AUTHORIZATIONS,
		STATEMENT_ORDER_DROP_FINALIZE,
		STATEMENT_ORDER_DELETE,
	};
	enum err err = ERR_OK;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && err == ERR_OK; i++)
		err = query_run(tx, steps[i], VALUES(value_id(id)), NULL);
	return err;
}

static enum err
orders_expire(struct storage_tx *tx, int64_t cutoff, unsigned limit, unsigned *deleted)
{
	struct id	*ids = calloc(limit, sizeof(*ids));
	size_t		 count = 0;
	enum err	 err = ERR_MEMORY;

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
	if ((err = orders_expire(tx, cutoff, limit, deleted)) != ERR_OK ||
	    (err = query_run(tx, STATEMENT_EXPIRED_AUTHORIZATIONS_DELETE,
		 VALUES(value_integer(cutoff), value_integer(limit)), &authorizations)) != ERR_OK ||
	    (err = query_run(tx, STATEMENT_EXPIRED_CERTIFICATES_DELETE,
		 VALUES(value_integer(cutoff), value_integer(limit)), &certificates)) != ERR_OK)
		return err;
	*deleted += authorizations + certificates;
	return ERR_OK;
}
