#include "storage/bounds.h"

#include <stdlib.h>

void
bounds_free(struct bounds *bounds)
{
	free(bounds->names);
	free(bounds->deny);
	free(bounds->profiles);
	*bounds = (struct bounds){ .names = NULL };
}

const char *
bounds_lines(const char *lines)
{
	return lines != NULL ? lines : "";
}

void
query_bounds(struct query *query, struct bounds *out)
{
	out->names = query_text(query);
	out->deny = query_text(query);
	out->profiles = query_text(query);
	out->no_wildcards = query_integer(query) != 0;
	out->max_names = query_integer(query);
}

enum err
account_bounds_put(struct storage_tx *tx, struct id account, const struct bounds *bounds)
{
	return query_run(
	    tx, STATEMENT_ACCOUNT_BOUNDS_PUT, VALUES(value_id(&account), BOUNDS_VALUES(bounds)), NULL);
}

enum err
account_bounds_get(struct storage_tx *tx, struct id account, struct bounds *out)
{
	struct query query;
	enum err err, end;

	*out = (struct bounds){ .names = NULL };
	query_start(&query, tx, STATEMENT_ACCOUNT_BOUNDS_GET, VALUES(value_id(&account)));
	if ((err = query_next(&query)) == ERR_OK)
		query_bounds(&query, out);
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	if (err != ERR_OK)
		bounds_free(out);
	return err;
}

enum err
account_bounds_remove(struct storage_tx *tx, struct id account)
{
	return query_set(tx, STATEMENT_ACCOUNT_BOUNDS_DELETE, VALUES(value_id(&account)), ERR_NOT_FOUND);
}
