#include "acme/revocation.h"

#include <stddef.h>
#include <string.h>

static const struct {
	enum revocation_reason reason;
	const char *name;
} table[] = {
	{ REVOCATION_UNSPECIFIED, "unspecified" },
	{ REVOCATION_KEY_COMPROMISE, "keyCompromise" },
	{ REVOCATION_AFFILIATION_CHANGED, "affiliationChanged" },
	{ REVOCATION_SUPERSEDED, "superseded" },
	{ REVOCATION_CESSATION_OF_OPERATION, "cessationOfOperation" },
	{ REVOCATION_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn" },
};

const char *
revocation_reason_name(int reason)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((int)table[i].reason == reason)
			return table[i].name;
	return reason == REVOCATION_NONE ? "none" : NULL;
}

bool
revocation_reason_by_name(const char *name, enum revocation_reason *out)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0) {
			*out = table[i].reason;
			return true;
		}
	return false;
}
