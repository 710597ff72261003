/* session.h: signed requests of one client over one kept connection (RFC 8555, 6). Not thread-safe. */
#ifndef SIGNET_BENCH_SESSION_H
#define SIGNET_BENCH_SESSION_H

#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>

#include "tests/bench/keys.h"
#include "tests/bench/options.h"
#include "tests/bench/stats.h"

#define URL_MAX 512

struct directory {
	char new_nonce[URL_MAX], new_account[URL_MAX], new_order[URL_MAX];
};

struct account {
	struct account_key key;
	char		   url[URL_MAX];	/* "" until it is made: then the key itself is sent */
};

struct session {
	const struct options   *options;
	const struct directory *directory;
	struct stats	       *stats;
	CURL		       *curl;
	struct curl_slist      *headers;
	int64_t			deadline;	/* of the issuance under way, by stats_clock_us() */
	char			nonce[256];	/* the last reply's, unused; or "" */
	/* The last reply. */
	struct buf		body;
	long			status;		/* 0: there was none */
	double			retry_after;	/* s; 0: not said */
	char			location[URL_MAX];
	/* Why the last call returned false: a short kind that repeats, and the particulars. */
	char			kind[128], detail[512];
};

/* False when memory is out. */
bool session_open(struct session *, const struct options *, const struct directory *, struct stats *);
void session_close(struct session *);

/* Fetches the directory. */
bool session_directory(struct session *, struct directory *out);

/* Signs payload ("" for POST-as-GET) and posts it, again after badNonce and, with --retry, after anything that
 * a killed process causes. False: the reply is an error or there was none; kind and detail say which.
 * what names the step in them. out: the reply's object (the caller's to free), or NULL for any body. */
bool session_post(struct session *, const char *what, const struct account *, const char *url,
    const char *payload, json_t **out);

/* Sets kind and detail; returns false. */
bool session_fail(struct session *, const char *kind, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));

bool session_late(const struct session *);	/* past the deadline */
void session_sleep(unsigned ms);

#endif
