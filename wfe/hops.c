#include "wfe/hops.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NODE_MAX 80	/* "[" and an IPv6 address, "]:65535": 54 */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* An IPv4 address in the clothes of IPv6 (RFC 4291, 2.5.5.2) is that address. */
static struct address
plain(struct address address)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (address.family == AF_INET6 && memcmp(address.bytes, mapped, sizeof(mapped)) == 0)
		return address_of(AF_INET, address.bytes + sizeof(mapped));
	return address;
}

static bool
is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 5 && text[digits] == '\0';
}

/* "192.0.2.7", "192.0.2.7:4711", "2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711"; all else has family 0. */
static struct address
node_read(char *text)
{
	struct address address, none = { .family = 0 };
	char *colon = strchr(text, ':'), *close = strchr(text, ']');

	if (text[0] == '[') {
		if (close == NULL || (close[1] != '\0' && (close[1] != ':' || !is_port(close + 2))))
			return none;
		*close = '\0';
		return address_parse(text + 1, &address) && address.family == AF_INET6 ? plain(address) : none;
	}
	if (address_parse(text, &address))
		return plain(address);
	if (colon == NULL || !is_port(colon + 1))
		return none;
	*colon = '\0';
	return address_parse(text, &address) && address.family == AF_INET ? address : none;
}

static void
add(struct hops *hops, struct address address)
{
	if (hops->count == HOPS_MAX) {
		memmove(hops->all, hops->all + 1, sizeof(hops->all) - sizeof(hops->all[0]));
		hops->count--;
	}
	hops->all[hops->count++] = address;
}

/* --- X-Forwarded-For ------------------------------------------------------------------------------- */

static void
add_list(struct hops *hops, const char *line)
{
	for (const char *end; line != NULL; line = *end == ',' ? end + 1 : NULL) {
		char node[NODE_MAX] = "";
		size_t len;

		end = strchrnul(line, ',');
		while (line < end && is_blank(*line))
			line++;
		len = (size_t)(end - line);
		while (len > 0 && is_blank(line[len - 1]))
			len--;
		if (len < sizeof(node))
			memcpy(node, line, len);
		add(hops, node_read(node));
	}
}

/* --- Forwarded (RFC 7239, 4) ----------------------------------------------------------------------- */

static const char *
skip_blanks(const char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

/* RFC 9110, 5.6.2 */
static bool
is_token(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t
token_length(const char *at)
{
	size_t len = 0;

	while (is_token(at[len]))
		len++;
	return len;
}

/* A token or a quoted-string (RFC 9110, 5.6.4), into out when it fits, else "". NULL: neither. */
static const char *
value_read(const char *at, char out[NODE_MAX])
{
	bool quoted = *at == '"';
	size_t len = 0;

	for (at += quoted; quoted ? *at != '"' : is_token(*at); at++) {
		if (quoted && *at == '\\')
			at++;
		if (*at == '\0')
			return NULL;
		if (len < NODE_MAX)
			out[len++] = *at;
	}
	out[len < NODE_MAX ? len : 0] = '\0';
	return at + quoted;
}

/* One element: pairs with semicolons between. NULL: it is none, and where it would end nobody can say. */
static const char *
element_read(const char *at, struct address *out)
{
	static const struct address none;
	char value[NODE_MAX];
	bool found = false;

	*out = none;
	for (;; at++) {
		size_t len;

		at = skip_blanks(at);
		if ((len = token_length(at)) > 0) {
			const char *name = at;

			if (at[len] != '=' || (at = value_read(at + len + 1, value)) == NULL)
				return NULL;
			if (len == 3 && strncasecmp(name, "for", 3) == 0) {
				*out = found ? none : node_read(value);
				found = true;
			}
			at = skip_blanks(at);
		}
		if (*at != ';')
			return *at == ',' || *at == '\0' ? at : NULL;
	}
}

static void
add_elements(struct hops *hops, const char *line)
{
	struct address address;

	for (;; line++) {
		if ((line = element_read(line, &address)) == NULL) {
			add(hops, (struct address){ .family = 0 });	/* nothing before it is to be believed, nor after */
			return;
		}
		add(hops, address);
		if (*line == '\0')
			return;
	}
}

/* --------------------------------------------------------------------------------------------------- */

void
hops_add(struct hops *hops, const char *line)
{
	if (hops->header == PROXY_HEADER_FORWARDED)
		add_elements(hops, line);
	else
		add_list(hops, line);
}

bool
hops_trusted(const struct strings *trusted, const struct address *address)
{
	struct block block;

	for (size_t i = 0; i < trusted->count; i++)
		if (block_parse(trusted->items[i], &block) && block_holds(&block, address))
			return true;
	return false;
}

struct address
hops_client(const struct hops *hops, const struct strings *trusted, const struct address *peer)
{
	struct address client = *peer;

	for (size_t i = hops->count; i > 0 && hops_trusted(trusted, &client); i--) {
		if (hops->all[i - 1].family == 0)
			break;	/* the proxy doesn't say who asked it: what comes is its own */
		client = hops->all[i - 1];
	}
	return client;
}
