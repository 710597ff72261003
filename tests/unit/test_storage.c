/* The database as a whole: what expires, what a reader sees, what is refused at open, how statements look rows up. */
#include "tests/unit/storage_world.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "storage/query.h"

static bool
is_there(struct id order, struct id authorization)
{
	struct storage_tx	*tx;
	struct order		 o;
	struct authorization	 a;
	enum err		 err;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	if ((err = order_get(tx, order, &o)) == ERR_OK)
		order_free(&o);
	assert_int_equal(authorization_get(tx, authorization, &a), err);
	authorization_free(&a);
	storage_read_end(tx);
	return err == ERR_OK;
}

static void
expiry(void **state)
{
	struct authorization	first, second;
	struct identifier	names[2];
	struct order		live = make_order(&first, &second, names), dead;
	struct id		kept = first.id;
	struct certificate	c = { .id = id_new(), .order = live.id, .not_after = 5000 };
	struct call		e = { .verb = expire, .number = 1001, .count = 10 };

	(void)state;
	buf_put_str(&c.serial, "s");
	buf_put_str(&c.der, "der");
	assert_int_equal(CALL(begin_finalize, live.id, .text = "jws"), ERR_OK);
	assert_int_equal(CALL(put_certificate, .row = &c), ERR_OK);
	assert_int_equal(CALL(finish_order, live.id, .ids = &c.id), ERR_OK);
	dead = make_order(&first, &second, names);
	e.number = 1000;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 0);
	e.number = 1001;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 3);		/* an order and its two authorizations */
	assert_false(is_there(dead.id, first.id));
	assert_true(is_there(live.id, kept));
	e.number = 5001;
	e.count = 1;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 3);		/* an order, one authorization, a certificate */
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 1);
	assert_false(is_there(live.id, kept));
	/* An authorization outlives its order as long as it is good. */
	dead = make_order(&first, &second, names);
	assert_int_equal(CALL(begin_authorization, first.id), ERR_OK);
	assert_int_equal(CALL(validate, first.id, .number = 9000), ERR_OK);
	e.count = 10;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 2);
	e.number = 9001;
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 1);
	certificate_free(&c);
}

/* What is in processing is driven to its end, however late: ca may have signed for it already. */
static void
expiry_spares_processing(void **state)
{
	struct authorization	first, second;
	struct identifier	names[2];
	struct order		order = make_order(&first, &second, names);
	struct call		e = { .verb = expire, .number = 1001, .count = 10 };

	(void)state;
	assert_int_equal(CALL(begin_finalize, order.id, .text = "jws"), ERR_OK);
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 0);
	assert_int_equal(CALL(fail_order, order.id, .text = "{}"), ERR_OK);
	assert_int_equal(call(&e), ERR_OK);
	assert_int_equal(e.deleted, 3);
}

static void
snapshot(void **state)
{
	struct account		 a = sample_account('c'), b = sample_account('d'), got;
	struct storage_tx	*old, *new;

	(void)state;
	assert_int_equal(CALL(put_account, .row = &a), ERR_OK);
	assert_int_equal(storage_read(storage, &old), ERR_OK);
	assert_int_equal(account_get(old, a.id, &got), ERR_OK);
	account_free(&got);
	assert_int_equal(CALL(put_account, .row = &b), ERR_OK);
	assert_int_equal(CALL(put_contact, a.id, .text = "[1]"), ERR_OK);
	assert_int_equal(account_get(old, b.id, &got), ERR_NOT_FOUND);
	assert_int_equal(account_get(old, a.id, &got), ERR_OK);
	assert_string_equal(got.contact, "[]");
	account_free(&got);
	assert_int_equal(storage_read(storage, &new), ERR_OK);
	assert_int_equal(account_get(new, b.id, &got), ERR_OK);
	account_free(&got);
	storage_read_end(new);
	storage_read_end(old);
}

/* Runs SQL in a database of dir, made when missing. */
static void
sql(const char *name, const char *text)
{
	char	 path[64];
	sqlite3	*db;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
refusals(void **state)
{
	struct reason	reason = { "" };
	struct storage	*s;
	struct stat	st;
	char		path[64];
	int		have, know;

	(void)state;
	assert_int_equal(storage_version("sqlite:none.db", dir, &have, &know, &reason), ERR_OK);
	assert_true(have == 0 && know >= 1);
	assert_int_equal(storage_open("sqlite:a.db", dir, 1, &s, &reason), ERR_OK);
	assert_int_equal(storage_version("sqlite:a.db", dir, &have, &know, &reason), ERR_OK);
	assert_int_equal(have, know);
	storage_close(s);
	snprintf(path, sizeof(path), "%s/a.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	sql("a.db", "PRAGMA user_version = 99");
	assert_int_equal(storage_open("sqlite:a.db", dir, 1, &s, &reason), ERR_CONFIG);
	assert_non_null(strstr(reason.text, "was written by a newer signet (schema 99; "));
	sql("foreign.db", "PRAGMA application_id = 77; CREATE TABLE t (a)");
	assert_int_equal(storage_open("sqlite:foreign.db", dir, 1, &s, &reason), ERR_CONFIG);
	assert_non_null(strstr(reason.text, "another program"));
	sql("unmarked.db", "CREATE TABLE t (a)");
	assert_int_equal(storage_open("sqlite:unmarked.db", dir, 1, &s, &reason), ERR_CONFIG);
	assert_int_equal(storage_open("sqlite:no/such.db", dir, 1, &s, &reason), ERR_CONFIG);
	assert_int_equal(storage_open("mysql:x", dir, 1, &s, &reason), ERR_CONFIG);
	assert_int_equal(storage_open("sqlite:", dir, 1, &s, &reason), ERR_CONFIG);
	storage_close(NULL);
}

/* No statement may read a whole table. */
static void
statements_use_indexes(void **state)
{
	sqlite3		*db;
	sqlite3_stmt	*plan;
	char		 path[64], text[2048];

	(void)state;
	snprintf(path, sizeof(path), "%s/%u.db", dir, made);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (int i = 0; i < STATEMENT_WHOLE_TABLES; i++) {
		snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", statements[i].sql);
		assert_int_equal(sqlite3_prepare_v2(db, text, -1, &plan, NULL), SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *line = (const char *)sqlite3_column_text(plan, 3);

			if ((strncmp(line, "SCAN", 4) == 0 && strstr(line, "USING") == NULL) ||
			    strstr(line, "TEMP B-TREE") != NULL)
				fail_msg("%s: %s", statements[i].name, line);
		}
		sqlite3_finalize(plan);
	}
	sqlite3_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(expiry),
		T(expiry_spares_processing),
		T(snapshot),
		cmocka_unit_test(refusals),
		T(statements_use_indexes),
	};

	return cmocka_run_group_tests_name("storage", tests, dir_make, dir_remove);
}
