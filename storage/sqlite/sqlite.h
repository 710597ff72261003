/* sqlite.h: shared by the files of the SQLite driver. */
#ifndef SIGNET_STORAGE_SQLITE_SQLITE_H
#define SIGNET_STORAGE_SQLITE_SQLITE_H

#include <sqlite3.h>

#include "storage/driver.h"

/* In the file's header: "Sgnt". */
#define SQLITE_APPLICATION_ID 0x53676e74

struct connection {
	sqlite3		*db;
	sqlite3_stmt	*control[CONTROL_COUNT];
	sqlite3_stmt	*statements[STATEMENT_COUNT];	/* prepared when first used */
	int		 wal_frames;			/* in the WAL, when we committed last */
	int		 wal_copied;			/* of these, copied into the database */
};

struct migration {
	int		 version;
	const char	*sql;
};

/* Generated from migrations/sqlite/NNNN_NAME.sql, in order; the last has version 0. */
extern const struct migration sqlite_migrations[];

/* Opens path in the mode that all of signet uses. ERR_CONFIG with the reason, ERR_MEMORY. */
enum err sqlite_open(const char *path, int flags, sqlite3 **, struct reason *);
enum err sqlite_pragma(sqlite3 *, const char *name, int *out);
/* Logs what the connection failed with; ERR_IO, or ERR_MEMORY. */
enum err sqlite_failed(sqlite3 *, const char *statement);

enum err sqlite_version(const char *where, const char *dir, int *have, int *know, struct reason *);
enum err sqlite_migrate(const char *where, const char *dir, struct reason *);

#endif
