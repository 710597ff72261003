/* url.h: the URLs that http-01 visits: the challenge's own and where redirects may lead.
 *
 * They are taken apart by libcurl's parser, so that what was checked is what is fetched. Pure. */
#ifndef SIGNET_VA_URL_H
#define SIGNET_VA_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/identifier.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"
#include "lib/address.h"

#define URL_TEXT_MAX 2000	/* Boulder's largest redirect URL */
#define URL_HOST_MAX 253	/* RFC 1035, 3.1, in text form */

struct url {
	bool		tls;
	uint16_t	port;
	struct address	literal;	/* family 0: host is a name */
	char		host[URL_HOST_MAX + 1];		/* lower case, no trailing dot, no brackets */
	char		text[URL_TEXT_MAX + 1];		/* without fragment */
};

/* Whose host is the identifier and whose text is empty: for what has no URL. The identifier's type is dns or
 * ip; an address becomes the literal. */
void	 url_host(struct url *, const struct identifier *, uint16_t port);
/* http://NAME[:port]/.well-known/acme-challenge/TOKEN (RFC 8555, 8.3; RFC 8738, 5: [ADDRESS] for IPv6); no
 * port in it when it is 80. */
void	 url_challenge(struct url *, const struct identifier *, uint16_t port, const char *token);
/* Where the Location header leads from here: absolute or relative (RFC 9110, 10.2.2). Ports allowed: 80 and
 * http_port over http, 443 and tls_port over https; with http_port 0 to any. ERR_DENIED, ERR_MALFORMED, ERR_MEMORY, with the
 * cause, which quotes nothing but a host and a port that are well-formed. */
enum err url_redirect(const struct url *from, struct slice location, uint16_t http_port, uint16_t tls_port,
    struct url *out, struct reason *);

#endif
