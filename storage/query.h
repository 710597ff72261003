/* query.h: running named statements and reading their rows, for the files of the verbs. */
#ifndef SIGNET_STORAGE_QUERY_H
#define SIGNET_STORAGE_QUERY_H

#include "acme/identifier.h"
#include "storage/driver.h"

struct storage;

struct storage_tx {
	struct storage		*storage;
	const struct driver	*driver;
	struct connection	*connection;
};

struct value value_integer(int64_t);
struct value value_text(const char *);		/* NULL: null */
struct value value_bytes(struct slice);		/* empty: null */
struct value value_id(const struct id *);	/* zero: null */

/* Parameters of a statement, as two arguments. */
#define VALUES(...)								\
	(const struct value[]){ __VA_ARGS__ }, sizeof((const struct value[]){ __VA_ARGS__ }) / \
	    sizeof(struct value)

/* Runs a statement that gives no rows. changed may be NULL. */
enum err query_run(struct storage_tx *, enum statement, const struct value *, size_t, unsigned *changed);
/* The same for a compare-and-set: none, when no row changed. */
enum err query_set(struct storage_tx *, enum statement, const struct value *, size_t, enum err none);

/* A statement with rows. The columns are taken in their order. What fails while a row is read is kept in err. */
struct query {
	struct storage_tx	*tx;
	enum statement		 statement;
	struct cursor		*cursor;
	int			 column;	/* the next one */
	enum err		 err;
};

/* Always followed by query_end(), until when it borrows what the values point to. */
enum err query_start(struct query *, struct storage_tx *, enum statement, const struct value *, size_t);
enum err query_next(struct query *);		/* ERR_NOT_FOUND: no more rows; what failed before */
/* What failed, or ERR_OK. */
enum err query_end(struct query *);

int64_t	 query_integer(struct query *);
struct id query_id(struct query *);			/* null: zero */
void	 query_fixed(struct query *, void *, size_t);	/* exactly that many bytes */
void	 query_chars(struct query *, char *, size_t);	/* text that fits, with its NUL */
char	*query_text(struct query *);			/* on the heap; NULL when null */
/* Ids stored one behind the other in one column, at most max. */
void	 query_packed(struct query *, struct id *ids, size_t max, size_t *count);
void	 query_buf(struct query *, struct buf *);	/* appended to */
/* Ids, the only column, into an array of max. */
enum err query_ids(struct storage_tx *, enum statement, const struct value *, size_t, struct id *ids, size_t max,
    size_t *count);

/* Identifiers as a text column: "dns:example.org", one a line. */
void	 identifiers_put(struct buf *, const struct identifier *, size_t count);
/* *out is the caller's to free. ERR_MALFORMED, ERR_MEMORY. */
enum err identifiers_get(struct slice, struct identifier **out, size_t *count);
void	 query_identifiers(struct query *, struct identifier **out, size_t *count);

#endif
