/* faults.c: linked into a signet of its own, it stands before libc's calls, those of libraries too, and has them fail
 * when the harness says so. */
#include "tests/chaos/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* glibc's own names for what is replaced here. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static struct faults *faults;
static char role[8];

/* The role from "signet role NAME"; "" for other commands. */
static void
read_role(void)
{
	char line[256] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : 0;
	const char *at = line;

	close(fd);
	for (int i = 0; i < 2; i++)
		at += strlen(at) + 1;
	if (n > 0 && at < line + n && strcmp(line + strlen(line) + 1, "role") == 0)
		snprintf(role, sizeof(role), "%s", at);
}

__attribute__((constructor)) static void
faults_open(void)
{
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(FAULTS_FILE) - 1);
	void *map;
	int fd;

	if (n <= 0)
		return;
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, FAULTS_FILE);
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
		return;
	read_role();
	map = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		faults = map;
}

/* Counts the call; true: it shall fail, and errno is set. */
static bool
fails(enum fault_call call)
{
	uint64_t n;

	if (faults == NULL || role[0] == '\0' || strcmp(faults->role, role) != 0)
		return false;
	n = atomic_fetch_add(&faults->counts[call], 1) + 1;
	if (atomic_load(&faults->error) == 0 || atomic_load(&faults->call) != (uint32_t)call ||
	    n < atomic_load(&faults->from) || n > atomic_load(&faults->to))
		return false;
	atomic_fetch_add(&faults->failed, 1);
	errno = (int)atomic_load(&faults->error);
	return true;
}

int
fdatasync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return fails(FAULT_WRITE) ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, data, len, at);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	return pwrite64(fd, data, len, at);
}

void *
malloc(size_t size)
{
	return fails(FAULT_ALLOC) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(FAULT_ALLOC) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *data, size_t size)
{
	return fails(FAULT_ALLOC) ? NULL : __libc_realloc(data, size);
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
	static int (*real)(clockid_t, struct timespec *);
	int result;

	/* Libraries ask before our constructor runs. */
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	result = real(id, out);
	if (result == 0 && id == CLOCK_REALTIME && faults != NULL)
		out->tv_sec += atomic_load(&faults->clock);
	return result;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}
