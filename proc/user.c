#include "proc/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct proc_user
proc_user(enum role role)
{
	char		 name[32];
	struct passwd	*pw;

	snprintf(name, sizeof(name), "signet-%s", role_name(role));
	pw = getpwnam(name);
	/* A name for root's number would undo the whole exercise. */
	if (pw != NULL && pw->pw_uid != 0 && pw->pw_gid != 0)
		return (struct proc_user){ pw->pw_uid, pw->pw_gid };
	return (struct proc_user){ PROC_ID_BASE + (uid_t)role, PROC_ID_BASE + (gid_t)role };
}

static bool
own_file(int folder, const char *name, struct proc_user user)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || (st.st_uid == user.uid && st.st_gid == user.gid))
		return true;
	return fchownat(folder, name, user.uid, user.gid, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
own_files(DIR *dir, struct proc_user user)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		if (!own_file(dirfd(dir), entry->d_name, user))
			return false;
	}
	return true;
}

enum err
proc_own(const char *path, enum role role, FILE *complaints)
{
	struct proc_user user = proc_user(role);
	DIR		*dir = NULL;
	enum err	 err = ERR_IO;
	int		 fd;

	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		fprintf(complaints, "%s: can't make this folder: %s; make it by hand\n", path,
		    strerror(errno));
		return ERR_IO;
	}
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || (dir = fdopendir(fd)) == NULL) {
		fprintf(complaints, "%s: can't open this folder: %s; it belongs to signet alone\n", path,
		    strerror(errno));
		goto out;
	}
	if (geteuid() == 0 && (fchown(fd, user.uid, user.gid) != 0 || !own_files(dir, user))) {
		fprintf(complaints, "%s: can't give it to user %u: %s; as root signet needs CAP_CHOWN\n",
		    path, (unsigned)user.uid, strerror(errno));
		goto out;
	}
	err = ERR_OK;
 out:
	if (dir != NULL)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return err;
}
