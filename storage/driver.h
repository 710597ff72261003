/* driver.h: what a kind of database offers to the rest of storage/. Everything above is written once. */
#ifndef SIGNET_STORAGE_DRIVER_H
#define SIGNET_STORAGE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/id.h"
#include "lib/reason.h"
#include "storage/statements.h"

/* One session with the database; used by one thread at a time. */
struct connection;
/* A statement under way on a connection. */
struct cursor;

enum value_kind { VALUE_NULL, VALUE_INTEGER, VALUE_TEXT, VALUE_BYTES };

/* A parameter; the bytes are borrowed until the cursor ends. */
struct value {
	enum value_kind	 kind;
	int64_t		 integer;
	struct slice	 bytes;
};

/* Steps of a transaction. A write transaction is a batch of jobs. When one of them fails, the batch is run again
 * with each between SAVEPOINT and RELEASE, and the one that fails is undone by ROLLBACK_TO. */
enum control {
	CONTROL_BEGIN_READ,
	CONTROL_BEGIN_WRITE,
	CONTROL_COMMIT,
	CONTROL_ROLLBACK,
	CONTROL_SAVEPOINT,
	CONTROL_RELEASE,
	CONTROL_ROLLBACK_TO,	/* and release */
	CONTROL_COUNT
};

/* ERR_IO is logged, with the statement's name, where it arises. */
struct driver {
	const char	*scheme;	/* what stands before the colon in the URL */

	/* where: what stands behind it; dir: what a relative path starts from. */
	enum err	(*version)(const char *where, const char *dir, int *have, int *know, struct reason *);
	/* Creates the database when there is none, and brings its schema up to date. */
	enum err	(*migrate)(const char *where, const char *dir, struct reason *);
	/* After this the connection needs no path any more: the process may change its root. */
	enum err	(*connect)(const char *where, const char *dir, bool writer, struct connection **,
			    struct reason *);
	void		(*disconnect)(struct connection *);	/* NULL is fine */

	enum err	(*control)(struct connection *, enum control);
	bool		(*in_transaction)(struct connection *);	/* some failures end it */
	/* Between transactions of the writer; pressed: more jobs wait already. */
	void		(*tidy)(struct connection *, bool pressed);

	/* ERR_IO, ERR_MEMORY. A statement runs once at a time on a connection. */
	enum err	(*start)(struct connection *, enum statement, const struct value *, size_t count,
			    struct cursor **);
	/* ERR_NOT_FOUND: no more rows. ERR_EXISTS: a unique key is there already. */
	enum err	(*next)(struct connection *, struct cursor *, enum statement);
	bool		(*is_null)(struct cursor *, int column);
	int64_t		(*integer)(struct cursor *, int column);
	struct slice	(*bytes)(struct cursor *, int column);	/* borrowed until next or end */
	void		(*end)(struct cursor *);
	unsigned	(*changed)(struct connection *);	/* rows, by the statement that ran last */
};

extern const struct driver sqlite_driver;

#endif
