#include "ipc/role.h"

#include <string.h>

static const char *const names[ROLE_COUNT] = {
	[ROLE_SUPERVISOR] = "supervisor",
	[ROLE_WFE] = "wfe",
	[ROLE_RA] = "ra",
	[ROLE_VA] = "va",
	[ROLE_CA] = "ca",
};

const char *
role_name(enum role role)
{
	return (unsigned)role < ROLE_COUNT ? names[role] : "unknown";
}

enum role
role_by_name(const char *name)
{
	unsigned i;

	for (i = 0; i < ROLE_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			break;
	return (enum role)i;
}
