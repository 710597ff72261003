#include "acme/revocation.h"

#include <stddef.h>
#include <string.h>

static const struct {
	enum revocation_reason reason;
	const char *name;
	bool ends;
} table[] = {
	{ REVOCATION_UNSPECIFIED, "unspecified", true },
	{ REVOCATION_KEY_COMPROMISE, "keyCompromise", true },
	{ REVOCATION_CA_COMPROMISE, "cACompromise", false },
	{ REVOCATION_AFFILIATION_CHANGED, "affiliationChanged", true },
	{ REVOCATION_SUPERSEDED, "superseded", true },
	{ REVOCATION_CESSATION_OF_OPERATION, "cessationOfOperation", true },
	{ REVOCATION_CERTIFICATE_HOLD, "certificateHold", false },
	{ REVOCATION_REMOVE_FROM_CRL, "removeFromCRL", false },
	{ REVOCATION_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn", true },
	{ REVOCATION_AA_COMPROMISE, "aACompromise", false },
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
		if (table[i].ends && strcmp(table[i].name, name) == 0) {
			*out = table[i].reason;
			return true;
		}
	return false;
}

bool
revocation_reason_ends(int reason)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((int)table[i].reason == reason)
			return table[i].ends;
	return reason == REVOCATION_NONE;
}
