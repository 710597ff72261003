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
	unsigned char	address[16];
	uint16_t	port;

	if (config_address(text, host, sizeof(host), &port) &&
	    (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1))
		return true;
	reason_set(why, "\"%.120s\" is no address with a port; write one such as \"203.0.113.5:9444\" or "
	    "\"[2001:db8::5]:9444\"; names are not looked up here", text);
	return false;
}

/* Clears the bits after the prefix; false when there were any. */
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
const struct type type_prefixes = { .name = "list of IPv6 prefixes", .kind = KIND_STRINGS, .text = prefix_text };
