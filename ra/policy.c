#include "ra/policy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

static bool
is_below(const char *name, const char *parent)
{
	size_t n = strlen(name), p = strlen(parent);

	return n > p + 1 && name[n - p - 1] == '.' && strcmp(name + n - p, parent) == 0;
}

/* Whether pattern covers the identifier: for a wildcard, every name it stands for. */
static bool
covers(const char *pattern, const struct identifier *identifier)
{
	const char *name = identifier->value;

	if (strcmp(pattern, "*") == 0)
		return true;
	if (strncmp(pattern, "*.", 2) != 0)
		return strcmp(pattern, name) == 0;
	if (identifier_is_wildcard(identifier) && strcmp(name, pattern) == 0)
		return true;
	return is_below(identifier_is_wildcard(identifier) ? name + 2 : name, pattern + 2);
}

/* Whether pattern meets the identifier in even one name: "*.nas.lan" is denied when "a.nas.lan" is. */
static bool
touches(const char *pattern, const struct identifier *identifier)
{
	const char *base = identifier->value + 2;

	if (covers(pattern, identifier))
		return true;
	if (!identifier_is_wildcard(identifier))
		return false;
	if (strncmp(pattern, "*.", 2) == 0)
		return is_below(pattern + 2, base) || strcmp(pattern + 2, base) == 0;
	return is_below(pattern, base) || strcmp(pattern, base) == 0;
}

/* RFC 8738: whether pattern is a block that holds the address. */
static bool
holds(const char *pattern, const struct address *address)
{
	struct block block;

	return strchr(pattern, '/') != NULL && block_parse(pattern, &block) && block_holds(&block, address);
}

static bool
address_allowed(const struct ra_config *config, const struct identifier *identifier, struct reason *reason)
{
	struct address address;

	if (!address_parse(identifier->value, &address))
		abort();
	for (size_t i = 0; i < config->deny.count; i++)
		if (holds(config->deny.items[i], &address)) {
			reason_set(reason, "\"%s\" is denied by this CA's policy (ra.policy.deny: \"%s\")",
			    identifier->value, config->deny.items[i]);
			return false;
		}
	for (size_t i = 0; i < config->allow.count; i++)
		if (holds(config->allow.items[i], &address))
			return true;
	reason_set(reason,
	    "\"%s\" is not among the addresses this CA issues for (ra.policy.allow has no block that holds it, "
	    "such as \"%s/%d\")",
	    identifier->value, identifier->value, address.family == AF_INET ? 32 : 128);
	return false;
}

bool
policy_covers(const char *pattern, const struct identifier *identifier)
{
	struct address address;

	if (identifier->type != IDENTIFIER_IP)
		return covers(pattern, identifier);
	return address_parse(identifier->value, &address) && holds(pattern, &address);
}

bool
policy_allows(const struct ra_config *config, const struct identifier *identifier, struct reason *reason)
{
	if (identifier->type == IDENTIFIER_IP)
		return address_allowed(config, identifier, reason);
	for (size_t i = 0; i < config->deny.count; i++)
		if (touches(config->deny.items[i], identifier)) {
			reason_set(reason, "\"%s\" is denied by this CA's policy (ra.policy.deny: \"%s\")",
			    identifier->value, config->deny.items[i]);
			return false;
		}
	for (size_t i = 0; i < config->allow.count; i++)
		if (covers(config->allow.items[i], identifier))
			return true;
	reason_set(reason, "\"%s\" is not among the names this CA issues for (ra.policy.allow)",
	    identifier->value);
	return false;
}
