/* Concurrent writers, kill -9, and a disk that is full. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/storage.h"

#define THREADS 8
#define EACH 40
#define KILLS 5

static char dir[] = "/tmp/test_storage_faults.XXXXXX";

static struct storage *
storage_up(const char *url, bool start)
{
	struct storage	*storage;
	struct reason	 reason = { "" };

	if (storage_open(url, dir, 2, &storage, &reason) != ERR_OK ||
	    (start && storage_start(storage) != ERR_OK)) {
		fprintf(stderr, "%s\n", reason.text);
		abort();
	}
	return storage;
}

/* Puts an issuer named by id, with a kilobyte of data. */
static enum err
put(struct storage_tx *tx, void *arg)
{
	uint8_t		 fingerprint[32] = { 0 }, der[1000] = { 1 };
	struct id	*id = arg;

	memcpy(fingerprint, id->bytes, ID_SIZE);
	return issuer_put(tx, fingerprint, (struct slice){ der, sizeof(der) });
}

/* The same, and then it fails. */
static enum err
put_and_fail(struct storage_tx *tx, void *arg)
{
	enum err err = put(tx, arg);

	return err == ERR_OK ? ERR_DENIED : err;
}

static bool
is_there(struct storage *storage, struct id id)
{
	uint8_t			 fingerprint[32] = { 0 };
	struct buf		 der = { 0 };
	struct storage_tx	*tx;
	enum err		 err;

	memcpy(fingerprint, id.bytes, ID_SIZE);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	err = issuer_get(tx, fingerprint, &der);
	storage_read_end(tx);
	buf_free(&der);
	return err == ERR_OK;
}

struct worker {
	struct storage	*storage;
	struct id	 ids[EACH];
	unsigned	 wrong;
};

static void *
worker_main(void *arg)
{
	struct worker *worker = arg;

	for (unsigned i = 0; i < EACH; i++) {
		bool fail = i % 3 == 1;

		worker->ids[i] = id_new();
		if (storage_write(worker->storage, fail ? put_and_fail : put, &worker->ids[i]) !=
		    (fail ? ERR_DENIED : ERR_OK))
			worker->wrong++;
	}
	return NULL;
}

static void
failures_harm_no_other(void **state)
{
	struct storage	*storage = storage_up("sqlite:threads.db", true);
	struct worker	 workers[THREADS] = { 0 };
	pthread_t	 threads[THREADS];

	(void)state;
	for (unsigned t = 0; t < THREADS; t++) {
		workers[t].storage = storage;
		assert_int_equal(pthread_create(&threads[t], NULL, worker_main, &workers[t]), 0);
	}
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	for (unsigned t = 0; t < THREADS; t++) {
		assert_int_equal(workers[t].wrong, 0);
		for (unsigned i = 0; i < EACH; i++)
			assert_int_equal(is_there(storage, workers[t].ids[i]), i % 3 != 1);
	}
	storage_close(storage);
}

struct reporter {
	struct storage	*storage;
	int		 fd;
};

/* Tells each id once it was said to be on disk. */
static void *
reporter_main(void *arg)
{
	struct reporter *reporter = arg;

	for (;;) {
		struct id id = id_new();

		if (storage_write(reporter->storage, put, &id) != ERR_OK ||
		    write(reporter->fd, id.bytes, ID_SIZE) != ID_SIZE)
			_exit(1);
	}
	return NULL;
}

static void
child_report(int fd)
{
	struct reporter	reporter = { storage_up("sqlite:kill.db", true), fd };
	pthread_t	thread;

	for (unsigned t = 0; t < 4; t++)
		if (pthread_create(&thread, NULL, reporter_main, &reporter) != 0)
			_exit(1);
	pause();
	_exit(1);
}

static void
commits_survive_a_kill(void **state)
{
	size_t total = 0;

	(void)state;
	for (unsigned round = 0; round < KILLS; round++) {
		struct storage	*storage;
		struct id	 id;
		int		 fds[2], status;
		pid_t		 pid;
		size_t		 count = 0;

		assert_int_equal(pipe(fds), 0);
		if ((pid = fork()) == 0)
			child_report(fds[1]);
		close(fds[1]);
		/* Let it come to life, then kill it at some moment within 40 ms. */
		assert_int_equal(read(fds[0], id.bytes, ID_SIZE), ID_SIZE);
		usleep((useconds_t)(id.bytes[15] * 160));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		storage = storage_up("sqlite:kill.db", false);
		do {
			assert_true(is_there(storage, id));
			count++;
		} while (read(fds[0], id.bytes, ID_SIZE) == ID_SIZE);
		total += count;
		storage_close(storage);
		close(fds[0]);
	}
	assert_true(total > KILLS);
}

