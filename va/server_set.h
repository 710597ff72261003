/* server_set.h: one set of DNS servers, asked on the loop: a question goes out, its bytes come back.
 *
 * What makes an answer hard to forge from afar: each question has a random id, random letter case and a socket that few
 * others use before it is closed, whose port the kernel draws (RFC 5452, 9). An answer in other letters, a truncated
 * one, and a socket where somebody is guessing go on by TCP. */
#ifndef SIGNET_VA_SERVER_SET_H
#define SIGNET_VA_SERVER_SET_H

#include <stdint.h>
#include <uv.h>

#include "config/config.h"
#include "lib/address.h"
#include "lib/buf.h"
#include "va/egress.h"

enum dns_status {
	DNS_ANSWERED = 1,	/* reply holds an answer section: dns_answer.h reads it */
	DNS_NO_DATA,		/* the name exists without such records */
	DNS_NO_NAME,		/* NXDOMAIN */
	/* From here on a failure; the first says most. */
	DNS_BOGUS,		/* DNSSEC validation failed at the resolver */
	DNS_UNSIGNED,		/* not validated, and it must be */
	DNS_REFUSED, DNS_SERVFAIL, DNS_NOTIMP, DNS_FORMERR, DNS_OTHER_RCODE,
	DNS_MALFORMED,		/* no DNS answer */
	DNS_REFERRED,		/* asked directly, it is not the one that knows */
	DNS_NO_TCP,		/* by UDP it was not to be believed, or cut off, and by TCP it isn't there */
	DNS_UNREACHABLE,	/* the host said that nobody is there, or there is no way */
	DNS_TIMEOUT,
	DNS_BAD_NAME,
	DNS_NO_MEMORY
};

struct server_answer {
	enum dns_status	 status;
	struct slice	 reply;		/* when there is one: the whole message; lives for the call */
	bool		 authentic;	/* the resolver validated it (AD) */
	int		 error;		/* RFC 8914; -1: none */
	const char	*extra;		/* its text; "" */
};
typedef void server_set_done(void *arg, const struct server_answer *);

struct server_set;

/* "system" or addresses. Reads /etc/resolv.conf: before the sandbox. NULL, and it is logged why. */
struct server_set	*server_set_new(const struct strings *words, enum dnssec_mode, const struct egress *);
bool			 server_set_start(struct server_set *, uv_loop_t *);	/* false: out of memory or descriptors */
/* Ends every question. closed, if any, is called when the loop has let go: at once when it never started. */
void			 server_set_free(struct server_set *, void (*closed)(void *arg), void *arg);
const char		*server_set_text(const struct server_set *);	/* "10.0.0.53:53" */

/* done is called exactly once, perhaps before this returns. The name is absolute without its dot. */
void			 server_set_ask(struct server_set *, const char *name, uint16_t type, server_set_done *,
    void *arg);
/* Asks those name servers themselves, on port 53, and not the set: without recursion and without its DNSSEC. At least
 * one, at most SERVERS_MAX; copied. */
#define SERVERS_MAX 8
void			 server_set_ask_at(struct server_set *, const struct address *, size_t count, const char *name,
    uint16_t type, server_set_done *, void *arg);

#endif
