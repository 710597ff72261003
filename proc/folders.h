/* folders.h: the folders that a role keeps as its root directory. */
#ifndef SIGNET_PROC_FOLDERS_H
#define SIGNET_PROC_FOLDERS_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"

/* The folder of the SQLite database, absolute, on the heap; NULL when storage names no file or memory is
 * out. */
char	*folders_data(const struct config *);
/* The ledger's. */
char	*folders_ledger(const struct config *);

/* Makes them when they are missing and, as root, gives each to its role's user: data to ra, ledger to ca.
 * False: told on complaints. */
bool	 folders_prepare(const struct config *, FILE *complaints);

#endif