/* Each write's completion starts the next, every third one fails, and closing waits for them all. */
#define CHAIN 300

struct chain {
	struct storage_write	 write;		/* first */
	struct storage		*storage;
	struct id		 ids[CHAIN];
	unsigned		 at, wrong;
};

static void
chain_next(struct storage_write *write)
{
	struct chain	*chain = (struct chain *)write;
	bool		 fails = chain->at % 3 == 2;

	chain->wrong += write->err != (fails ? ERR_DENIED : ERR_OK);
	chain->wrong += is_there(chain->storage, chain->ids[chain->at]) == fails;
	if (++chain->at == CHAIN)
		return;
	chain->ids[chain->at] = id_new();
	chain->write.fn = chain->at % 3 == 2 ? put_and_fail : put;
	chain->write.arg = &chain->ids[chain->at];
	storage_write_start(chain->storage, &chain->write);
}

static void
completions_may_write(void **state)
{
	static struct chain	 chains[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct chain *chain = &chains[i];

		chain->storage = i > 0 ? chains[0].storage : storage_up("sqlite:chain.db", true);
		chain->ids[0] = id_new();
		chain->write = (struct storage_write){ .fn = put, .arg = &chain->ids[0], .done = chain_next };
		storage_write_start(chain->storage, &chain->write);
	}
	storage_close(chains[0].storage);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(chains[i].at, CHAIN);
		assert_int_equal(chains[i].wrong, 0);
	}
}

static void
limit_file_size(rlim_t size)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size == 0 ? limit.rlim_max : size;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		abort();
}

/* Writes until the WAL hits the limit; then room again. */
static void
child_fill(void)
{
	struct storage	*storage;
	struct id	 last, failed = id_new(), after;
	enum err	 err;

	signal(SIGXFSZ, SIG_IGN);
	storage = storage_up("sqlite:full.db", true);
	limit_file_size(200000);
	do {
		last = failed;
		failed = id_new();
		err = storage_write(storage, put, &failed);
	} while (err == ERR_OK);
	if (err != ERR_IO || is_there(storage, failed) || !is_there(storage, last))
		_exit(1);
	limit_file_size(0);
	after = id_new();
	if (storage_write(storage, put, &after) != ERR_OK || !is_there(storage, after) ||
	    !is_there(storage, last) || is_there(storage, failed))
		_exit(2);
	storage_close(storage);
	_exit(0);
}

static void
a_full_disk_passes(void **state)
{
	int	status;
	pid_t	pid;

	(void)state;
	if ((pid = fork()) == 0)
		child_fill();
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* As ra does it: the path that storage_open() was given means nothing any more. */
static void
child_chroot(void)
{
	struct storage	*storage = storage_up("sqlite:chroot.db", false);
	struct id	 id;

	if (chroot(dir) != 0)
		_exit(77);
	if (chdir("/") != 0 || setgid(65534) != 0 || setuid(65534) != 0 || storage_start(storage) != ERR_OK)
		_exit(1);
	for (unsigned i = 0; i < 3000; i++) {
		id = id_new();
		if (storage_write(storage, put, &id) != ERR_OK || !is_there(storage, id))
			_exit(2);
	}
	storage_close(storage);
	_exit(0);
}

static void
works_in_another_root(void **state)
{
	int	status;
	pid_t	pid;

	(void)state;
	if ((pid = fork()) == 0)
		child_chroot();
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();		/* not root */
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
cleanup(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* The forks first: a process with threads forks badly. */
		cmocka_unit_test(commits_survive_a_kill),
		cmocka_unit_test(a_full_disk_passes),
		cmocka_unit_test(works_in_another_root),
		cmocka_unit_test(failures_harm_no_other),
		cmocka_unit_test(completions_may_write),
	};

	if (mkdtemp(dir) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, cleanup);
}
