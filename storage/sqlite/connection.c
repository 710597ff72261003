#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/log.h"
#include "storage/sqlite/sqlite.h"

/* WAL frames of 4 KiB. Above the first number the writer copies them into the database when nobody waits;
 * above the second in any case. The index of a WAL has one part per 4096 frames, which every read searches. */
#define WAL_FRAMES_IDLE 2048
#define WAL_FRAMES_MOST 4096

/* A write lock is only ever held by this program's writer, or by an administrator's tool. */
#define BUSY_TIMEOUT_MS 5000

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

static void
sqlite_configure(void)
{
	/* Each connection is used by one thread at a time, and nobody asks for the statistics. Fails when the
	 * library is in use already, which costs speed only. */
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_initialize();
}

enum err
sqlite_failed(sqlite3 *db, const char *statement)
{
	if (sqlite3_errcode(db) == SQLITE_NOMEM)
		return ERR_MEMORY;
	log_event(LOG_ERROR, "database failed", F_STR("statement", statement),
	    F_STR("error", sqlite3_errmsg(db)), F_INT("code", sqlite3_extended_errcode(db)),
	    F_INT("errno", sqlite3_system_errno(db)));
	return ERR_IO;
}

enum err
sqlite_open(const char *path, int flags, sqlite3 **out, struct reason *reason)
{
	static pthread_once_t	 once = PTHREAD_ONCE_INIT;
	sqlite3			*db = NULL;
	int			 persist = 1;

	pthread_once(&once, sqlite_configure);
	*out = NULL;
	if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) !=
	    SQLITE_OK) {
		reason_set(reason, "database %s can't be opened: %s", path,
		    db != NULL ? sqlite3_errmsg(db) : "no memory");
		sqlite3_close(db);
		return ERR_CONFIG;
	}
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	/* The last one to close would copy the WAL and delete it, by a path that may be gone by then. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* Plans are made once, whatever values are bound: else partial indexes have statements prepared anew. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
	sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
	*out = db;
	return ERR_OK;
}

enum err
sqlite_pragma(sqlite3 *db, const char *sql, int *out)
{
	sqlite3_stmt	*stmt = NULL;
	enum err	 err = ERR_OK;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		*out = sqlite3_column_int(stmt, 0);
	else
		err = sqlite_failed(db, sql);
	sqlite3_finalize(stmt);
	return err;
}

static int
wal_hook(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct connection *connection = arg;

	(void)db;
	(void)name;
	connection->wal_frames = frames;
	return SQLITE_OK;
}

/* Everything that SQLite opens by path, or reads from /dev/urandom, it does here: both the database and its
 * WAL are touched, and the writer syncs (the first sync of a WAL opens the folder). */
