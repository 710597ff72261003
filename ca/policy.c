#include "ca/policy.h"

#include <stdio.h>
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

/* The block of the list that holds the address, or NULL. */
static const char *
block_of(const struct strings *patterns, const struct address *address)
{
	struct block block;

	for (size_t i = 0; i < patterns->count; i++)
		if (block_parse(patterns->items[i], &block) && block_holds(&block, address))
			return patterns->items[i];
	return NULL;
}

/* A wildcard doesn't stand for the name that it is above, and falls with it all the same, as in ra. */
static bool
is_above(const struct identifier *identifier, struct names denied)
{
	return identifier_is_wildcard(identifier) && !denied.suffix && strcmp(identifier->value + 2, denied.text) == 0;
}

/* The pattern that denies one of the names, or NULL. */
static const char *
denied_by(const struct strings *deny, const struct identifier *identifier)
{
	struct names asked = names_of(identifier->value);
	struct address address;

	if (identifier->type == IDENTIFIER_IP)
		return address_parse(identifier->value, &address) ? block_of(deny, &address) : NULL;
	for (size_t i = 0; i < deny->count; i++) {
		struct names denied = names_of(deny->items[i]);

		if (contains(denied, asked) || contains(asked, denied) || is_above(identifier, denied))
			return deny->items[i];
	}
	return NULL;
}

static bool
is_allowed(const struct strings *allow, const struct identifier *identifier)
{
	struct names asked = names_of(identifier->value);
	struct address address;

	if (identifier->type == IDENTIFIER_IP)
		return address_parse(identifier->value, &address) && block_of(allow, &address) != NULL;
	for (size_t i = 0; i < allow->count; i++)
		if (contains(names_of(allow->items[i]), asked))
			return true;
	return false;
}

/* What a layer says: the lists, and wildcards. open: an empty allow is all. key: where it stands in the configuration. */
static bool
layer_allows(const struct strings *allow, bool open, const struct strings *deny, bool wildcards, const char *key,
    const struct identifier *name, struct reason *reason)
{
	const char *denied = denied_by(deny, name);

	if (denied != NULL)
		reason_set(reason, "\"%s\" is denied by the CA's own policy (%s.deny: \"%s\")", name->value, key, denied);
	else if (identifier_is_wildcard(name) && !wildcards)
		reason_set(reason, "\"%s\" is a wildcard, and the CA's own policy gives none (%s.wildcards: false)", name->value,
		    key);
	else if (!(open && allow->count == 0) && !is_allowed(allow, name))
		reason_set(reason, "\"%s\" is not among the %s the CA itself issues for (%s.allow)", name->value,
		    name->type == IDENTIFIER_IP ? "addresses" : "names", key);
	else
		return true;
	return false;
}

static bool
name_allowed(const struct ra_config *ra, const struct profile_config *profile, const struct identifier *name,
    struct reason *reason)
{
	struct reason why = { "" };
	char key[80];

	snprintf(key, sizeof(key), "ca.profiles.%.63s", profile->name);
	if (!layer_allows(&ra->allow, false, &ra->deny, ra->wildcards, "ra.policy", name, reason) ||
	    !layer_allows(&profile->allow, true, &profile->deny, profile->wildcards, key, name, reason))
		return false;
	if (!profile->public_names || identifier_is_public(name, &why))
		return true;
	reason_set(reason, "%s (%s.public_names: true)", why.text, key);
	return false;
}

static bool
count_allowed(int64_t most, const char *key, size_t count, struct problem *problem)
{
	return most == 0 || count <= (size_t)most ||
	       problem_set(problem, PROBLEM_REJECTED_IDENTIFIER,
		   "%zu names are more than the CA's own policy allows in one certificate: %lld (%s.names)", count,
		   (long long)most, key);
}

bool
ca_policy_check(const struct ra_config *ra, const struct profile_config *profile, const struct identifier *names,
    size_t count, struct problem *problem)
{
	struct reason reason;
	char key[80];

	snprintf(key, sizeof(key), "ca.profiles.%.63s", profile->name);
	if (!count_allowed(ra->names, "ra.policy", count, problem) || !count_allowed(profile->names, key, count, problem))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!name_allowed(ra, profile, &names[i], &reason))
			problem_add(problem, PROBLEM_REJECTED_IDENTIFIER, &names[i], "%s", reason.text);
	problem_sum_up(problem, "the CA refused to sign");
	return problem->type == PROBLEM_NONE;
}
