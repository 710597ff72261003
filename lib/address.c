#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

static size_t
address_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

struct address
address_of(int family, const void *bytes)
{
	struct address a = { .family = family };

	memcpy(a.bytes, bytes, address_len(family));
	return a;
}

bool
address_parse(const char *text, struct address *out)
{
	*out = (struct address){ 0 };
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		out->family = AF_INET;
	else if (inet_pton(AF_INET6, text, out->bytes) == 1)
		out->family = AF_INET6;
	return out->family != 0;
}

void
address_text(const struct address *a, char out[ADDRESS_TEXT_SIZE])
{
	if (inet_ntop(a->family, a->bytes, out, ADDRESS_TEXT_SIZE) == NULL)
		out[0] = '\0';
}

void
address_reverse(const struct address *a, char out[ADDRESS_REVERSE_SIZE])
{
	size_t at = 0, i;

	if (a->family == AF_INET) {
		snprintf(out, ADDRESS_REVERSE_SIZE, "%u.%u.%u.%u.in-addr.arpa", a->bytes[3], a->bytes[2],
		    a->bytes[1], a->bytes[0]);
		return;
	}
	for (i = sizeof(a->bytes); i-- > 0; at += 4)
		snprintf(out + at, ADDRESS_REVERSE_SIZE - at, "%x.%x.", a->bytes[i] & 0xf, a->bytes[i] >> 4);
	snprintf(out + at, ADDRESS_REVERSE_SIZE - at, "ip6.arpa");
}

size_t
address_size(const struct address *a)
{
	return address_len(a->family);
}

bool
address_eq(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, address_len(a->family)) == 0;
}

bool
address_from_sockaddr(const struct sockaddr *sa, struct address *out)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*out = (struct address){ 0 };
	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		*out = address_of(AF_INET, &v4.sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		*out = address_of(AF_INET6, &v6.sin6_addr);
	}
	return out->family != 0;
}

socklen_t
address_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(out, 0, sizeof(*out));
	if (a->family == AF_INET) {
		memcpy(&v4.sin_addr, a->bytes, sizeof(v4.sin_addr));
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, a->bytes, sizeof(v6.sin6_addr));
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

bool
block_parse(const char *text, struct block *out)
{
	char address[ADDRESS_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char *end;
	unsigned long bits, most;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!address_parse(address, &out->address))
		return false;
	most = 8 * address_len(out->address.family);
	out->bits = (unsigned)most;
	if (slash == NULL)
		return true;
	if (slash[1] < '0' || slash[1] > '9')
		return false;
	bits = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || bits > most)
		return false;
	out->bits = (unsigned)bits;
	return true;
}

bool
block_holds(const struct block *b, const struct address *a)
{
	size_t whole = b->bits / 8;
	unsigned rest = b->bits % 8;

	if (a->family != b->address.family || memcmp(a->bytes, b->address.bytes, whole) != 0)
		return false;
	return rest == 0 || ((a->bytes[whole] ^ b->address.bytes[whole]) >> (8 - rest)) == 0;
}
