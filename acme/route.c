#include "acme/route.h"

#include <string.h>

/* "*" stands for an id, "+" for a tail; the first of a row that matches the path is the route. */
static const struct {
	const char	*path;
	const char	*name;
	const char	*directory;	/* its name in the directory object, RFC 8555, 7.1.1 */
	bool		 get;
} table[ROUTE_COUNT] = {
	[ROUTE_DIRECTORY] = { "/directory", "directory", NULL, true },
	[ROUTE_NEW_NONCE] = { "/new-nonce", "new-nonce", "newNonce", true },
	[ROUTE_NEW_ACCOUNT] = { "/new-account", "new-account", "newAccount", false },
	[ROUTE_NEW_ORDER] = { "/new-order", "new-order", "newOrder", false },
	[ROUTE_KEY_CHANGE] = { "/key-change", "key-change", "keyChange", false },
	[ROUTE_REVOKE_CERT] = { "/revoke-cert", "revoke-cert", "revokeCert", false },
	[ROUTE_NEW_AUTHZ] = { "/new-authz", "new-authz", "newAuthz", false },
	[ROUTE_ACCOUNT] = { "/account/*", "account", NULL, false },
	[ROUTE_ORDERS] = { "/account/*/orders", "orders", NULL, false },
	[ROUTE_ORDERS_PAGE] = { "/account/*/orders/+", "orders-page", NULL, false },
	[ROUTE_ORDER] = { "/order/*", "order", NULL, false },
	[ROUTE_FINALIZE] = { "/order/*/finalize", "finalize", NULL, false },
	[ROUTE_AUTHORIZATION] = { "/authorization/*", "authorization", NULL, false },
	[ROUTE_CHALLENGE] = { "/challenge/*/+", "challenge", NULL, false },
	[ROUTE_CERTIFICATE] = { "/certificate/*", "certificate", NULL, false },
	[ROUTE_CERTIFICATE_CHAIN] = { "/certificate/*/+", "certificate-chain", NULL, false },
	[ROUTE_RENEWAL_INFO] = { "/renewal-info", "renewal-info", "renewalInfo", true },
	[ROUTE_RENEWAL_INFO_OF] = { "/renewal-info/+", "renewal-info-of", NULL, true },
	[ROUTE_ISSUER] = { "/issuer/+", "issuer", NULL, false },
};

static bool
match(const char *pattern, const char *path, size_t len, struct target *out)
{
	const char *end = path + len;

	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '*') {
			if (end - path < ID_TEXT_SIZE - 1 || !id_parse(path, ID_TEXT_SIZE - 1, &out->id))
				return false;
			path += ID_TEXT_SIZE - 1;
		} else if (*pattern == '+') {
			size_t rest = (size_t)(end - path);

			if (rest == 0 || rest >= sizeof(out->tail) || memchr(path, '/', rest) != NULL ||
			    memchr(path, '\0', rest) != NULL)
				return false;
			memcpy(out->tail, path, rest);
			out->tail[rest] = '\0';
			path = end;
		} else if (path == end || *path++ != *pattern) {
			return false;
		}
	}
	return path == end;
}

bool
route_parse(struct slice path, struct target *out)
{
	for (unsigned i = 1; i < ROUTE_COUNT; i++) {
		memset(out, 0, sizeof(*out));
		if (match(table[i].path, (const char *)path.data, path.len, out)) {
			out->route = (enum route)i;
			return true;
		}
	}
	memset(out, 0, sizeof(*out));
	return false;
}

bool
route_parse_url(const char *base, const char *url, struct target *out)
{
	size_t len = strlen(base);

	memset(out, 0, sizeof(*out));
	return strncmp(url, base, len) == 0 && route_parse(slice_str(url + len), out);
}

void
route_url(struct buf *out, const char *base, enum route route, const struct id *id, const char *tail)
{
	char text[ID_TEXT_SIZE];

	buf_put_str(out, base);
	for (const char *p = table[route].path; *p != '\0'; p++) {
		if (*p == '*') {
			id_text(*id, text);
			buf_put_str(out, text);
		} else if (*p == '+') {
			buf_put_str(out, tail);
		} else {
			buf_put_byte(out, (uint8_t)*p);
		}
	}
}

const char *
route_directory_name(enum route route)
{
	return table[route].directory;
}

const char *
route_name(enum route route)
{
	return route == ROUTE_NONE ? "none" : table[route].name;
}

bool
route_takes_get(enum route route)
{
	return table[route].get;
}

bool
route_is_lookup(enum route route)
{
	return route == ROUTE_RENEWAL_INFO || route == ROUTE_RENEWAL_INFO_OF;
}
