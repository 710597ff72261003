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

/* Orders with records as large as they may be, until the folder has segments 1 to 3, the last with a few; sixteen to a
 * sync. */
#define LARGE 60000
#define SEGMENT_ORDERS ((LEDGER_SEGMENT_MAX / LARGE) + 20)

static unsigned
large_fill(struct ledger *ledger, struct id *orders, unsigned count)
{
	uint8_t *der = calloc(1, LARGE);
	uint8_t serial[18] = { 1 };

	for (unsigned n = 0; n < count; n++) {
		struct ledger_record record = { .kind = LEDGER_ORDER, .time_ms = 5, .order = orders[n],
			.serial = slice_of(serial, sizeof(serial)), .der = slice_of(der, LARGE) };

		memcpy(der, &n, sizeof(n));
		assert_int_equal(ledger_append(ledger, &record), ERR_OK);
		if (n % 16 == 15)
			assert_int_equal(ledger_sync(ledger), ERR_OK);
	}
	assert_int_equal(ledger_sync(ledger), ERR_OK);
	free(der);
	return count;
}

/* Every order is found, with its own record. */
static void
expect_orders(const char *folder, const struct id *orders, unsigned count)
{
	struct ledger_record record;
	struct ledger *ledger;
	struct reason reason = { "" };

	if (ledger_open(folder, 0, &ledger, &reason) != ERR_OK)
		fail_msg("%s", reason.text);
	for (unsigned n = 0; n < count; n++) {
		assert_int_equal(ledger_find(ledger, orders[n], &record), ERR_OK);
		assert_memory_equal(record.der.data, &n, sizeof(n));
	}
	assert_int_equal(ledger_find(ledger, id_new(), &record), ERR_NOT_FOUND);
	ledger_close(ledger);
}

static void
path_in(const char *folder, const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", folder, name);
}

static void
change_byte(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* A start reads closed segments by their summaries, which are but copies: one that is missing, broken or of another
 * segment is made anew, and what the segments say counts. */
static void
test_summaries(void **state)
{
	static struct id orders[2 * SEGMENT_ORDERS];
	struct world *w = *state;
	char folder[96], one[128], two[128], segment[128], cut[128];
	struct ledger *ledger;
	struct reason reason = { "" };
	struct stat st, old;
	uint64_t count;

	snprintf(folder, sizeof(folder), "%s/large", w->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	path_in(folder, "00000001.idx", one);
	path_in(folder, "00000002.idx", two);
	path_in(folder, "00000001.log", segment);
	for (unsigned n = 0; n < 2 * SEGMENT_ORDERS; n++)
		orders[n] = id_new();
	assert_int_equal(ledger_open(folder, 0, &ledger, &reason), ERR_OK);
	large_fill(ledger, orders, 2 * SEGMENT_ORDERS);
	ledger_close(ledger);
	assert_int_equal(stat(one, &old), 0);	/* written when the segment was full */
	assert_int_equal(stat(two, &st), 0);
	expect_orders(folder, orders, 2 * SEGMENT_ORDERS);
	assert_int_equal(stat(one, &st), 0);
	assert_int_equal(st.st_ino, old.st_ino);
	change_byte(one, 200);
	expect_orders(folder, orders, 2 * SEGMENT_ORDERS);
	assert_int_equal(rename(two, one), 0);
	expect_orders(folder, orders, 2 * SEGMENT_ORDERS);
	assert_int_equal(stat(two, &st), 0);
	assert_int_equal(truncate(one, 50), 0);
	expect_orders(folder, orders, 2 * SEGMENT_ORDERS);
	/* A segment that lost its end is no torn tail, whatever a summary says. */
	assert_int_equal(stat(segment, &st), 0);
	assert_int_equal(truncate(segment, st.st_size - 1), 0);
	assert_int_equal(ledger_open(folder, 0, &ledger, &reason), ERR_MALFORMED);
	assert_non_null(strstr(reason.text, "00000001.log"));
	/* Nor is one that doesn't follow the one before. */
	assert_int_equal(truncate(segment, st.st_size), 0);
	path_in(folder, "00000002.log", cut);
	assert_int_equal(unlink(two), 0);
	change_byte(cut, 20);
	assert_int_equal(ledger_open(folder, 0, &ledger, &reason), ERR_MALFORMED);
	assert_int_equal(ledger_each(folder, NULL, NULL, &count, &reason), ERR_MALFORMED);
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
		T(test_torn_tail), T(test_broken_chain), T(test_summaries), T(test_write_failure) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca: ledger", tests, NULL, NULL);
}
