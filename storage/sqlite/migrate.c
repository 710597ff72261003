#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/log.h"
#include "storage/sqlite/sqlite.h"

static int
newest(void)
{
	int version = 0;

	for (const struct migration *m = sqlite_migrations; m->version != 0; m++)
		version = m->version;
	return version;
}

/* Whose file it is, and which schema it has; 0: empty. */
static enum err
schema_check(sqlite3 *db, const char *path, int *have, struct reason *reason)
{
	int	 application, tables;
	char	*error = NULL;

	if (sqlite3_exec(db, "SELECT 1 FROM sqlite_master LIMIT 1", NULL, NULL, &error) != SQLITE_OK) {
		reason_set(reason, "database %s can't be read: %s", path, error != NULL ? error : "no memory");
		sqlite3_free(error);
		return ERR_CONFIG;
	}
	if (sqlite_pragma(db, "PRAGMA application_id", &application) != ERR_OK ||
	    sqlite_pragma(db, "PRAGMA user_version", have) != ERR_OK ||
	    sqlite_pragma(db, "SELECT count(*) FROM sqlite_master", &tables) != ERR_OK)
		return ERR_IO;
	if (application == SQLITE_APPLICATION_ID || (application == 0 && tables == 0))
		return ERR_OK;
	reason_set(reason,
	    "%s is a database of another program (application id 0x%08x): name another file in \"storage\"", path,
	    (unsigned)application);
	return ERR_CONFIG;
}

static enum err
schema_newer(const char *path, int have, struct reason *reason)
{
	reason_set(reason,
	    "database %s was written by a newer signet (schema %d; this program knows up to %d): run that "
	    "version, or restore a backup",
	    path, have, newest());
	return ERR_CONFIG;
}

enum err
sqlite_version(const char *where, const char *dir, int *have, int *know, struct reason *reason)
{
	char		*path = file_join(dir, where);
	sqlite3		*db = NULL;
	struct stat	 st;
	enum err	 err = ERR_OK;

	*have = 0;
	*know = newest();
	if (path == NULL)
		return ERR_MEMORY;
	if (stat(path, &st) == 0) {
		if ((err = sqlite_open(path, SQLITE_OPEN_READONLY, &db, reason)) == ERR_OK)
			err = schema_check(db, path, have, reason);
		sqlite3_close(db);
	} else if (errno != ENOENT) {
		reason_set(reason, "database %s can't be looked at: %s", path, strerror(errno));
		err = ERR_CONFIG;
	}
	free(path);
	return err;
}

/* SQLite would create it with the umask's mode. */
static enum err
file_make(const char *path, struct reason *reason)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		reason_set(reason, "database %s can't be opened: %s", path, strerror(errno));
		return ERR_CONFIG;
	}
	close(fd);
	return ERR_OK;
}

static enum err
migration_apply(sqlite3 *db, const struct migration *migration, const char *path, struct reason *reason)
{
	char	*version, *error = NULL;
	int	 rc;

	version = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
	    SQLITE_APPLICATION_ID, migration->version);
	if (version == NULL)
		return ERR_MEMORY;
	rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, &error);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, migration->sql, NULL, NULL, &error);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, version, NULL, NULL, &error);
	if (rc != SQLITE_OK) {
		reason_set(reason, "database %s can't be brought to schema %d: %s", path, migration->version,
		    error != NULL ? error : sqlite3_errstr(rc));
		if (!sqlite3_get_autocommit(db))
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	} else
		log_event(LOG_INFO, "database schema updated", F_INT("schema", migration->version));
	sqlite3_free(error);
	sqlite3_free(version);
	return rc == SQLITE_OK ? ERR_OK : ERR_CONFIG;
}

enum err
sqlite_migrate(const char *where, const char *dir, struct reason *reason)
{
	char		*path = file_join(dir, where);
	sqlite3		*db = NULL;
	int		 have = 0;
	enum err	 err;

	if (path == NULL)
		return ERR_MEMORY;
	if ((err = file_make(path, reason)) == ERR_OK &&
	    (err = sqlite_open(path, SQLITE_OPEN_READWRITE, &db, reason)) == ERR_OK &&
	    (err = schema_check(db, path, &have, reason)) == ERR_OK && have > newest())
		err = schema_newer(path, have, reason);
	if (err == ERR_OK && sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK) {
		reason_set(reason, "database %s can't keep a write-ahead log: %s", path, sqlite3_errmsg(db));
		err = ERR_CONFIG;
	}
	for (const struct migration *m = sqlite_migrations; m->version != 0 && err == ERR_OK; m++)
		if (m->version > have)
			err = migration_apply(db, m, path, reason);
	sqlite3_close(db);
	free(path);
	return err;
}
