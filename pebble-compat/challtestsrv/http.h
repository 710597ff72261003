/* http.h: small HTTP servers: a whole request in, a whole answer out. */
#ifndef SIGNET_CHALLTESTSRV_HTTP_H
#define SIGNET_CHALLTESTSRV_HTTP_H

#include <stdbool.h>

#include "lib/buf.h"
#include "pebble-compat/challtestsrv/store.h"

#define HTTP_BODY_MAX 1048576	/* an order's worth of TXT records is some KiB */

struct http_request {
	const char	*method;
	const char	*path;		/* its escapes read */
	const char	*target;	/* as it was sent */
	const char	*host, *user_agent;	/* "" when there is none */
	bool		 tls;
	char		*server_name;	/* SNI; "" when there is none */
	struct slice	 body;
};

struct http_answer {
	unsigned	 status;	/* 200 at the start */
	const char	*type;		/* a literal; NULL: the body is empty */
	char		*location;	/* owned; NULL: none */
	struct buf	 body;
};

/* Called on a thread of the server's own. */
typedef void http_serve(struct store *, const struct http_request *, struct http_answer *);

struct http_service {
	http_serve	*serve;
	bool		 close;		/* after each answer */
	bool		 may_wait;	/* serve() may: each connection gets a thread */
	unsigned	 idle;		/* s */
	const char	*certificate, *key;	/* PEM, borrowed while it runs; NULL: plain HTTP */
};

struct http;

/* Serves a listening socket, which is its own now, also on failure. store and service are borrowed until
 * http_stop(). NULL: it can't be started; the certificate and key are no good, or memory is out. */
struct http	*http_start(int fd, const struct http_service *, struct store *);
void		 http_stop(struct http *);	/* NULL is fine */

#endif
