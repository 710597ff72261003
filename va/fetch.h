/* fetch.h: one HTTP GET to one address, without following anything, by libcurl's multi interface on the
 * loop. libcurl is given a connection that is there (connector.h): it resolves nothing and connects nowhere. */
#ifndef SIGNET_VA_FETCH_H
#define SIGNET_VA_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "lib/address.h"
#include "va/body.h"
#include "va/connector.h"
#include "va/url.h"

#define FETCH_HEADERS_MAX 32768	/* bytes; Apache sends at most 8 KiB a line, and nobody sends many */
#define FETCH_MAX 4000		/* connected at once: 60 MiB; the oldest makes room for one more, and has failed */

enum fetch_outcome {
	FETCH_ANSWERED = 1,	/* status and body are there */
	FETCH_UNREACHABLE,	/* no TCP connection; another address may do */
	FETCH_NO_WAY,		/* nobody was asked, for a reason on this side */
	FETCH_TLS_FAILED,	/* or its time ran out in the TLS handshake */
	FETCH_BROKEN		/* connected, and then no usable answer */
};

struct fetch_answer {
	enum fetch_outcome outcome;
	unsigned	   status;
	struct slice	   location;	/* of a redirect; empty when there was none or it was too long */
	struct slice	   body;	/* at most BODY_MAX */
	bool		   body_cut;	/* there was more */
	const char	  *why;		/* when not answered: a clause, "refused the connection" */
	const char	  *advice;	/* a clause: what to do */
};
typedef void fetch_done(void *arg, const struct fetch_answer *);	/* the answer lives for the call */

struct fetcher;
struct fetch;

/* Does libcurl's and OpenSSL's one-time work, which reads files: before the sandbox. False: out of memory. */
bool		 fetch_prepare(void);
/* NULL: out of memory. */
struct fetcher	*fetcher_new(uv_loop_t *, struct connector *, const char *user_agent);	/* borrowed, outlive it */
void		 fetcher_free(struct fetcher *);	/* every fetch must be over; NULL is fine */

/* done is called once, later, unless cancelled; the fetch is gone after it returns. NULL: out of memory. url
 * is borrowed until then. */
struct fetch	*fetch_start(struct fetcher *, const struct url *, const struct address *, fetch_done *,
    void *arg);
void		 fetch_cancel(struct fetch *);		/* NULL is fine; not from its own done */
/* What it is waiting for, a clause: "did not accept the connection". While it runs. */
const char	*fetch_waits(const struct fetch *);

#endif
