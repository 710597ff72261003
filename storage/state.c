/* state.c: all rows at once, for tests of clients: away, kept aside, and back as they were. The issuers and the numbers of
 * their CRLs stay. What is kept lives in temporary tables of the writer's connection. */
#include "storage/query.h"
#include "storage/storage.h"

#define NONE NULL, 0

enum err
state_reset(struct storage_tx *tx)
{
	enum err err = ERR_OK;

#define X(table)                                                                                                       \
	if (err == ERR_OK)                                                                                             \
		err = query_run(tx, STATEMENT_RESET_##table, NONE, NULL);
	STATE_TABLES(X)
#undef X
	return err;
}

enum err
state_keep(struct storage_tx *tx)
{
	enum err err = ERR_OK;

#define X(table)                                                                                                       \
	if (err == ERR_OK)                                                                                             \
		err = query_run(tx, STATEMENT_FORGET_##table, NONE, NULL);                                             \
	if (err == ERR_OK)                                                                                             \
		err = query_run(tx, STATEMENT_KEEP_##table, NONE, NULL);
	STATE_TABLES(X)
#undef X
	return err;
}

enum err
state_restore(struct storage_tx *tx)
{
	enum err err = state_reset(tx);

#define X(table)                                                                                                       \
	if (err == ERR_OK)                                                                                             \
		err = query_run(tx, STATEMENT_RESTORE_##table, NONE, NULL);
	STATE_TABLES(X)
#undef X
	return err;
}
