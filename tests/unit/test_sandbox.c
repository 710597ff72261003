/* The sandbox from inside: a child enters it, tries one thing, and the parent looks at how it ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "proc/landlock.h"
#include "proc/sandbox.h"
#include "proc/sanitized.h"

static const char *const opens[] = { "openat", "newfstatat", "unlink", NULL };
static const char *const sockets[] = { "socket", "bind", "connect", "setsockopt", NULL };
static char folder[] = "/tmp/test_sandbox-XXXXXX";

static const struct sandbox nothing = { .role = "nothing" };
static const struct sandbox files = { .role = "files", .allow = opens, .writable = folder };
static const struct sandbox no_tcp = { .role = "no-tcp", .allow = sockets };
static const struct sandbox internet = { .role = "internet", .tcp_connect = true };
static const struct sandbox may_connect = { .role = "connect", .allow = sockets, .tcp_connect = true };

/* waitpid()'s status of a child that does attempt in the sandbox. */
static int
attempt_in(const struct sandbox *sandbox, int (*attempt)(void))
{
	int	status;
	pid_t	pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		sandbox_enter(sandbox);
		_exit(attempt());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static long
landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
}

static void
assert_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void
assert_lived(int status)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
try_execve(void)
{
	char *none[] = { NULL };

	execve("/bin/true", none, none);
	return 1;
}

static int
try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int
try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0;
}

static int
try_fork(void)
{
	return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) < 0;
}

static int
try_openat(void)
{
	return openat(AT_FDCWD, "/etc/passwd", O_RDONLY) < 0;
}

static int
try_open_by_old_name(void)
{
	return syscall(SYS_creat, "/tmp/x", 0600) < 0;
}

static int
try_executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int
try_kill_parent(void)
{
	return kill(getppid(), 0) != 0;
}

static int
try_setuid(void)
{
	return setuid(0) != 0;
}

static int
try_io_uring(void)
{
	return syscall(425, 1, NULL) < 0;	/* io_uring_setup: a second door to everything */
}

static void
forbidden_calls_kill(void **state)
{
	static int (*const forbidden[])(void) = { try_execve, try_socket, try_ptrace, try_fork,
		try_open_by_old_name, try_executable_memory, try_kill_parent, try_setuid, try_io_uring };

	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		assert_killed(attempt_in(&nothing, forbidden[i]));
	/* A sanitizer's runtime has to try; Landlock then says no. */
	if (!SANITIZED)
		assert_killed(attempt_in(&nothing, try_openat));
	else if (landlock_version() >= 1)
		assert_int_equal(WEXITSTATUS(attempt_in(&nothing, try_openat)), 1);
}

static void *
thread_body(void *arg)
{
	*(int *)arg = 42;
	return malloc(1 << 20);
}

static int
try_common(void)
{
	pthread_t	 thread;
	struct timespec	 moment = { 0, 1000 };
	struct timeval	 now;
	struct stat	 st;
	void		*memory = NULL;
	int		 answer = 0;

	if (pthread_create(&thread, NULL, thread_body, &answer) != 0 || pthread_join(thread, &memory) != 0)
		return 1;
	if (answer != 42 || memory == NULL || (memory = realloc(memory, 8 << 20)) == NULL)
		return 2;
	free(memory);
	if (nanosleep(&moment, NULL) != 0 || gettimeofday(&now, NULL) != 0 || fstat(2, &st) != 0)
		return 3;
	return write(STDERR_FILENO, "", 0) != 0;
}

static void
common_calls_work(void **state)
{
	(void)state;
	assert_lived(attempt_in(&nothing, try_common));
}

static int
try_abort(void)
{
	abort();
}

static void
abort_is_an_abort(void **state)
{
	int status;

	(void)state;
	status = attempt_in(&nothing, try_abort);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void *
thread_that_opens(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)socket(AF_INET, SOCK_STREAM, 0);
}

static int
try_in_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, thread_that_opens, NULL) != 0 || pthread_join(thread, NULL) != 0;
}

static void
threads_are_inside_too(void **state)
{
	(void)state;
	assert_killed(attempt_in(&nothing, try_in_thread));
}

