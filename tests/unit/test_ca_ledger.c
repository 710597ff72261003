/* The ledger under a CA that issues: what a crash or a hand leaves in it. */
#include "tests/unit/ca_world.h"

/* Issues count certificates in one batch each; gives the ledger's only segment's path. */
static char *
ledger_fill(struct world *w, unsigned count)
{
	struct ask ask;
	struct buf der, path = { 0 };

	for (; count > 0; count--) {
		w->order = id_new();
		ask_open(&ask, w);
		der = expect_issued(&ask);
		buf_free(&der);
		ask_close(&ask);
		assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	}
	buf_printf(&path, "%s/00000001.log", w->ca->folder);
	return buf_take_str(&path);
}

static void
test_torn_tail(void **state)
{
	struct world *w = *state;
	char *path = ledger_fill(w, 3);
	struct reason reason;
	struct stat st;
	uint64_t count;
	struct ask ask;
	struct buf der;
	int fd;

	assert_int_equal(ledger_each(w->ca->folder, NULL, NULL, &count, &reason), ERR_OK);
	assert_int_equal(count, 3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 100), 0);
	world_reopen(w);
	assert_int_equal(ledger_each(w->ca->folder, NULL, NULL, &count, &reason), ERR_OK);
	assert_int_equal(count, 2);
	/* Zeros, as a file system leaves them for blocks that never came. */
	assert_true((fd = open(path, O_WRONLY | O_APPEND)) >= 0);
	assert_int_equal(write(fd, (char[300]){ 0 }, 300), 300);
	close(fd);
	world_reopen(w);
	ask_open(&ask, w); /* the third order, which was cut off, is made anew */
	der = expect_issued(&ask);
	buf_free(&der);
	ask_close(&ask);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	assert_int_equal(ledger_each(w->ca->folder, NULL, NULL, &count, &reason), ERR_OK);
	assert_int_equal(count, 3);
	free(path);
}

static void
test_broken_chain(void **state)
{
	struct world *w = *state;
	char *path = ledger_fill(w, 3);
	struct reason reason = { "" };
	uint64_t count;
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, 400), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 400), 1);
	close(fd);
	assert_int_equal(ledger_each(w->ca->folder, NULL, NULL, &count, &reason), ERR_MALFORMED);
	ca_close(w->ca);
	assert_int_equal(ca_open(&w->config, clock_now(), &w->ca, &reason), ERR_MALFORMED);
	assert_non_null(strstr(reason.text, "chain is broken"));
	free(path);
}

static void
test_write_failure(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf der;
	int fds[2], null = open("/dev/full", O_WRONLY);

	ask_open(&ask, w);
	der = expect_issued(&ask);
	ledger_descriptors(w->ca->ledger, fds);
	assert_true(dup2(null, fds[1]) >= 0);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_IO);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_IO); /* and it stays so */
	close(null);
	buf_free(&der);
	ask_close(&ask);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_torn_tail), T(test_broken_chain), T(test_write_failure) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca: ledger", tests, NULL, NULL);
}
