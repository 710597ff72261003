#include "ca/policy.h"

#include <string.h>

#include "acme/public_name.h"
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

/* A profile's lists: an empty allow is all. */
static bool
profile_allows(const struct profile_config *profile, const struct identifier *name)
{
	static char all[] = "*", v4[] = "0.0.0.0/0", v6[] = "::/0";
	static char *everything[] = { all, v4, v6 };
	static const struct strings any = { everything, 3 };

	return ca_policy_allows(profile->allow.count > 0 ? &profile->allow : &any, &profile->deny, name);
}

static bool
name_check(const struct ra_config *ra, const struct profile_config *profile, const struct identifier *name,
    struct problem *problem)
{
	struct reason reason = { "" };

	if (!ca_policy_allows(&ra->allow, &ra->deny, name))
		reason_set(&reason, "\"%s\" is not among the names this CA issues for (ra.policy)", name->value);
	else if (!profile_allows(profile, name))
		reason_set(&reason, "\"%s\" is not among the names of profile \"%s\" (its allow and deny)", name->value,
		    profile->name);
	else if (identifier_is_wildcard(name) && (!ra->wildcards || !profile->wildcards))
		reason_set(&reason, "\"%s\" is a wildcard, and %s gives none", name->value,
		    ra->wildcards ? "its profile" : "ra.policy");
	else if (!profile->public_names || identifier_is_public(name, &reason))
		return true;
	return problem_set(problem, PROBLEM_REJECTED_IDENTIFIER, "%s", reason.text);
}

bool
ca_policy_check(const struct ra_config *ra, const struct profile_config *profile, const struct identifier *names,
    size_t count, struct problem *problem)
{
	if ((ra->names != 0 && count > (size_t)ra->names) || (profile->names != 0 && count > (size_t)profile->names))
		return problem_set(problem, PROBLEM_REJECTED_IDENTIFIER,
		    "%zu names are more than a certificate of profile \"%s\" may have", count, profile->name);
	for (size_t i = 0; i < count; i++)
		if (!name_check(ra, profile, &names[i], problem))
			return false;
	return true;
}
