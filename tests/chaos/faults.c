/* faults.c: linked into a signet of its own, it stands before libc's calls, those of libraries too, and has them fail
 * when the harness says so. */
#include "tests/chaos/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
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

#define DEPTH 16

static struct faults *faults;
static char role[8];
static __thread bool tracing;		/* the unwinder may ask for memory itself */

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

/* FNV-1a over the return addresses; never 0. */
static uint64_t
site_here(void)
{
	void *frames[DEPTH];
	uint64_t hash = 14695981039346656037u;
	int n;

	tracing = true;
	n = backtrace(frames, DEPTH);
	tracing = false;
	for (int i = 2; i < n; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * 1099511628211u;
	return hash | 1;
}

/* Into the log, for whoever has to find out what came of it. */
static void
site_tell(void)
{
	void *frames[DEPTH];

	tracing = true;
	backtrace_symbols_fd(frames, backtrace(frames, DEPTH), STDERR_FILENO);
	tracing = false;
}

static void
site_note(uint64_t site)
{
	for (size_t i = 0; i < FAULTS_SITES; i++) {
		_Atomic uint64_t *slot = &faults->sites[(site >> 1 & (FAULTS_SITES - 1)) ^ i];
		uint64_t there = 0;

		if (atomic_compare_exchange_strong(slot, &there, site) || there == site)
			return;
	}
}

/* Whether this site's turn has come; notes it where that is wanted. */
static bool
site_fails(void)
{
	uint64_t want, site;

	if (tracing || faults == NULL || role[0] == '\0' || strcmp(faults->role, role) != 0)
		return false;
	want = atomic_load(&faults->site);
	if (want == 0 && atomic_load(&faults->trace) == 0)
		return false;
	site = site_here();
	if (want == 0)
		site_note(site);
	/* Of several threads one fails. */
	if (want != site || !atomic_compare_exchange_strong(&faults->site, &want, 0))
		return false;
	atomic_fetch_add(&faults->failed, 1);
	site_tell();
	errno = ENOMEM;
	return true;
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
	(void)site_here();	/* the unwinder's library is loaded now, before the role is confined */
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
	return site_fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return site_fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *data, size_t size)
{
	return site_fails() ? NULL : __libc_realloc(data, size);
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
