#include "ca/policy.h"

#include <string.h>

#include "lib/address.h"

/* A set of DNS names: one name, or all that end with a suffix (".home.arpa"; "" for every name). */
struct names {
	const char *text;
	bool suffix;
};

static struct names
names_of(const char *pattern)
{
	if (strcmp(pattern, "*") == 0)
		return (struct names){ "", true };
	if (strncmp(pattern, "*.", 2) == 0)
		return (struct names){ pattern + 1, true };
	return (struct names){ pattern, false };
}

static bool
ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), s = strlen(suffix);

	return n >= s && strcmp(text + n - s, suffix) == 0;
}

static bool
contains(struct names all, struct names some)
{
	if (all.suffix)
		return ends_with(some.text, all.text);
	return !some.suffix && strcmp(all.text, some.text) == 0;
}

/* Whether one of the patterns is a block of addresses with this one in it. */
static bool
in_blocks(const struct strings *patterns, const struct address *address)
{
	struct block block;
	size_t i;

	for (i = 0; i < patterns->count; i++)
		if (block_parse(patterns->items[i], &block) && block_holds(&block, address))
			return true;
	return false;
}

bool
ca_policy_allows(const struct strings *allow, const struct strings *deny, const struct identifier *identifier)
{
	struct names asked = names_of(identifier->value);
	struct address address;
	size_t i;

	if (identifier->type == IDENTIFIER_IP)
		return address_parse(identifier->value, &address) && in_blocks(allow, &address) &&
		       !in_blocks(deny, &address);
	for (i = 0; i < deny->count; i++) {
		struct names denied = names_of(deny->items[i]);

		if (contains(denied, asked) || contains(asked, denied))
			return false;
	}
	for (i = 0; i < allow->count; i++)
		if (contains(names_of(allow->items[i]), asked))
			return true;
	return false;
}
