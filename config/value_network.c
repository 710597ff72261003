/* Types of addresses and networks that va asks, tells from and keeps away from. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config/network.h"
#include "config/options.h"

static bool
resolver_text(char *text, struct reason *why)
{
	char		host[256];
	unsigned char	address[16];
	uint16_t	port;

	if (strcmp(text, "system") == 0 || inet_pton(AF_INET, text, address) == 1 ||
	    inet_pton(AF_INET6, text, address) == 1)
		return true;
	if (config_address(text, host, sizeof(host), &port) &&
	    (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1))
		return true;
	reason_set(why, "\"%.120s\" is no resolver; write system, or an address such as \"10.0.0.53:53\" or "
	    "\"[fd00::53]:53\"", text);
	return false;
}

static bool
source_text(char *text, struct reason *why)
{
	unsigned char	address[16];

	if (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1)
		return true;
	reason_set(why, "\"%.120s\" is no address; write one of this machine, as in \"192.168.1.10\", without a port", text);
	return false;
}

static bool
peer_text(char *text, struct reason *why)
{
	char		host[256];
	uint16_t	port;

	if (config_address(text, host, sizeof(host), &port) && host[0] != '\0')
		return true;
	reason_set(why, "\"%.120s\" is no address with a port; write one such as \"203.0.113.5:9444\", "
	    "\"[2001:db8::5]:9444\" or \"fra.example:9444\"", text);
	return false;
}

static bool
mask(unsigned char *address, size_t size, unsigned long bits)
{
	bool	clear = true;

	for (size_t i = 0; i < size; i++) {
		unsigned long	left = bits > i * 8 ? bits - i * 8 : 0;
		unsigned	keep = left >= 8 ? 0xff : 0xffu << (8 - left) & 0xff;

		clear = clear && (address[i] & ~keep) == 0;
		address[i] = (unsigned char)(address[i] & keep);
	}
	return clear;
}

bool
network_cidr(const char *text, struct reason *why)
{
	char		 host[INET6_ADDRSTRLEN], right[INET6_ADDRSTRLEN], *end;
	unsigned char	 address[16];
	const char	*slash = strchr(text, '/');
	size_t		 len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	unsigned long	 bits;
	int		 family;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(family, host, address) != 1)
		return false;
	if (slash == NULL) {
		reason_set(why, "\"%.120s\" has no prefix length; write %s/%d for this address alone", text,
		    host, family == AF_INET ? 32 : 128);
		return false;
	}
	if (slash[1] < '0' || slash[1] > '9' || (slash[1] == '0' && slash[2] != '\0') ||
	    (bits = strtoul(slash + 1, &end, 10)) > (family == AF_INET ? 32 : 128) || *end != '\0') {
		reason_set(why, "\"%.120s\" has a bad prefix length; write 0 to %d after the slash", text,
		    family == AF_INET ? 32 : 128);
		return false;
	}
	if (mask(address, family == AF_INET ? 4 : 16, bits))
		return true;
	reason_set(why, "\"%.120s\" has bits set after its prefix; write %s/%lu", text,
	    inet_ntop(family, address, right, sizeof(right)), bits);
	return false;
}

static bool
network_text(char *text, struct reason *why)
{
	static const char *const names[] = { "loopback", "link-local", "metadata", "self", "private" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0)
			return true;
	why->text[0] = '\0';
	if (network_cidr(text, why))
		return true;
	if (why->text[0] == '\0')
		reason_set(why,
		    "\"%.120s\" is no network; write one such as \"10.0.0.0/8\", or loopback, link-local, "
		    "metadata, self or private",
		    text);
	return false;
}

/* Everybody is nobody's proxy: then each client could say that it is another. */
static bool
proxies_text(char *text, struct reason *why)
{
	size_t len = strlen(text);

	why->text[0] = '\0';
	if (network_cidr(text, why) && strcmp(text + (len > 2 ? len - 2 : 0), "/0") != 0)
		return true;
	if (why->text[0] == '\0')
		reason_set(why, "\"%.120s\" is no network of proxies; write their addresses, as in \"10.0.0.7/32\"", text);
	return false;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986, 2.1. False: a broken escape, a NUL, or longer than out. */
static bool
unescape(const char *text, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			if (i + 2 >= len || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
				return false;
			c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

/* "user:password" before the '@'. */
static bool
credentials(const char *text, size_t len, struct proxy *out)
{
	const char *colon = memchr(text, ':', len);
	size_t user = colon != NULL ? (size_t)(colon - text) : len;

	if (!unescape(text, user, out->user, sizeof(out->user)) || out->user[0] == '\0' || strchr(out->user, ':') != NULL ||
	    (colon != NULL && !unescape(colon + 1, len - user - 1, out->password, sizeof(out->password))))
		return false;
	return out->kind == PROXY_HTTP || out->password[0] != '\0'; /* RFC 1929, 2: at least a byte */
}

bool
proxy_parse(const char *text, struct proxy *out, struct reason *why)
{
	static const struct {
		const char *scheme;
		enum proxy_kind kind;
	} schemes[] = { { "socks5://", PROXY_SOCKS5 }, { "http://", PROXY_HTTP } };
	const char *rest = NULL, *at;
	char host[ADDRESS_TEXT_SIZE];

	*out = (struct proxy){ 0 };
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncmp(text, schemes[i].scheme, strlen(schemes[i].scheme)) == 0) {
			rest = text + strlen(schemes[i].scheme);
			out->kind = schemes[i].kind;
		}
	at = rest != NULL ? strrchr(rest, '@') : NULL;
	if (at != NULL && !credentials(rest, (size_t)(at - rest), out)) {
		reason_set(why, "has a user or a password that can't be; write socks5://USER:PASSWORD@ADDRESS:PORT, each of at "
		    "most 255 bytes, with %%3A for ':', %%40 for '@', %%25 for '%%'");
		return false;
	}
	if (at != NULL)
		rest = at + 1;
	if (rest != NULL && config_address(rest, host, sizeof(host), &out->port) && address_parse(host, &out->address))
		return true;
	reason_set(why, "is no proxy; write its kind, address and port, as in \"socks5://10.0.0.9:1080\" or "
	    "\"http://[fd00::9]:3128\"; names are not looked up here");
	return false;
}

static bool
proxy_text(char *text, struct reason *why)
{
	struct proxy proxy;

	return proxy_parse(text, &proxy, why);
}

/* RFC 6052, 2.2. */
static bool
prefix_text(char *text, struct reason *why)
{
	static const char *const lengths[] = { "32", "40", "48", "56", "64", "96" };
	const char *slash = strchr(text, '/');

	why->text[0] = '\0';
	if (strchr(text, ':') != NULL && network_cidr(text, why))
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			if (strcmp(slash + 1, lengths[i]) == 0)
				return true;
	if (why->text[0] == '\0')
		reason_set(why, "\"%.120s\" is no prefix of a NAT64 translator; write one such as \"2001:db8:64::/96\", of "
		    "32, 40, 48, 56, 64 or 96 bits", text);
	return false;
}

const struct type type_peer = { .name = "address", .kind = KIND_STRING, .text = peer_text };
const struct type type_source = { .name = "address", .kind = KIND_STRING, .text = source_text };
const struct type type_resolvers = {
	.name = "list of resolvers", .kind = KIND_STRINGS, .text = resolver_text
};
const struct type type_networks = { .name = "list of networks", .kind = KIND_STRINGS, .text = network_text };
const struct type type_proxies = { .name = "list of networks", .kind = KIND_STRINGS, .text = proxies_text };
const struct type type_prefixes = { .name = "list of IPv6 prefixes", .kind = KIND_STRINGS, .text = prefix_text };
const struct type type_proxy = { .name = "proxy", .kind = KIND_STRING, .text = proxy_text };
