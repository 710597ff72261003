/* store.h: what the challenge server was told to answer, and what it was asked. Safe from any thread. */
#ifndef SIGNET_CHALLTESTSRV_STORE_H
#define SIGNET_CHALLTESTSRV_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct store;

/* Keys of the first two are compared as they are; the others are names: without regard to case, and to a dot at
 * the end. */
enum table {
	TABLE_HTTP01,		/* token: [content] */
	TABLE_REDIRECT,		/* path: [URL] */
	TABLE_TLSALPN01,	/* server name: [key authorization] */
	TABLE_TXT,		/* name: [text, ...] */
	TABLE_A,		/* name: [address or host name, ...] */
	TABLE_AAAA,
	TABLE_CAA,		/* name: [{"tag":, "value":}, ...] */
	TABLE_CNAME,		/* name: [target] */
	TABLE_SERVFAIL,		/* name: [true] */
	TABLE_DEFAULT,		/* "ipv4" and "ipv6": [address or host name] */
	TABLE_COUNT
};

enum history { HISTORY_HTTP, HISTORY_DNS, HISTORY_TLSALPN, HISTORY_COUNT };
#define HISTORY_EVENTS_MAX 200000	/* some 100 MB; what comes after that is not kept until something is cleared */

struct store	*store_new(void);		/* NULL: out of memory */
void	 store_free(struct store *);		/* NULL is fine */

/* values is an array of the form that the table has, and becomes the store's, also on failure. store_set() replaces,
 * store_append() adds to what is there. False: out of memory. */
bool	 store_set(struct store *, enum table, const char *key, json_t *values);
bool	 store_append(struct store *, enum table, const char *key, json_t *values);
bool	 store_remove(struct store *, enum table, const char *key);	/* also when there is nothing */
/* The array, the caller's own; NULL when there is none. */
json_t	*store_get(struct store *, enum table, const char *key);
/* The first text of it, on the heap; NULL when there is none. */
char	*store_text(struct store *, enum table, const char *key);

/* event becomes the store's. */
void	 store_event(struct store *, enum history, const char *host, json_t *event);
/* The caller's own array, empty when there are none; NULL: out of memory. */
json_t	*store_events(struct store *, enum history, const char *host);
bool	 store_forget(struct store *, enum history, const char *host);

/* A JSON string of any bytes: what is no UTF-8, and NUL, becomes U+FFFD. NULL: out of memory. */
json_t	*store_string(const void *bytes, size_t len);

#endif
