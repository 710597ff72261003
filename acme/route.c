#include "acme/route.h"

#include <openssl/sha.h>
#include <string.h>

#include "acme/challenge.h"
#include "acme/surface.h"
#include "lib/base64url.h"

#define LONG_SIZE 32	/* octets of the long form: an id, and as many that follow from it */
#define LONG_TEXT 43
#define SHORT_DIGITS 16
#define SERIAL_DIGITS_MIN 14

static const struct {
	const char	*name;
	const char	*directory;	/* its name in the directory object, RFC 8555, 7.1.1 */
	bool		 get;
} table[ROUTE_COUNT] = {
	[ROUTE_DIRECTORY] = { "directory", NULL, true },
	[ROUTE_NEW_NONCE] = { "new-nonce", "newNonce", true },
	[ROUTE_NEW_ACCOUNT] = { "new-account", "newAccount", false },
	[ROUTE_NEW_ORDER] = { "new-order", "newOrder", false },
	[ROUTE_KEY_CHANGE] = { "key-change", "keyChange", false },
	[ROUTE_REVOKE_CERT] = { "revoke-cert", "revokeCert", false },
	[ROUTE_NEW_AUTHZ] = { "new-authz", "newAuthz", false },
	[ROUTE_ACCOUNT] = { "account", NULL, false },
	[ROUTE_ORDERS] = { "orders", NULL, false },
	[ROUTE_ORDERS_PAGE] = { "orders-page", NULL, false },
	[ROUTE_ORDER] = { "order", NULL, false },
	[ROUTE_FINALIZE] = { "finalize", NULL, false },
	[ROUTE_FINALIZE_STAR] = { "finalize-star", NULL, false },
	[ROUTE_AUTHORIZATION] = { "authorization", NULL, false },
	[ROUTE_CHALLENGE] = { "challenge", NULL, false },
	[ROUTE_CERTIFICATE] = { "certificate", NULL, false },
	[ROUTE_CERTIFICATE_CHAIN] = { "certificate-chain", NULL, false },
	[ROUTE_STAR_CERTIFICATE] = { "star-certificate", NULL, true },
	[ROUTE_STAR_CERTIFICATE_CHAIN] = { "star-certificate-chain", NULL, true },
	[ROUTE_RENEWAL_INFO] = { "renewal-info", "renewalInfo", true },
	[ROUTE_RENEWAL_INFO_OF] = { "renewal-info-of", NULL, true },
	[ROUTE_ISSUER] = { "issuer", NULL, false },
};

/* --- the forms of ids ------------------------------------------------------------------------------ */

/* Longer only to look at: the second half is the digest of the first and of what the id is used for. */
static void
long_form(const struct id *id, uint8_t use, char out[LONG_TEXT + 1])
{
	uint8_t	all[LONG_SIZE], digest[SHA256_DIGEST_LENGTH];

	memcpy(all, id->bytes, ID_SIZE);
	all[ID_SIZE] = use;
	SHA256(all, ID_SIZE + 1, digest);
	memcpy(all + ID_SIZE, digest, LONG_SIZE - ID_SIZE);
	base64url_text(all, LONG_SIZE, out);
}

/* The use under which text is the id's form; -1: none below uses. */
static int
long_read(const char *text, unsigned uses, struct id *id)
{
	uint8_t	all[LONG_SIZE];
	char	again[LONG_TEXT + 1];

	if (base64url_bytes(slice_of(text, LONG_TEXT), all, LONG_SIZE) != ERR_OK)
		return -1;
	memcpy(id->bytes, all, ID_SIZE);
	for (unsigned use = 0; use < uses; use++) {
		long_form(id, (uint8_t)use, again);
		if (memcmp(again, text, LONG_TEXT) == 0)
			return (int)use;
	}
	return -1;
}

