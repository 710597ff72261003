/* va as a process of its own, over its wire: targets that never answer don't slow down those that do, and no account
 * and no target gets more than its share. STALLED=10000 SECONDS=5 (`make stall`) is the whole measure; alone it is a
 * shorter one. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/wire.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "proc/proc.h"
#include "proc/spawn.h"
#include "proc/sanitized.h"
#include "va/fetch.h"
#include "va/probe.h"

#define TOKEN "dG9rZW4tb2YtMzItYnl0ZXMtZm9yLXRlc3RpbmctMDE"
#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
#define BAD UINT32_MAX		/* the number of those that aren't */
#define RATE 100		/* good ones a second */
#define MEMORY_MAX 256		/* MiB */
#define STALLED_PER_ADDRESS 20
#define SAMPLES_MAX 6000
#define STALLED_MAX 12000

struct world {
	char dir[32];
	int dns, good, silent;
	uint16_t dns_port, port;
	pthread_t dns_thread, good_thread, silent_thread;
	enum challenge_type bad_method;
	bool accepts; /* the silent one; its times are looked at in the whole measure alone */
	int held[STALLED_MAX];
	size_t held_count;
	atomic_bool stop;
	struct config *config;
	struct channel *va, *control;
	pid_t pid;
	/* good ones: when they were asked for, by the number in their id */
	int64_t begun[SAMPLES_MAX];
	int64_t took[SAMPLES_MAX]; /* microseconds; -1: not answered */
	size_t failed, limited;	/* others than good ones, and those of them that were never tried */
	char detail[RESULT_DETAIL_MAX + 1], refusal[RESULT_DETAIL_MAX + 1];	/* of the last that failed, that was limited */
};

/* --- the other side ------------------------------------------------------------------------------ */

