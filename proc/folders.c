#include "proc/folders.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "proc/user.h"

#define SQLITE_SCHEME "sqlite:"

char *
folders_data(const struct config *config)
{
	char *path, *slash;

	if (config->storage == NULL || strncmp(config->storage, SQLITE_SCHEME, strlen(SQLITE_SCHEME)) != 0)
		return NULL;
	if ((path = file_join(config->dir, config->storage + strlen(SQLITE_SCHEME))) == NULL)
		return NULL;
	if ((slash = strrchr(path, '/')) != NULL)
		*slash = '\0';
	return path;
}

char *
folders_ledger(const struct config *config)
{
	return config->ledger != NULL ? file_join(config->dir, config->ledger) : NULL;
}

/* Is inner the folder outer, or somewhere in it? Both exist or are made later: then it isn't. */
static bool
lies_in(const char *inner, const char *outer)
{
	char	*a = realpath(inner, NULL), *b = realpath(outer, NULL);
	size_t	 len = b != NULL ? strlen(b) : 0;
	bool	 in = a != NULL && b != NULL && strncmp(a, b, len) == 0 &&
		(a[len] == '/' || a[len] == '\0' || len == 1);

	free(a);
	free(b);
	return in;
}

/* A role must not own, nor see, what isn't its own. */
static bool
apart(const struct config *config, const char *option, const char *folder, FILE *complaints)
{
	if (geteuid() != 0 || !lies_in(config->dir, folder))
		return true;
	fprintf(complaints, "%s: %s: %s holds the configuration too; give it a folder of its own\n",
	    config->file, option, folder);
	return false;
}

bool
folders_prepare(const struct config *config, FILE *complaints)
{
	char	*data = folders_data(config), *ledger = folders_ledger(config);
	bool	 ok = true;

	if (config_is_perspective(config)) /* it keeps nothing */
		goto out;
	if (data != NULL)
		ok = apart(config, "storage", data, complaints) &&
		    proc_own(data, ROLE_RA, complaints) == ERR_OK;
	if (ok && ledger != NULL)
		ok = apart(config, "ledger", ledger, complaints) &&
		    proc_own(ledger, ROLE_CA, complaints) == ERR_OK;
 out:
	free(data);
	free(ledger);
	return ok;
}