/* The digits of the low half, the first of them to be shown. */
static const char *
short_form(const struct id *id, size_t digits_min, char out[SHORT_DIGITS + 1])
{
	static const char hex[] = "0123456789abcdef";
	size_t skip = 0;

	for (size_t i = 0; i < SHORT_DIGITS; i++)
		out[i] = hex[id->bytes[ID_SIZE / 2 + i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
	out[SHORT_DIGITS] = '\0';
	if (digits_min == SERIAL_DIGITS_MIN)
		skip = id->bytes[ID_SIZE / 2] == 0 ? 2 : 0;
	else
		while (skip < SHORT_DIGITS - digits_min && out[skip] == '0')
			skip++;
	return out + skip;
}

/* How many characters of text are the id; 0: none, or not as short_form() writes it. */
static size_t
short_read(const char *text, size_t len, size_t digits_min, struct id *id)
{
	static const char hex[] = "0123456789abcdef";
	char	again[SHORT_DIGITS + 1];
	size_t	n = 0;

	memset(id, 0, sizeof(*id));
	while (n < len && n < SHORT_DIGITS && text[n] != '\0' && strchr(hex, text[n]) != NULL)
		n++;
	for (size_t i = 0; i < n; i++) {
		uint8_t digit = (uint8_t)(strchr(hex, text[n - 1 - i]) - hex);

		id->bytes[ID_SIZE - 1 - i / 2] |= (uint8_t)(digit << (i % 2 == 0 ? 0 : 4));
	}
	if (n < digits_min || strncmp(short_form(id, digits_min, again), text, n) != 0 ||
	    strlen(short_form(id, digits_min, again)) != n)
		return 0;
	return n;
}

/* --- paths ------------------------------------------------------------------------------------------ */

static size_t
match_id(char form, const char *path, size_t len, struct target *out)
{
	int use;

	switch (form) {
	case '*':
		return len >= ID_TEXT_SIZE - 1 && id_parse(path, ID_TEXT_SIZE - 1, &out->id) ? ID_TEXT_SIZE - 1 : 0;
	case '#':
		return short_read(path, len, 1, &out->id);
	case '$':
		return short_read(path, len, SERIAL_DIGITS_MIN, &out->id);
	case '@':
		return len >= LONG_TEXT && long_read(path, 1, &out->id) == 0 ? LONG_TEXT : 0;
	default:
		if (len < LONG_TEXT || (use = long_read(path, CHALLENGE_TYPE_COUNT, &out->id)) < 1)
			return 0;
		strcpy(out->tail, challenge_name((enum challenge_type)use));
		return LONG_TEXT;
	}
}

static bool
match(const char *pattern, const char *path, size_t len, struct target *out)
{
	const char *end = path + len;

	for (; *pattern != '\0'; pattern++) {
		size_t rest = (size_t)(end - path), n;

		if (strchr("*#$@!", *pattern) != NULL) {
			if ((n = match_id(*pattern, path, rest, out)) == 0)
				return false;
			path += n;
		} else if (*pattern == '+') {
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

/* The route whose path begins like this one, up to an id. */
static enum route
match_open(const struct surface *surface, const char *path, size_t len)
{
	for (unsigned i = 1; i < ROUTE_COUNT; i++) {
		size_t fixed = surface->paths[i] != NULL ? strcspn(surface->paths[i], "*#$@!+") : 0;

		if (fixed > 0 && surface->paths[i][fixed] != '\0' && len >= fixed &&
		    memcmp(surface->paths[i], path, fixed) == 0)
			return (enum route)i;
	}
	return ROUTE_NONE;
}

bool
route_parse(const struct surface *surface, struct slice path, struct target *out)
{
	for (unsigned i = 1; i < ROUTE_COUNT; i++) {
		memset(out, 0, sizeof(*out));
		if (surface->paths[i] != NULL &&
		    match(surface->paths[i], (const char *)path.data, path.len, out)) {
			out->route = (enum route)i;
			return true;
		}
	}
	memset(out, 0, sizeof(*out));
	if (surface->open_ids)
		out->route = match_open(surface, (const char *)path.data, path.len);
	out->nowhere = out->route != ROUTE_NONE;
	return out->nowhere;
}

/* RFC 8555, 6.1: https, whatever the listener itself speaks. */
static const char *
after_authority(const char *url)
{
	if (strncmp(url, "https://", 8) != 0 || url[8] == '/')
		return NULL;
	return strchr(url + 8, '/');
}

bool
route_parse_url(const struct site *site, const char *url, struct target *out)
{
	const char *path = NULL;
	size_t	    len = site->base != NULL ? strlen(site->base) : 0;

	memset(out, 0, sizeof(*out));
	if (site->base == NULL)
		path = after_authority(url);
	else if (strncmp(url, site->base, len) == 0)
		path = url + len;
	return path != NULL && route_parse(site->surface, slice_str(path), out);
}

static void
put_id(struct buf *out, char form, const struct id *id, const char *tail)
{
	char text[LONG_TEXT + 1], digits[SHORT_DIGITS + 1];

	if (form == '*')
		id_text(*id, text);
	else if (form == '@')
		long_form(id, 0, text);
	else if (form == '!')
		long_form(id, (uint8_t)challenge_by_name(tail), text);
	else
		strcpy(text, short_form(id, form == '$' ? SERIAL_DIGITS_MIN : 1, digits));
	buf_put_str(out, text);
}

void
route_url(struct buf *out, const struct site *site, enum route route, const struct id *id, const char *tail)
{
	const char *p = site->surface->paths[route];

	if (p == NULL)
		return;
	buf_put_str(out, site->base);
	for (; *p != '\0'; p++) {
		if (strchr("*#$@!", *p) != NULL)
			put_id(out, *p, id, tail);
		else if (*p == '+')
			buf_put_str(out, tail);
		else
			buf_put_byte(out, (uint8_t)*p);
	}
}

bool
route_served(const struct surface *surface, enum route route)
{
	return surface->paths[route] != NULL;
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
	return table[route].get && route != ROUTE_DIRECTORY && route != ROUTE_NEW_NONCE;
}

bool
route_is_finalize(enum route route)
{
	return route == ROUTE_FINALIZE || route == ROUTE_FINALIZE_STAR;
}
