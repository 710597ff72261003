#include "storage/statements.h"

#include "acme/status.h"

_Static_assert(ACCOUNT_VALID == 1 && ACCOUNT_DEACTIVATED == 2, "written out in statements.h");
_Static_assert(ORDER_OPEN == 1 && ORDER_PROCESSING == 2 && ORDER_VALID == 3 && ORDER_INVALID == 4,
    "written out in statements.h and in the migrations");
_Static_assert(AUTHORIZATION_PENDING == 1 && AUTHORIZATION_PROCESSING == 2 && AUTHORIZATION_VALID == 3 &&
    AUTHORIZATION_INVALID == 4 && AUTHORIZATION_DEACTIVATED == 5,
    "written out in statements.h and in the migrations");

const struct statement_text statements[STATEMENT_COUNT] = {
#define X(name, sql) [STATEMENT_##name] = { #name, sql },
	STATEMENTS(X)
#undef X
#define X(table)                                                                                                       \
	[STATEMENT_RESET_##table] = { "RESET_" #table, "DELETE FROM " #table },                                        \
	[STATEMENT_FORGET_##table] = { "FORGET_" #table, "DROP TABLE IF EXISTS kept_" #table },                        \
	[STATEMENT_KEEP_##table] = { "KEEP_" #table, "CREATE TEMPORARY TABLE kept_" #table " AS SELECT * FROM " #table }, \
	[STATEMENT_RESTORE_##table] = { "RESTORE_" #table, "INSERT INTO " #table " SELECT * FROM kept_" #table },
	STATE_TABLES(X)
#undef X
};
