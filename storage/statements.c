#include "storage/statements.h"

#include "acme/status.h"

_Static_assert(ACCOUNT_VALID == 1 && ACCOUNT_DEACTIVATED == 2, "written out in statements.h");
_Static_assert(ORDER_OPEN == 1 && ORDER_PROCESSING == 2 && ORDER_VALID == 3 && ORDER_INVALID == 4,
    "written out in statements.h and in the migrations");
_Static_assert(AUTHORIZATION_PENDING == 1 && AUTHORIZATION_PROCESSING == 2 && AUTHORIZATION_VALID == 3 &&
    AUTHORIZATION_INVALID == 4 && AUTHORIZATION_DEACTIVATED == 5,
    "written out in statements.h and in the migrations");

const struct statement_text statements[STATEMENT_COUNT] = {
#define X(name, sql) { #name, sql },
	STATEMENTS(X)
#undef X
};
