#include "acme/challenge.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"

static const struct {
	const char	*name;
	unsigned	 proves;	/* bit (1 << identifier type) */
	bool		 wildcard;
	bool		 persists;
} table[CHALLENGE_TYPE_COUNT] = {
	/* RFC 8555, 8.3: http-01 can't prove a wildcard, since it speaks for one host only; nor can
	 * tls-alpn-01 (RFC 8737). Both prove addresses (RFC 8738, 4). */
	[CHALLENGE_HTTP_01] = { "http-01", 1u << IDENTIFIER_DNS | 1u << IDENTIFIER_IP, false, false },
	[CHALLENGE_TLS_ALPN_01] = { "tls-alpn-01", 1u << IDENTIFIER_DNS | 1u << IDENTIFIER_IP, false, false },
	/* RFC 8555, 8.4; RFC 8738, 7: not for addresses. */
	[CHALLENGE_DNS_01] = { "dns-01", 1u << IDENTIFIER_DNS, true, false },
	/* draft-ietf-acme-dns-account-label */
	[CHALLENGE_DNS_ACCOUNT_01] = { "dns-account-01", 1u << IDENTIFIER_DNS, true, false },
	/* draft-ietf-acme-dns-persist */
	[CHALLENGE_DNS_PERSIST_01] = { "dns-persist-01", 1u << IDENTIFIER_DNS, true, true },
};

const char *
challenge_name(enum challenge_type type)
{
	if (type == CHALLENGE_NONE || (unsigned)type >= CHALLENGE_TYPE_COUNT)
		return "";
	return table[type].name;
}

enum challenge_type
challenge_by_name(const char *name)
{
	for (unsigned i = 1; i < CHALLENGE_TYPE_COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return (enum challenge_type)i;
	return CHALLENGE_NONE;
}

bool
challenge_proves(enum challenge_type type, enum identifier_type identifier, bool wildcard)
{
	if (type == CHALLENGE_NONE || (unsigned)type >= CHALLENGE_TYPE_COUNT)
		return false;
	return (table[type].proves & 1u << identifier) != 0 && (!wildcard || table[type].wildcard);
}

bool
challenge_persists(enum challenge_type type)
{
	return (unsigned)type < CHALLENGE_TYPE_COUNT && table[type].persists;
}

uint32_t
challenge_offer(enum identifier_type identifier, bool wildcard)
{
	uint32_t offer = 0;

	for (unsigned i = 1; i < CHALLENGE_TYPE_COUNT; i++)
		if (challenge_proves((enum challenge_type)i, identifier, wildcard))
			offer |= 1u << i;
	return offer;
}

void
token_new(char out[TOKEN_SIZE])
{
	uint8_t random[32];

	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	base64url_text(random, sizeof(random), out);
}
