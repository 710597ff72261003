/* test_migrations.c: what an older signet stored is there when a newer one has opened the database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/sqlite.h"
#include "storage/storage.h"

static char dir[] = "/tmp/test_migrations.XXXXXX";

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static void
run(sqlite3 *db, const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
}

/* A database as it was at that version. */
static sqlite3 *
database_of(const char *name, int version)
{
	char	 path[64], mark[96];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (const struct migration *m = sqlite_migrations; m->version != 0 && m->version <= version; m++)
		run(db, m->sql);
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d", SQLITE_APPLICATION_ID, version);
	run(db, mark);
	return db;
}


/* 0012: out of the tree of ids; serials and times in another order than ids. */
static void
certificates_move(void **state)
{
	static const char fill[] =
	    "WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 1000) "
	    "INSERT INTO certificates SELECT zeroblob(12) || CAST(printf('%04d', n) AS BLOB), zeroblob(16), zeroblob(16), "
	    "zeroblob(32), CAST(printf('serial-%04d', 1001 - n) AS BLOB), n, 2000 - n, CAST(printf('der of %d', n) AS BLOB) "
	    "FROM count";
	struct reason	   reason = { "" };
	struct storage	  *storage;
	struct storage_tx *tx;
	struct certificate found;
	sqlite3		  *db = database_of("eleven.db", 11);

	(void)state;
	run(db, fill);
	sqlite3_close(db);
	assert_int_equal(storage_open("sqlite:eleven.db", dir, 1, &storage, &reason), ERR_OK);
	assert_int_equal(storage_start(storage), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	for (int n = 1; n <= 1000; n++) {
		char serial[16], der[16];

		snprintf(serial, sizeof(serial), "serial-%04d", 1001 - n);
		snprintf(der, sizeof(der), "der of %d", n);
		assert_int_equal(certificate_by_serial(tx, slice_str(serial), &found), ERR_OK);
		assert_int_equal(found.not_before, n);
		assert_int_equal(found.not_after, 2000 - n);
		assert_true(slice_eq(buf_slice(&found.der), slice_str(der)));
		certificate_free(&found);
	}
	storage_read_end(tx);
	storage_close(storage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_move),
	};

	return cmocka_run_group_tests(tests, make_dir, NULL);
}
