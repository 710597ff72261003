/* What a role's start promises, read back from the kernel; and the supervisor's pure parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "proc/children.h"
#include "proc/folders.h"
#include "proc/listeners.h"
#include "proc/order.h"
#include "proc/proc.h"
#include "proc/spawn.h"
#include "proc/start.h"
#include "proc/user.h"

/* In a child of its own, as it gives up rights for good. Exit code 0, or the line that was wrong. */
#define CHECK(condition) \
	do { \
		if (!(condition)) \
			_exit(__LINE__ & 0xff ? __LINE__ & 0xff : 1); \
	} while (0)

static void
in_child(void (*body)(void *), void *arg)
{
	int	status;
	pid_t	pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static struct start
sample_start(void)
{
	struct start s = { .count = 4, .config = slice_str("section") };

	memset(s.secret, 0x5a, sizeof(s.secret));
	s.fds[0] = (struct start_fd){ START_FIRST_FD, 0, ROLE_RA };
	s.fds[1] = (struct start_fd){ START_FIRST_FD + 1, LISTENER_ACME, ROLE_SUPERVISOR };
	s.fds[2] = (struct start_fd){ START_FIRST_FD + 2, LISTENER_PLAIN, ROLE_SUPERVISOR };
	s.fds[3] = (struct start_fd){ START_FIRST_FD + 3, LISTENER_METRICS, ROLE_SUPERVISOR };
	return s;
}

static void
start_pair(void **state)
{
	struct start	in = sample_start(), out;
	struct buf	body = { 0 };

	(void)state;
	start_put(&body, &in);
	assert_true(start_get(buf_slice(&body), &out));
	assert_int_equal(out.count, in.count);
	for (size_t i = 0; i < in.count; i++) {
		assert_int_equal(out.fds[i].fd, in.fds[i].fd);
		assert_int_equal(out.fds[i].listener, in.fds[i].listener);
		assert_int_equal(out.fds[i].peer, in.fds[i].peer);
	}
	assert_true(slice_eq_str(out.config, "section"));
	assert_memory_equal(out.secret, in.secret, sizeof(in.secret));
	for (size_t len = 0; len < body.len; len++)
		assert_false(start_get(slice_of(body.data, len), &out));
	buf_put_byte(&body, 0);
	assert_false(start_get(buf_slice(&body), &out));
	buf_free(&body);
}

static void
refuse_start(struct start in)
{
	struct start	out;
	struct buf	body = { 0 };

	start_put(&body, &in);
	assert_false(start_get(buf_slice(&body), &out));
	buf_free(&body);
}

static void
start_hostile(void **state)
{
	struct start s;

	(void)state;
	s = sample_start();
	s.fds[1].fd = START_CONTROL_FD;			/* not its place */
	refuse_start(s);
	s = sample_start();
	s.fds[0].peer = ROLE_COUNT;
	refuse_start(s);
	s = sample_start();
	s.fds[0].peer = ROLE_SUPERVISOR;		/* neither wire nor listener */
	refuse_start(s);
	s = sample_start();
	s.fds[1].peer = ROLE_RA;			/* both */
	refuse_start(s);
	s = sample_start();
	s.fds[1].listener = LISTENER_MANAGEMENT + 1;
	refuse_start(s);
	assert_false(start_get(slice_of("\xff\xff\xff\xff", 4), &s));
}

static void
order_of_stages(void **state)
{
	(void)state;
	assert_int_equal(order_stage(ROLE_CA), 0);
	assert_int_equal(order_stage(ROLE_VA), 0);
	assert_int_equal(order_stage(ROLE_RA), 1);
	assert_int_equal(order_stage(ROLE_WFE), ORDER_STAGES - 1);
}

static void
order_of_pauses(void **state)
{
	int64_t last = 0;

	(void)state;
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(order_backoff_ms(n), 0);
	for (unsigned n = 3; n < 100; n++) {
		assert_true(order_backoff_ms(n) >= last);
		last = order_backoff_ms(n);
		assert_true(last >= 100 && last <= 5000);
	}
	assert_int_equal(last, 5000);
}

static void
order_of_words(void **state)
{
	char how[ORDER_HOW_SIZE];

	(void)state;
	order_how(1 << 8, how);
	assert_string_equal(how, "exit code 1");
	order_how(SIGKILL, how);
	assert_non_null(strstr(how, "killed by signal 9"));
	order_how(SIGSYS, how);
	assert_non_null(strstr(how, "forbidden system call"));
}

static int
count_fds(void)
{
	DIR	*dir = opendir("/proc/self/fd");
	int	 count = -1;		/* its own */

	CHECK(dir != NULL);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void
keep_body(void *unused)
{
	struct proc	p = { .role = ROLE_WFE };
	int		wire[2], control[2], listener, extra, other;

	(void)unused;
	CHECK(spawn_pair(control) && spawn_pair(wire));
	p.control = channel_new(control[0], ROLE_WFE, ROLE_SUPERVISOR);
	p.peer[ROLE_RA] = channel_new(wire[1], ROLE_WFE, ROLE_RA);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(dup2(listener, 200) == 200);
	p.listeners[p.listener_count++] = (struct listener){ 200, LISTENER_ACME };
	extra = open("/dev/null", O_RDONLY);
	other = open("/dev/null", O_RDONLY);
	CHECK(fcntl(other, F_DUPFD, 300) == 300);
	proc_keep(&p, &extra, 1);
	CHECK(count_fds() == 7);
	CHECK(fcntl(control[0], F_GETFD) >= 0 && fcntl(wire[1], F_GETFD) >= 0);
	CHECK(fcntl(200, F_GETFD) >= 0 && fcntl(extra, F_GETFD) >= 0);
	CHECK(fcntl(control[1], F_GETFD) < 0 && fcntl(wire[0], F_GETFD) < 0);
	CHECK(fcntl(other, F_GETFD) < 0 && fcntl(300, F_GETFD) < 0);
	CHECK(fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0);
}

static void
keep_closes_the_rest(void **state)
{
	(void)state;
	in_child(keep_body, NULL);
}

/* The hexadecimal or decimal number after name in /proc/self/status. */
static unsigned long
status_number(const char *text, const char *name, int base)
{
	const char *line = strstr(text, name);

	CHECK(line != NULL);
	return strtoul(line + strlen(name), NULL, base);
}

static void
check_dropped(int status_fd, bool root)
{
	char		text[8192] = "";
	ssize_t		n = read(status_fd, text, sizeof(text) - 1);
	struct rlimit	limit;

	CHECK(n > 0);
	CHECK(status_number(text, "\nCapEff:", 16) == 0 && status_number(text, "\nCapPrm:", 16) == 0);
	CHECK(status_number(text, "\nCapInh:", 16) == 0 && status_number(text, "\nCapAmb:", 16) == 0);
	CHECK(status_number(text, "\nNoNewPrivs:", 10) == 1);
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == limit.rlim_max);
	if (!root)
		return;
	CHECK(status_number(text, "\nCapBnd:", 16) == 0);
	CHECK(getuid() == proc_user(ROLE_VA).uid && getgid() == proc_user(ROLE_VA).gid && getuid() != 0);
	CHECK(getgroups(0, NULL) == 0);
	CHECK(setuid(0) != 0 && chroot("/") != 0);
}

static void
drop_body(void *arg)
{
	struct proc	p = { .role = ROLE_VA, .root = arg };
	bool		root = geteuid() == 0;
	int		status = open("/proc/thread-self/status", O_RDONLY);

	if (status < 0)
		status = open("/proc/self/status", O_RDONLY);
	proc_drop(&p);
	check_dropped(status, root);
	if (!root) {
		CHECK(proc_visible(&p) == p.root);
		return;
	}
	if (arg != NULL) {
		CHECK(strcmp(proc_visible(&p), "/") == 0);
		CHECK(access("/mark", F_OK) == 0 && access("/etc", F_OK) != 0);
		CHECK(access("/../etc", F_OK) != 0);
		return;
	}
	CHECK(proc_visible(&p) == NULL);
	CHECK(access("/etc", F_OK) != 0 && access("/proc", F_OK) != 0 && access("../../../etc", F_OK) != 0);
	CHECK(open("/x", O_CREAT | O_RDWR, 0600) < 0 && mkdir("/x", 0700) != 0);
}

static void
drop_to_nothing(void **state)
{
	(void)state;
	in_child(drop_body, NULL);
}

static void
drop_to_a_folder(void **state)
{
	char	dir[] = "/tmp/test_proc-XXXXXX", mark[64];
	int	fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(mark, sizeof(mark), "%s/mark", dir);
	assert_true((fd = open(mark, O_CREAT | O_RDWR, 0644)) >= 0);
	close(fd);
	in_child(drop_body, dir);
	unlink(mark);
	rmdir(dir);
}

static struct config
listen_on(char **addresses, size_t count)
{
	static char	file[] = "signet.yaml", none[] = "";

	return (struct config){ .file = file,
		.wfe = { .listen = { addresses, count }, .metrics_listen = none } };
}

static void
listeners_complain(void **state)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	socklen_t		len = sizeof(sin);
	struct listeners	held = { 0 };
	char			taken[32], elsewhere[] = "192.0.2.1:9443", name[] = "nowhere:1";
	char			*addresses[] = { taken, elsewhere, name }, *text = NULL;
	struct config		config = listen_on(addresses, 3);
	size_t			size;
	FILE			*complaints = open_memstream(&text, &size);
	int			other = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(other, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(getsockname(other, (struct sockaddr *)&sin, &len), 0);
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", ntohs(sin.sin_port));
	assert_int_equal(listeners_sync(&held, &config, 0, complaints), ERR_CONFIG);
	fclose(complaints);
	assert_int_equal(held.count, 0);
	assert_non_null(strstr(text, "signet.yaml: wfe.listen: 127.0.0.1:"));
	assert_non_null(strstr(text, "another program has this port"));
	assert_non_null(strstr(text, "192.0.2.1:9443: can't listen: "));
	assert_non_null(strstr(text, "nowhere:1: not an IP address"));
	free(text);
	close(other);
}

/* A role that is ready may be captured: whatever it writes then stays unread. */
static void
who_is_ready_is_not_heard_again(void **state)
{
	struct children	 children = { .alone = false };
	struct child	*child = &children.of[ROLE_WFE];
	struct channel	*role;
	struct buf	 empty = { 0 };
	char		 junk[64];
	int		 pair[2];

	(void)state;
	assert_true(spawn_pair(pair));
	child->control = channel_new(pair[0], ROLE_SUPERVISOR, ROLE_WFE);
	role = channel_new(pair[1], ROLE_WFE, ROLE_SUPERVISOR);
	assert_true(child->control != NULL && role != NULL);
	assert_int_equal(channel_send(role, MSG_READY, &empty), ERR_OK);
	children_listen(&children);
	assert_true(child->ready);
	memset(junk, 0xff, sizeof(junk));
	assert_int_equal(send(pair[1], junk, sizeof(junk), 0), sizeof(junk));
	children_listen(&children);
	assert_non_null(child->control);
	assert_int_equal(recv(pair[0], junk, sizeof(junk), MSG_PEEK | MSG_DONTWAIT), sizeof(junk));
	channel_free(child->control);
	channel_free(role);
}

/* A role that is started, as far as waiting for it goes; the end that it would have. */
static struct channel *
start_waiting(struct children *children, enum role role, int64_t deadline)
{
	struct child   *child = &children->of[role];
	struct channel *end;
	int		pair[2];

	assert_true(spawn_pair(pair));
	child->control = channel_new(pair[0], ROLE_SUPERVISOR, role);
	child->pid = 1;		/* nobody is killed here */
	child->deadline = deadline;
	end = channel_new(pair[1], role, ROLE_SUPERVISOR);
	assert_true(child->control != NULL && end != NULL);
	return end;
}

static void
ready_by_when(void **state)
{
	struct children children = { .alone = false };
	struct channel *wfe = start_waiting(&children, ROLE_WFE, 100), *ra = start_waiting(&children, ROLE_RA, 200);
	struct channel *ca = start_waiting(&children, ROLE_CA, 300);
	struct buf	empty = { 0 };
	int64_t		before = clock_monotonic_ms();

	(void)state;
	/* wfe waits for the two others. */
	assert_int_equal(children_deadline(&children), 200);
	/* A migration takes as long as it takes. */
	assert_int_equal(channel_send(ra, MSG_BUSY, &empty), ERR_OK);
	children_listen(&children);
	assert_int_equal(children_deadline(&children), 300);
	assert_int_equal(channel_send(ca, MSG_READY, &empty), ERR_OK);
	children_listen(&children);
	assert_int_equal(children_deadline(&children), INT64_MAX);
	/* Then it is wfe's turn, with all of its time. */
	assert_int_equal(channel_send(ra, MSG_READY, &empty), ERR_OK);
	children_listen(&children);
	assert_true(children_deadline(&children) > before + 1000 && children_deadline(&children) < INT64_MAX);
	channel_free(children.of[ROLE_WFE].control);
	channel_free(children.of[ROLE_RA].control);
	channel_free(children.of[ROLE_CA].control);
	channel_free(wfe);
	channel_free(ra);
	channel_free(ca);
}

/* Its holder dies a moment later; who holds it for longer is complained about in the end. */
static void
listeners_wait_for_the_dying(void **state)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	socklen_t		len = sizeof(sin);
	struct listeners	held = { 0 };
	char			taken[32], *addresses[] = { taken }, *text = NULL;
	struct config		config = listen_on(addresses, 1);
	size_t			size;
	FILE			*complaints = open_memstream(&text, &size);
	int			other = socket(AF_INET, SOCK_STREAM, 0), status;
	int64_t			begin;
	pid_t			pid;

	(void)state;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(other, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(getsockname(other, (struct sockaddr *)&sin, &len), 0);
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", ntohs(sin.sin_port));
	begin = clock_monotonic_ms();
	assert_int_equal(listeners_sync(&held, &config, begin + 100, complaints), ERR_CONFIG);
	assert_true(clock_monotonic_ms() >= begin + 100);
	fclose(complaints);
	assert_non_null(strstr(text, "another program has this port"));
	free(text);
	if ((pid = fork()) == 0) {
		usleep(100000);
		_exit(0);
	}
	close(other);
	assert_int_equal(listeners_sync(&held, &config, clock_monotonic_ms() + 20000, stderr), ERR_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	listeners_close(&held);
}

/* Nobody's a moment ago; the configuration takes no port 0. */
static unsigned
free_port(int *hold)
{
	struct sockaddr_in6	sin = { .sin6_family = AF_INET6 };
	socklen_t		len = sizeof(sin);

	*hold = socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(bind(*hold, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(*hold, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin6_port);
}

static void
listeners_stay(void **state)
{
	struct listeners	held = { 0 };
	char			one[32], two[32];
	char			*both[] = { one, two };
	struct config		config = listen_on(both, 1), more = listen_on(both, 2);
	struct config		less = listen_on(both + 1, 1);
	int			first, flags, hold[2];

	(void)state;
	snprintf(one, sizeof(one), "127.0.0.1:%u", free_port(&hold[0]));
	snprintf(two, sizeof(two), "[::]:%u", free_port(&hold[1]));
	close(hold[0]);
	close(hold[1]);
	assert_int_equal(listeners_sync(&held, &config, 0, stderr), ERR_OK);
	assert_int_equal(held.count, 1);
	first = held.held[0].socket.fd;
	flags = fcntl(first, F_GETFL);
	assert_true((flags & O_NONBLOCK) != 0 && (fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(listeners_sync(&held, &more, 0, stderr), ERR_OK);
	assert_int_equal(held.count, 2);
	assert_int_equal(held.held[0].socket.fd, first);
	assert_int_equal(listeners_sync(&held, &less, 0, stderr), ERR_OK);
	assert_int_equal(held.count, 2);		/* until the new roles serve */
	assert_false(held.held[0].wanted);
	listeners_prune(&held);
	assert_int_equal(held.count, 1);
	assert_int_not_equal(held.held[0].socket.fd, first);
	listeners_close(&held);
	assert_int_equal(held.count, 0);
}

static void
folders_are_owned(void **state)
{
	char		dir[] = "/tmp/test_proc-XXXXXX", storage[] = "sqlite:data/signet.db";
	char		ledger[] = "ledger", path[64], *data;
	struct config	config = { .file = storage, .dir = dir, .storage = storage, .ledger = ledger };
	struct stat	st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_true(folders_prepare(&config, stderr));
	assert_non_null(data = folders_data(&config));
	snprintf(path, sizeof(path), "%s/data", dir);
	assert_string_equal(data, path);
	snprintf(path, sizeof(path), "%s/link", data);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_true(folders_prepare(&config, stderr));
	assert_int_equal(stat("/etc/passwd", &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(stat(data, &st), 0);
	assert_int_equal(st.st_uid, geteuid() == 0 ? proc_user(ROLE_RA).uid : geteuid());
	unlink(path);
	rmdir(data);
	free(data);
	snprintf(path, sizeof(path), "%s/ledger", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, geteuid() == 0 ? proc_user(ROLE_CA).uid : geteuid());
	rmdir(path);
	rmdir(dir);
}

static void
folders_stay_apart(void **state)
{
	char		dir[] = "/tmp/test_proc-XXXXXX", storage[] = "sqlite:signet.db", *text = NULL;
	struct config	config = { .file = storage, .dir = dir, .storage = storage };
	size_t		size;
	FILE		*complaints = open_memstream(&text, &size);

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(folders_prepare(&config, complaints), geteuid() != 0);
	fclose(complaints);
	if (geteuid() == 0)
		assert_non_null(strstr(text, "a folder of its own"));
	free(text);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_pair),
		cmocka_unit_test(start_hostile),
		cmocka_unit_test(order_of_stages),
		cmocka_unit_test(order_of_pauses),
		cmocka_unit_test(order_of_words),
		cmocka_unit_test(keep_closes_the_rest),
		cmocka_unit_test(drop_to_nothing),
		cmocka_unit_test(drop_to_a_folder),
		cmocka_unit_test(who_is_ready_is_not_heard_again),
		cmocka_unit_test(ready_by_when),
		cmocka_unit_test(listeners_complain),
		cmocka_unit_test(listeners_wait_for_the_dying),
		cmocka_unit_test(listeners_stay),
		cmocka_unit_test(folders_are_owned),
		cmocka_unit_test(folders_stay_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
