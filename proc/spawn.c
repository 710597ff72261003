#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/sanitized.h"
#include "proc/start.h"

/* Eight of the largest messages: ra and wfe exchange hundreds of small ones before one has to wait. */
#define PAIR_BUFFER (8 * MSG_MAX)

static const char *const passed[] = { "PATH", "TZ", "SIGNET_SANDBOX_TRACE", "ASAN_OPTIONS", "UBSAN_OPTIONS",
	"TSAN_OPTIONS" };
#define PASSED_COUNT (sizeof(passed) / sizeof(passed[0]))

/* In their sandbox the sanitizers can neither trace a process for leaks nor start a symbolizer. */
static const char *
sanitizer_extra(const char *name)
{
	if (!SANITIZED)
		return "";
	if (strcmp(name, "ASAN_OPTIONS") == 0)
		return ":detect_leaks=0:symbolize=0";
	return strstr(name, "SAN_OPTIONS") != NULL ? ":symbolize=0" : "";
}

static bool
spawn_environment(struct spawn *spawn)
{
	size_t n = 0;

	_Static_assert(PASSED_COUNT < sizeof(spawn->env) / sizeof(spawn->env[0]), "room for the NULL");
	for (size_t i = 0; i < PASSED_COUNT; i++) {
		const char	*value = getenv(passed[i]);
		const char	*extra = sanitizer_extra(passed[i]);

		if (value == NULL && extra[0] == '\0')
			continue;
		if (asprintf(&spawn->env[n], "%s=%s%s", passed[i], value != NULL ? value : "", extra) < 0) {
			spawn->env[n] = NULL;
			return false;
		}
		n++;
	}
	return true;
}

bool
spawn_open(struct spawn *spawn)
{
	*spawn = (struct spawn){ .exe = -1, .null = -1 };
	/* Whoever closed these before starting us would make our sockets standard error. */
	do {
		if ((spawn->null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
			return false;
	} while (spawn->null <= STDERR_FILENO && fcntl(spawn->null, F_SETFD, 0) == 0);
	if ((spawn->exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	return spawn_environment(spawn);
}

void
spawn_close(struct spawn *spawn)
{
	for (size_t i = 0; spawn->env[i] != NULL; i++)
		free(spawn->env[i]);
	if (spawn->exe >= 0)
		close(spawn->exe);
	if (spawn->null >= 0)
		close(spawn->null);
}

bool
spawn_pair(int pair[2])
{
	const int size = PAIR_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		/* Past net.core.wmem_max only root may go; the default holds one message at least. */
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
			(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	return true;
}

static _Noreturn void
child_failed(const char *step)
{
	dprintf(STDERR_FILENO, "signet: can't start a role: %s: %s\n", step, strerror(errno));
	_exit(127);
}

/* Between fork and exec. All descriptors first move above every place they may take, so that none is
 * overwritten before it was moved. */
static _Noreturn void
child_run(const struct spawn *spawn, enum role role, const int *fds, size_t count, pid_t parent)
{
	char	 name[] = "signet", verb[] = "role", which[16];
	char	*argv[] = { name, verb, which, NULL };
	int	 high[START_FDS_MAX + 1], exe, null;
	sigset_t none;

	snprintf(which, sizeof(which), "%s", role_name(role));
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		child_failed("parent");
	if ((exe = fcntl(spawn->exe, F_DUPFD_CLOEXEC, START_CONTROL_FD + START_FDS_MAX + 1)) < 0 ||
	    (null = fcntl(spawn->null, F_DUPFD_CLOEXEC, START_CONTROL_FD + START_FDS_MAX + 1)) < 0)
		child_failed("descriptors");
	for (size_t i = 0; i < count; i++) {
		if ((high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, START_CONTROL_FD + START_FDS_MAX + 1)) < 0)
			child_failed("descriptors");
	}
	if (dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		child_failed("descriptors");
	for (size_t i = 0; i < count; i++) {
		if (dup2(high[i], START_CONTROL_FD + (int)i) < 0)
			child_failed("descriptors");
	}
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		child_failed("signals");
	fexecve(exe, argv, spawn->env);
	child_failed("exec");
}

pid_t
spawn_role(const struct spawn *spawn, enum role role, const int *fds, size_t count)
{
	pid_t parent = getpid();
	pid_t pid;

	if (count > START_FDS_MAX + 1)
		abort();
	if ((pid = fork()) == 0)
		child_run(spawn, role, fds, count, parent);
	return pid;
}
