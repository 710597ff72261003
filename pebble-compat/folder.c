#include "pebble-compat/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SHM_LEAST (64 << 20)	/* what a long run of tests fills */
#define PREFIX "pebble-"
#define LOCK "lock"		/* held as long as the process lives, however it ends */

static void
remove_below(int parent, const char *name)
{
	int	       fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR	      *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) != 0)
			remove_below(fd, entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

void
folder_remove(const char *folder)
{
	remove_below(AT_FDCWD, folder);
}

/* --- what others left ----------------------------------------------------------------------------------- */

/* Suites end Pebble by SIGKILL. What has no lock yet is being made. */
static bool
is_left(int parent, const char *name)
{
	char	    path[FOLDER_SIZE];
	struct stat st;
	bool	    left;
	int	    fd;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    snprintf(path, sizeof(path), "%s/" LOCK, name) >= (int)sizeof(path) ||
	    (fd = openat(parent, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return false;
	left = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return left;
}

static void
sweep(const char *place)
{
	DIR	      *dir = opendir(place);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (is_left(dirfd(dir), entry->d_name))
			remove_below(dirfd(dir), entry->d_name);
	if (dir != NULL)
		closedir(dir);
}

/* --- our own ------------------------------------------------------------------------------------------------ */

static bool
has_room(const char *folder)
{
	struct statvfs v;

	return statvfs(folder, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize >= SHM_LEAST &&
	    access(folder, W_OK | X_OK) == 0;
}

/* Whose sweep comes between the file and its lock takes the folder for left. */
static bool
lock(const char *folder)
{
	char path[FOLDER_SIZE + sizeof("/" LOCK)];
	int  fd;

	snprintf(path, sizeof(path), "%s/" LOCK, folder);
	return (fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    access(path, F_OK) == 0;
}

bool
folder_make(char out[FOLDER_SIZE])
{
	const char *tmp = getenv("TMPDIR");
	const char *places[] = { has_room("/dev/shm") ? "/dev/shm" : NULL,
		tmp != NULL && strlen(tmp) < FOLDER_SIZE - sizeof("/" PREFIX "XXXXXX") ? tmp : NULL, "/tmp" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i] == NULL)
			continue;
		sweep(places[i]);
		for (int tries = 0; tries < 3; tries++) {
			snprintf(out, FOLDER_SIZE, "%s/" PREFIX "XXXXXX", places[i]);
			if (mkdtemp(out) != NULL && lock(out))
				return true;
		}
	}
	out[0] = '\0';
	return false;
}