static enum err
connection_setup(struct connection *connection, bool writer)
{
	static const char	 for_all[] = "PRAGMA temp_store = MEMORY;"
					     "PRAGMA synchronous = FULL;"
					     "PRAGMA foreign_keys = OFF;"
					     "PRAGMA mmap_size = 0;";
	char			 byte;

	sqlite3_randomness(sizeof(byte), &byte);
	sqlite3_wal_hook(connection->db, wal_hook, connection);
	if (sqlite3_exec(connection->db, for_all, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(connection->db,
		writer ? "PRAGMA cache_size = -2048" : "PRAGMA cache_size = -512; PRAGMA query_only = ON",
		NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(connection->db, "SELECT count(*) FROM issuers", NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_failed(connection->db, "connect");
	/* The number is there already: SQLite writes the header's page all the same. */
	if (writer &&
	    (sqlite3_exec(connection->db, "PRAGMA application_id = " TEXT(SQLITE_APPLICATION_ID), NULL, NULL,
		 NULL) != SQLITE_OK ||
		sqlite3_wal_checkpoint_v2(connection->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) !=
		    SQLITE_OK))
		return sqlite_failed(connection->db, "connect");
	return ERR_OK;
}

static void
connection_free(struct connection *connection)
{
	if (connection == NULL)
		return;
	for (int i = 0; i < CONTROL_COUNT; i++)
		sqlite3_finalize(connection->control[i]);
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(connection->statements[i]);
	if (connection->db != NULL && sqlite3_close(connection->db) != SQLITE_OK)
		abort();	/* a cursor was never ended */
	free(connection);
}

static enum err
connection_new(const char *where, const char *dir, bool writer, struct connection **out,
    struct reason *reason)
{
	struct connection	*connection = calloc(1, sizeof(*connection));
	char			*path = file_join(dir, where);
	enum err		 err = ERR_MEMORY;

	*out = NULL;
	if (connection != NULL && path != NULL &&
	    (err = sqlite_open(path, SQLITE_OPEN_READWRITE, &connection->db, reason)) == ERR_OK &&
	    (err = connection_setup(connection, writer)) != ERR_OK)
		reason_set(reason, "database %s can't be prepared: %s", path,
		    sqlite3_errmsg(connection->db));
	free(path);
	if (err == ERR_OK)
		*out = connection;
	else
		connection_free(connection);
	return err;
}

/* Readers may keep the WAL from starting anew; what was copied then is not counted again. */
static void
connection_tidy(struct connection *connection, bool pressed)
{
	if (connection->wal_frames < connection->wal_copied)
		connection->wal_copied = 0;	/* it started anew */
	if (connection->wal_frames - connection->wal_copied < (pressed ? WAL_FRAMES_MOST : WAL_FRAMES_IDLE))
		return;
	if (sqlite3_wal_checkpoint_v2(connection->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) !=
	    SQLITE_OK)
		sqlite_failed(connection->db, "checkpoint");
	connection->wal_copied = connection->wal_frames;
}

static enum err
connection_control(struct connection *connection, enum control control)
{
	static const struct statement_text texts[CONTROL_COUNT] = {
		[CONTROL_BEGIN_READ] = { "BEGIN_READ", "BEGIN DEFERRED" },
		[CONTROL_BEGIN_WRITE] = { "BEGIN_WRITE", "BEGIN IMMEDIATE" },
		[CONTROL_COMMIT] = { "COMMIT", "COMMIT" },
		[CONTROL_ROLLBACK] = { "ROLLBACK", "ROLLBACK" },
		[CONTROL_SAVEPOINT] = { "SAVEPOINT", "SAVEPOINT job" },
		[CONTROL_RELEASE] = { "RELEASE", "RELEASE job" },
		[CONTROL_ROLLBACK_TO] = { "ROLLBACK_TO", "ROLLBACK TO job" },
	};
	sqlite3_stmt **stmt = &connection->control[control];

	if (*stmt == NULL &&
	    sqlite3_prepare_v3(connection->db, texts[control].sql, -1, SQLITE_PREPARE_PERSISTENT, stmt,
		NULL) != SQLITE_OK)
		return sqlite_failed(connection->db, texts[control].name);
	if (sqlite3_step(*stmt) != SQLITE_DONE) {
		enum err err = sqlite_failed(connection->db, texts[control].name);

		sqlite3_reset(*stmt);
		return err;
	}
	sqlite3_reset(*stmt);
	return control == CONTROL_ROLLBACK_TO ? connection_control(connection, CONTROL_RELEASE) : ERR_OK;
}

static bool
connection_in_transaction(struct connection *connection)
{
	return !sqlite3_get_autocommit(connection->db);
}

/* Finds or prepares a statement. */
static sqlite3_stmt *
statement_get(struct connection *connection, enum statement statement)
{
	sqlite3_stmt	**stmt = &connection->statements[statement];
	char		  name[8];

	if (*stmt != NULL)
		return *stmt;
	if (sqlite3_prepare_v3(connection->db, statements[statement].sql, -1, SQLITE_PREPARE_PERSISTENT, stmt,
		NULL) != SQLITE_OK)
		return NULL;
	for (int i = 1; i <= sqlite3_bind_parameter_count(*stmt); i++) {
		sqlite3_snprintf(sizeof(name), name, "$%d", i);
		if (strcmp(name, sqlite3_bind_parameter_name(*stmt, i)) != 0)
			abort();	/* statements.h: in their order */
	}
	return *stmt;
}

static int
value_bind(sqlite3_stmt *stmt, int index, const struct value *value)
{
	const void *data = value->bytes.data != NULL ? (const void *)value->bytes.data : "";

	switch (value->kind) {
	case VALUE_INTEGER:
		return sqlite3_bind_int64(stmt, index, value->integer);
	case VALUE_TEXT:
		return sqlite3_bind_text64(stmt, index, data, value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_BYTES:
		return sqlite3_bind_blob64(stmt, index, data, value->bytes.len, SQLITE_STATIC);
	case VALUE_NULL:
		return sqlite3_bind_null(stmt, index);
	}
	abort();
}

/* A cursor is the statement itself. */
static sqlite3_stmt *
cursor_stmt(struct cursor *cursor)
{
	return (sqlite3_stmt *)cursor;
}

static void
cursor_end(struct cursor *cursor)
{
	sqlite3_reset(cursor_stmt(cursor));
	sqlite3_clear_bindings(cursor_stmt(cursor));
}

static enum err
cursor_start(struct connection *connection, enum statement statement, const struct value *values,
    size_t count, struct cursor **out)
{
	sqlite3_stmt *stmt = statement_get(connection, statement);

	*out = NULL;
	if (stmt == NULL)
		return sqlite_failed(connection->db, statements[statement].name);
	if (sqlite3_stmt_busy(stmt) || (size_t)sqlite3_bind_parameter_count(stmt) != count)
		abort();
	for (size_t i = 0; i < count; i++)
		if (value_bind(stmt, (int)i + 1, &values[i]) != SQLITE_OK) {
			enum err err = sqlite_failed(connection->db, statements[statement].name);

			cursor_end((struct cursor *)stmt);
			return err;
		}
	*out = (struct cursor *)stmt;
	return ERR_OK;
}

static enum err
cursor_next(struct connection *connection, struct cursor *cursor, enum statement statement)
{
	switch (sqlite3_step(cursor_stmt(cursor))) {
	case SQLITE_ROW:
		return ERR_OK;
	case SQLITE_DONE:
		return ERR_NOT_FOUND;
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
		return ERR_EXISTS;
	default:
		return sqlite_failed(connection->db, statements[statement].name);
	}
}

static bool
cursor_is_null(struct cursor *cursor, int column)
{
	return sqlite3_column_type(cursor_stmt(cursor), column) == SQLITE_NULL;
}

static int64_t
cursor_integer(struct cursor *cursor, int column)
{
	return sqlite3_column_int64(cursor_stmt(cursor), column);
}

static struct slice
cursor_bytes(struct cursor *cursor, int column)
{
	const void *data = sqlite3_column_blob(cursor_stmt(cursor), column);

	return (struct slice){ data, (size_t)sqlite3_column_bytes(cursor_stmt(cursor), column) };
}

static unsigned
connection_changed(struct connection *connection)
{
	return (unsigned)sqlite3_changes(connection->db);
}

const struct driver sqlite_driver = {
	.scheme = "sqlite",
	.version = sqlite_version,
	.migrate = sqlite_migrate,
	.connect = connection_new,
	.disconnect = connection_free,
	.control = connection_control,
	.in_transaction = connection_in_transaction,
	.tidy = connection_tidy,
	.start = cursor_start,
	.next = cursor_next,
	.is_null = cursor_is_null,
	.integer = cursor_integer,
	.bytes = cursor_bytes,
	.end = cursor_end,
	.changed = connection_changed,
};
