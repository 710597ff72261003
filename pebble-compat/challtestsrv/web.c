#include "pebble-compat/challtestsrv/web.h"

#include <stdlib.h>
#include <string.h>

#include "pebble-compat/challtestsrv/answer.h"

#define PREFIX "/.well-known/acme-challenge/"	/* RFC 8555, 8.3 */

/* The host without its port, on the heap; NULL: out of memory. */
static char *
host_alone(const char *host)
{
	const char	*colon = strrchr(host, ':'), *end = host + strlen(host);

	if (host[0] == '[' && colon != NULL && colon[-1] == ']')
		return strndup(host + 1, (size_t)(colon - host) - 2);
	/* More than one colon: an address without brackets, and without a port. */
	if (colon != NULL && strchr(host, ':') == colon)
		end = colon;
	return strndup(host, (size_t)(end - host));
}

static void
note(struct store *store, const struct http_request *r)
{
	char *host = host_alone(r->host);

	if (host == NULL)
		return;
	store_event(store, HISTORY_HTTP, host, json_pack("{s:o,s:o,s:b,s:o,s:o}",
	    "URL", store_string(r->target, strlen(r->target)), "Host", store_string(r->host, strlen(r->host)),
	    "HTTPS", r->tls ? 1 : 0, "ServerName", store_string(r->server_name, strlen(r->server_name)),
	    "UserAgent", store_string(r->user_agent, strlen(r->user_agent))));
	free(host);
}

/* What Location says: a target without scheme or leading slash is relative to the path's folder, and what is not
 * ASCII is escaped (RFC 3986, 2.1). On the heap; NULL: out of memory. */
static char *
location_of(const char *target, const char *path)
{
	const char	*slash = strrchr(path, '/');
	struct buf	 whole = { 0 };

	if (target[0] != '/' && strstr(target, "://") == NULL && slash != NULL)
		buf_put(&whole, path, (size_t)(slash + 1 - path));
	for (; *target != '\0'; target++) {
		if ((unsigned char)*target > 0x7e)
			buf_printf(&whole, "%%%02x", (unsigned char)*target);
		else
			buf_put_byte(&whole, (uint8_t)*target);
	}
	return buf_take_str(&whole);
}

static bool
redirect(struct store *store, const struct http_request *r, struct http_answer *answer)
{
	char *target = r->tls ? NULL : store_text(store, TABLE_REDIRECT, r->path);

	if (target == NULL)
		return false;
	answer->location = location_of(target, r->path);
	answer->status = answer->location != NULL ? 302 : 500;
	free(target);
	return true;
}

void
web_http01(struct store *store, const struct http_request *r, struct http_answer *answer)
{
	size_t	 prefix = strlen(PREFIX);
	char	*content = NULL;

	note(store, r);
	if (redirect(store, r, answer))
		return;
	if (strncmp(r->path, PREFIX, prefix) == 0)
		content = store_text(store, TABLE_HTTP01, r->path + prefix);
	if (content == NULL)
		return;
	answer->type = "text/plain; charset=utf-8";
	buf_put_str(&answer->body, content);
	free(content);
}

void
web_doh(struct store *store, const struct http_request *r, struct http_answer *out)
{
	struct dns_query	 query;
	enum err		 err = message_read(r->body, &query);

	if (strcmp(r->method, "POST") != 0) {
		out->status = 405;
		return;
	}
	if (err == ERR_CLOSED || err == ERR_MALFORMED) {
		out->status = 400;
		out->type = "text/plain; charset=utf-8";
		buf_put_str(&out->body, "the body is not one DNS query (RFC 1035, 4.1)\n");
		return;
	}
	err = answer(store, r->body, r->user_agent, &query, &out->body);
	if (err == ERR_BUSY)
		err = answer_wait(store, &query, &out->body);
	out->status = err == ERR_OK ? 200 : 500;
	out->type = err == ERR_OK ? "application/dns-message" : NULL;
}
