/* user.h: the system users that the roles run as, when signet was started as root. */
#ifndef SIGNET_PROC_USER_H
#define SIGNET_PROC_USER_H

#include <stdio.h>
#include <sys/types.h>

#include "ipc/role.h"
#include "lib/err.h"

/* Without a user "signet-ROLE" in the system's list, a role runs as this number plus its enum role. It lies
 * in systemd's range for dynamic users (61184 to 65519), which no adduser hands out; user and group alike. */
#define PROC_ID_BASE 61784

struct proc_user {
	uid_t	uid;
	gid_t	gid;
};

struct proc_user proc_user(enum role);

/* Makes the folder path when it is missing and, as root, gives it and the plain files right in it to the
 * role's user. Symbolic links and files with a second name are left alone: their folder belongs to a
 * process that we don't trust. ERR_IO, told on complaints. */
enum err proc_own(const char *path, enum role, FILE *complaints);

#endif