static int
try_files(void)
{
	char	path[64];
	int	fd;

	snprintf(path, sizeof(path), "%s/file", folder);
	if ((fd = openat(AT_FDCWD, path, O_CREAT | O_RDWR, 0600)) < 0 || write(fd, "x", 1) != 1 ||
	    close(fd) != 0 || unlink(path) != 0)
		return 1;
	if (openat(AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		return 2;
	if (openat(AT_FDCWD, "/tmp/test_sandbox-outside", O_CREAT | O_RDWR, 0600) >= 0 || errno != EACCES)
		return 3;
	return 0;
}

static int
try_tcp(bool want_connect)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET, .sin_port = htons(1) };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return 1;
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 ||
	    errno != (want_connect ? ECONNREFUSED : EACCES))
		return 2;
	sin.sin_port = 0;
	return bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 || errno != EACCES;
}

static int
try_no_tcp(void)
{
	return try_tcp(false);
}

static int
try_connect_only(void)
{
	return try_tcp(true);
}

static void
files_outside_are_out_of_reach(void **state)
{
	(void)state;
	if (landlock_version() < 1)
		skip();
	assert_lived(attempt_in(&files, try_files));
}

static void
tcp_only_as_told(void **state)
{
	(void)state;
	if (landlock_version() < 4)
		skip();
	assert_lived(attempt_in(&no_tcp, try_no_tcp));
	assert_lived(attempt_in(&may_connect, try_connect_only));
}

static int
try_internet(void)
{
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || ioctl(fd, FIONBIO, &on) != 0 || socket(AF_INET6, SOCK_STREAM, 0) < 0;
}

static int
try_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int
try_netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) < 0;
}

static int
try_typing(void)
{
	return ioctl(STDERR_FILENO, TIOCSTI, "x") != 0;
}

static void
internet_and_nothing_else(void **state)
{
	static int (*const forbidden[])(void) = { try_unix_socket, try_netlink_socket, try_typing };

	(void)state;
	assert_lived(attempt_in(&internet, try_internet));
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		assert_killed(attempt_in(&internet, forbidden[i]));
}

/* Enough in a thread's own heap, and then free, to make glibc shrink that heap. */
static void *
thread_that_shrinks(void *unused)
{
	void *blocks[64];

	(void)unused;
	for (size_t i = 0; i < 64; i++)
		blocks[i] = malloc(100000);
	for (size_t i = 64; i-- > 0;)
		free(blocks[i]);
	return NULL;
}

static int
try_shrinking(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, thread_that_shrinks, NULL) != 0 || pthread_join(thread, NULL) != 0;
}

static int
try_as_malloc_opens(void)
{
	return openat(AT_FDCWD, "/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC) >= 0 ||
	    errno != EACCES;
}

static void
malloc_is_told_no(void **state)
{
	(void)state;
	if (SANITIZED)
		skip();
	assert_lived(attempt_in(&nothing, try_as_malloc_opens));
	assert_lived(attempt_in(&nothing, try_shrinking));
}

static int
try_several(void)
{
	for (int i = 0; i < 3; i++) {
		if (socket(AF_INET, SOCK_STREAM, 0) < 0)
			return 1;
	}
	return getpriority(0, 0) < -20 || try_common() != 0;
}

/* The child's standard error goes into text. */
static int
attempt_traced(int (*attempt)(void), char *text, size_t size)
{
	size_t	len = 0;
	ssize_t	n;
	int	status, out[2];
	pid_t	pid;

	assert_int_equal(pipe(out), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		dup2(out[1], STDERR_FILENO);
		setenv("SIGNET_SANDBOX_TRACE", "1", 1);
		sandbox_enter(&nothing);
		_exit(attempt());
	}
	close(out[1]);
	while ((n = read(out[0], text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
trace_names_and_allows(void **state)
{
	char		 text[4096];
	const char	*first;

	(void)state;
	assert_lived(attempt_traced(try_several, text, sizeof(text)));
	first = strstr(text, "call=socket");
	assert_non_null(first);
	assert_null(strstr(first + 1, "call=socket"));		/* once */
	assert_non_null(strstr(text, "call=getpriority"));
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(common_calls_work),
		cmocka_unit_test(abort_is_an_abort),
		cmocka_unit_test(threads_are_inside_too),
		cmocka_unit_test(files_outside_are_out_of_reach),
		cmocka_unit_test(tcp_only_as_told),
		cmocka_unit_test(internet_and_nothing_else),
		cmocka_unit_test(malloc_is_told_no),
		cmocka_unit_test(trace_names_and_allows),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
