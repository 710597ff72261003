/* proxy_talk.h: what is said to a proxy before it passes bytes on: SOCKS5 (RFC 1928), with a name and a password (RFC 1929)
 * when it has them, or HTTP's CONNECT (RFC 9110, 9.3.6). The target is always given as an address. Pure.
 *
 *   SOCKS5:  METHOD --(AUTHENTICATION)--> REQUEST --> done
 *   HTTP:    STATUS --1xx--> STATUS --2xx--> done
 */
#ifndef SIGNET_VA_PROXY_TALK_H
#define SIGNET_VA_PROXY_TALK_H

#include "config/network.h"
#include "lib/buf.h"

#define PROXY_ANSWER_MAX 8192	/* of HTTP: as much as Apache sends in one line of it */

enum talk_state { TALK_METHOD = 1, TALK_AUTHENTICATION, TALK_REQUEST, TALK_STATUS };

struct proxy_talk {
	const struct proxy	*proxy;
	struct address		 target;
	uint16_t		 port;
	enum talk_state		 state;
	struct buf		 heard;		/* the beginning of an answer */
	char			 why[64];	/* for answers that say a number */
};

enum talk_outcome {
	TALK_ON,		/* more is to come */
	TALK_THROUGH,		/* what follows is the target's */
	TALK_TARGET,		/* it could not get there; another address may do */
	TALK_PROXY		/* it is no use */
};

struct talk_result {
	enum talk_outcome	 outcome;
	int			 error;		/* TALK_TARGET: what connect() would have said, or 0 */
	const char		*why;		/* a clause about the proxy; lives as long as the talk */
};

/* Begins: proxy is borrowed. What has to be sent is appended to out. */
void	proxy_talk_begin(struct proxy_talk *, const struct proxy *, const struct address *target, uint16_t port,
    struct buf *out);
/* What came from it. Every byte is taken; one that comes after the answer is a mistake, since neither HTTP's nor TLS's
 * servers speak first. What has to be sent is appended to out. */
struct talk_result proxy_talk_hear(struct proxy_talk *, struct slice, struct buf *out);
/* Whether it was asked to connect, so that it waits for the target. */
bool	proxy_talk_asked(const struct proxy_talk *);
void	proxy_talk_end(struct proxy_talk *);	/* frees what it holds; zeros are fine */

#endif