static int
bound(int type, uint32_t address, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = htons(*port) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1, large = 1 << 22;

	assert_int_not_equal(fd, -1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof(large));
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

/* "gN.test" is 127.0.0.1; "bN.test" is one of many addresses; "one.test" is always the same of those. */
static uint32_t
address_of_name(const uint8_t *name)
{
	uint32_t number = (uint32_t)strtoul((const char *)name + 2, NULL, 10);

	if ((name[1] | 0x20) == 'g') /* letters come in any case */
		return INADDR_LOOPBACK;
	return 0x7f010001 + ((name[1] | 0x20) == 'b' ? number / STALLED_PER_ADDRESS : 0);
}

/* Answers A; there are no records of other types. */
static size_t
dns_answer(uint8_t *message, size_t len)
{
	size_t end = 12;
	uint32_t address;

	while (end < len && message[end] != 0)
		end += message[end] + 1u;
	end += 5;
	message[2] = 0x81;
	message[3] = 0x80;
	memset(message + 6, 0, 6);
	if (end > len || message[end - 3] != 1)
		return end;
	message[7] = 1;
	address = htonl(address_of_name(message + 12));
	memcpy(message + end, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04", 12);
	memcpy(message + end + 12, &address, 4);
	return end + 16;
}

static void *
dns_run(void *arg)
{
	struct world *w = arg;
	struct pollfd ready = { .fd = w->dns, .events = POLLIN };
	struct sockaddr_in from;
	uint8_t message[512 + 64];
	socklen_t size;
	ssize_t len;

	while (!w->stop) {
		if (poll(&ready, 1, 50) < 1)
			continue;
		size = sizeof(from);
		len = recvfrom(w->dns, message, 512, 0, (struct sockaddr *)&from, &size);
		if (len > 16)
			sendto(w->dns, message, dns_answer(message, (size_t)len), 0, (struct sockaddr *)&from, size);
	}
	return NULL;
}

static void *
good_run(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 87\r\n\r\n" TOKEN "." THUMBPRINT;
	struct world *w = arg;
	struct pollfd ready = { .fd = w->good, .events = POLLIN };
	char request[2048];
	int fd;

	while (!w->stop) {
		if (poll(&ready, 1, 50) < 1 || (fd = accept(w->good, NULL, NULL)) < 0)
			continue;
		if (recv(fd, request, sizeof(request), 0) > 0)
			send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

/* --- va ------------------------------------------------------------------------------------------ */

static void
write_file(const char *dir, const char *name, const void *data, size_t len)
{
	char *path = file_join(dir, name);

	assert_int_equal(file_create(path, 0600, slice_of(data, len)), ERR_OK);
	free(path);
}

static void
va_start(struct world *w, const char *options)
{
	uint8_t key[EVIDENCE_KEY_SIZE] = { 1 };
	int ra[2], control[2];
	struct buf yaml = { 0 };
	struct slice body;
	enum msg_type type;

	write_file(w->dir, "evidence.key", key, sizeof(key));
	buf_printf(&yaml, "wfe: {url: \"https://ca.test:9443\"}\nevidence_key: evidence.key\nlog: {level: error}\n"
	    "va: {resolvers: [\"127.0.0.1:%u\"], http_port: %u, targets: {allow: [loopback]}, tls_port: %u, retries: 0%s}\n",
	    w->dns_port, w->port, w->port, options);
	assert_int_equal(config_parse(buf_slice(&yaml), "test.yaml", w->dir, &w->config, stderr), ERR_OK);
	buf_free(&yaml);
	assert_true(spawn_pair(ra) && spawn_pair(control));
	if ((w->pid = fork()) == 0) {
		static struct proc p;

		p = (struct proc){ .role = ROLE_VA, .config = w->config };
		close(ra[0]);
		close(control[0]);
		p.peer[ROLE_RA] = channel_new(ra[1], ROLE_VA, ROLE_RA);
		p.control = channel_new(control[1], ROLE_VA, ROLE_SUPERVISOR);
		log_open("va", LOG_ERROR, LOG_TEXT);
		va_main(&p);
	}
	close(ra[1]);
	close(control[1]);
	w->va = channel_new(ra[0], ROLE_RA, ROLE_VA);
	w->control = channel_new(control[0], ROLE_SUPERVISOR, ROLE_VA);
	assert_int_equal(channel_receive(w->control, &type, &body), ERR_OK);
	assert_int_equal(type, MSG_READY);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* Good ones have their number in the first bytes of their id, and a mark. */
static void
va_check(struct world *w, const char *name, size_t number, const char *account)
{
	struct msg_check check = { .authorization = id_new(), .method = number == BAD ? w->bad_method : CHALLENGE_HTTP_01,
		.identifier = { .type = IDENTIFIER_DNS }, .token = TOKEN, .thumbprint = THUMBPRINT };
	struct buf out = { 0 };
	uint32_t place = (uint32_t)number;

	snprintf(check.identifier.value, sizeof(check.identifier.value), "%s", name);
	snprintf(check.account_url, sizeof(check.account_url), "%s", account);
	memcpy(&check.authorization, &place, sizeof(place));
	put_check(&out, &check);
	assert_int_equal(channel_send(w->va, MSG_CHECK, &out), ERR_OK);
	buf_free(&out);
}

static void
va_hear(struct world *w)
{
	struct msg_result result;
	enum msg_type type;
	struct slice body;
	uint32_t place;

	while (channel_try_receive(w->va, &type, &body) == ERR_OK) {
		assert_true(get_result(body, &result));
		memcpy(&place, &result.authorization, sizeof(place));
		if (place == BAD) {
			w->failed++;
			memcpy(w->detail, result.detail, sizeof(w->detail));
			if (result.problem == PROBLEM_RATE_LIMITED) {
				w->limited++;
				memcpy(w->refusal, result.detail, sizeof(w->refusal));
			}
			continue;
		}
		if (!result.ok)
			fail_msg("%s", result.detail);
		w->took[place] = now_us() - w->begun[place];
	}
}

static void
va_wait(struct world *w, int64_t until_us)
{
	struct pollfd ready = { .fd = channel_fd(w->va), .events = POLLIN };
	int64_t left = until_us - now_us();

	if (poll(&ready, 1, left > 0 ? (int)((left + 999) / 1000) : 0) == 1)
		va_hear(w);
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

struct times {
	int64_t median, most;	/* microseconds; most: nineteen in twenty are faster */
};

/* Good ones at RATE for so long; each must be answered. */
static struct times
va_good(struct world *w, int seconds)
{
	size_t count = (size_t)seconds * RATE;
	int64_t begin = now_us();
	char name[32];

	assert_true(count <= SAMPLES_MAX);
	for (size_t i = 0; i < count; i++) {
		while (now_us() < begin + (int64_t)i * 1000000 / RATE)
			va_wait(w, begin + (int64_t)i * 1000000 / RATE);
		snprintf(name, sizeof(name), "g%zu.test", i);
		w->took[i] = -1;
		w->begun[i] = now_us();
		va_check(w, name, i, "https://ca.test/account/good");
	}
	for (size_t i = 0; i < count; i++)
		while (w->took[i] < 0) {
			assert_true(now_us() < begin + (seconds + 5) * INT64_C(1000000));
			va_wait(w, now_us() + 100000);
		}
	qsort(w->took, count, sizeof(w->took[0]), by_size);
	return (struct times){ w->took[count / 2], w->took[count * 19 / 20] };
}

/* The most memory that it ever had, in KiB. */
static long
va_memory(const struct world *w)
{
	char path[64], line[256];
	long kib = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)w->pid);
	assert_non_null(file = fopen(path, "r"));
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	fclose(file);
	return kib;
}

/* Processor time so far, in ms. */
static long
va_worked(const struct world *w)
{
	char path[64], text[1024] = "";
	unsigned long user = 0, system = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)w->pid);
	assert_non_null(file = fopen(path, "r"));
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	/* utime and stime, proc(5): the 12th and 13th after the name */
	assert_int_equal(sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			     &system), 2);
	return (long)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

/* Until all that was asked for is under way, and va has nothing to do but to wait: for half a second it worked for less
 * than one tick in 25. */
static void
va_settle(struct world *w)
{
	long before = va_worked(w) - 1000;

	for (long now; (now = va_worked(w)) > before + 20; before = now)
		for (int64_t until = now_us() + 500000; now_us() < until;)
			va_wait(w, until);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	log_open("test", LOG_ERROR, LOG_TEXT);
	signal(SIGPIPE, SIG_IGN);
	w->bad_method = CHALLENGE_HTTP_01;
	strcpy(w->dir, "/tmp/signet-load-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->dns = bound(SOCK_DGRAM, INADDR_LOOPBACK, &w->dns_port);
	w->good = bound(SOCK_STREAM, INADDR_LOOPBACK, &w->port);
	assert_int_equal(listen(w->good, 256), 0);
	/* The same port at every other address: two connections wait there for ever, others are not even accepted. */
	w->silent = bound(SOCK_STREAM, INADDR_ANY, &w->port);
	assert_int_equal(listen(w->silent, 1), 0);
	assert_int_equal(pthread_create(&w->dns_thread, NULL, dns_run, w), 0);
	assert_int_equal(pthread_create(&w->good_thread, NULL, good_run, w), 0);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char *path = file_join(w->dir, "evidence.key");

	channel_free(w->control);
	channel_free(w->va);
	waitpid(w->pid, NULL, 0);
	w->stop = true;
	pthread_join(w->dns_thread, NULL);
	pthread_join(w->good_thread, NULL);
	if (w->accepts)
		pthread_join(w->silent_thread, NULL);
	while (w->held_count > 0)
		close(w->held[--w->held_count]);
	close(w->dns);
	close(w->good);
	close(w->silent);
	config_free(w->config);
	unlink(path);
	rmdir(w->dir);
	free(path);
	free(w);
	return 0;
}

static int
number_of(const char *name, int otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? atoi(text) : otherwise;
}

/* --- tests --------------------------------------------------------------------------------------- */

/* Accepts what comes, and says nothing. */
static void *
silent_run(void *arg)
{
	struct world *w = arg;
	struct pollfd ready = { .fd = w->silent, .events = POLLIN };
	int fd;

	while (!w->stop)
		while (poll(&ready, 1, 50) == 1 && (fd = accept(w->silent, NULL, NULL)) >= 0)
			w->held[w->held_count++] = fd;
	return NULL;
}

static bool
is_slower(int64_t beside, int64_t alone, int64_t grain)
{
	return beside > alone * 6 / 5 + grain;
}

/* Half a millisecond is what this clock and scheduler tell apart. One in twenty is looked at in the whole measure alone,
 * which has this machine for itself. */
static bool
are_slower(const struct times *beside, const struct times *alone)
{
	return is_slower(beside->median, alone->median, 500) ||
	       (getenv("STALLED") != NULL && is_slower(beside->most, alone->most, 500));
}

static void
ask_stalled(struct world *w, int count)
{
	char name[32], account[64];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "b%d.test", i);
		snprintf(account, sizeof(account), "https://ca.test/account/%d", i % 100);
		va_check(w, name, BAD, account);
		va_hear(w);
	}
}

/* Good ones before, while so many others are begun, and beside them. What else this machine does only ever adds: the
 * last are measured again while there is time. */
static void
measure_stalled(struct world *w)
{
	int stalled = number_of("STALLED", 1500), seconds = number_of("SECONDS", 1);
	struct times alone, burst, beside;
	int64_t begin;

	va_start(w, ", timeout: 15s");
	va_good(w, 1); /* everything was touched once */
	alone = va_good(w, seconds);
	begin = now_us();
	ask_stalled(w, stalled);
	burst = va_good(w, 1);
	va_settle(w);
	do
		beside = va_good(w, seconds);
	while (are_slower(&beside, &alone) && now_us() < begin + (9 - seconds) * INT64_C(1000000));
	printf("%d stalled; %d good ones a second, median and 95 %%: %.2f and %.2f ms alone, %.2f and %.2f ms while the others "
	       "begin, %.2f and %.2f ms beside them; va had %ld MiB at the most\n",
	    stalled, RATE, (double)alone.median / 1e3, (double)alone.most / 1e3, (double)burst.median / 1e3,
	    (double)burst.most / 1e3, (double)beside.median / 1e3, (double)beside.most / 1e3, va_memory(w) / 1024);
	if ((getenv("STALLED") != NULL || !w->accepts) && are_slower(&beside, &alone))
		fail_msg("good ones take longer than alone");
	/* Each waits for a few others to begin, and not for all of them, which takes seconds. */
	assert_true(getenv("STALLED") == NULL || burst.most < 250000);
	/* A sanitizer's shadow is several times what it watches. */
	if (!SANITIZED)
		assert_true(va_memory(w) < MEMORY_MAX * 1024L);
}

/* They don't even accept. */
static void
test_stalled_targets(void **state)
{
	struct world *w = *state;

	measure_stalled(w);
	if (w->failed > 0)
		fail_msg("the stalled ones were over meanwhile: %s", w->detail);
}

/* They accept, and that is all: of so many the oldest are given up. */
static void
measure_silent(struct world *w)
{
	assert_int_equal(listen(w->silent, 4096), 0);
	assert_int_equal(pthread_create(&w->silent_thread, NULL, silent_run, w), 0);
	w->accepts = true;
	measure_stalled(w);
	if (w->failed > 0 && strstr(w->detail, "when the CA had thousands of others to ask") == NULL)
		fail_msg("%s", w->detail);
}

static void
test_silent_targets(void **state)
{
	struct world *w = *state;

	measure_silent(w);
	assert_true(w->failed == 0 || w->failed >= (size_t)number_of("STALLED", 1500) - FETCH_MAX);
}

static void
test_silent_tls_targets(void **state)
{
	struct world *w = *state;

	w->bad_method = CHALLENGE_TLS_ALPN_01;
	measure_silent(w);
	assert_true(w->failed == 0 || w->failed >= (size_t)number_of("STALLED", 1500) - PROBE_MAX);
}

/* One account that takes all it may waits for itself alone, and is told when it asks for too much. */
static void
test_account_limit(void **state)
{
	struct world *w = *state;
	struct times beside;

	va_start(w, ", limits: {account: 10}, timeout: 15s");
	for (int i = 0; i < 111; i++) { /* 10 run, 100 wait */
		char name[32];

		snprintf(name, sizeof(name), "b%d.test", i);
		va_check(w, name, BAD, "https://ca.test/account/greedy");
	}
	beside = va_good(w, 1);
	assert_true(beside.most < 1000000);
	assert_int_equal(w->failed, 1);
	assert_int_equal(w->limited, 1);
	if (strstr(w->refusal, "10 validations under way and 100 that wait") == NULL ||
	    strstr(w->refusal, "va.limits.account") == NULL)
		fail_msg("%s", w->refusal);
}

/* One address that takes too long: so many connections to it at once, and others learn why they got none. */
static void
test_target_limit(void **state)
{
	struct world *w = *state;
	struct times beside;
	int64_t until = now_us() + 8000000;

	va_start(w, ", limits: {target: 3}, timeout: 2s");
	for (int i = 0; i < 20; i++)
		va_check(w, "one.test", BAD, "https://ca.test/account/cannon");
	beside = va_good(w, 1);
	assert_true(beside.most < 1000000);
	while (w->failed < 20 && now_us() < until)
		va_wait(w, now_us() + 100000);
	assert_int_equal(w->failed, 20);
	/* Three were connected to, three more perhaps in the moment when those ended. */
	if (w->limited < 14 || w->limited > 17)
		fail_msg("%zu of 20 were limited; the last: %s", w->limited, w->detail);
	if (strstr(w->refusal, "127.1.0.1 port") == NULL || strstr(w->refusal, "va.limits.target") == NULL ||
	    strstr(w->refusal, "3 validations") == NULL)
		fail_msg("%s", w->refusal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stalled_targets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_targets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_tls_targets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_target_limit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
