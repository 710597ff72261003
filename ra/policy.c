#include "ra/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/public_name.h"
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

bool
policy_covers(const char *pattern, const struct identifier *identifier)
{
	struct address address;

	if (identifier->type != IDENTIFIER_IP)
		return covers(pattern, identifier);
	return address_parse(identifier->value, &address) && holds(pattern, &address);
}

/* Whether a denied pattern meets it. */
static bool
meets(const char *pattern, const struct identifier *identifier)
{
	return identifier->type == IDENTIFIER_IP ? policy_covers(pattern, identifier) : touches(pattern, identifier);
}

/* --- one layer ----------------------------------------------------------------------------------- */

/* How each kind of layer speaks of itself: as its file or its command calls the rules. */
static const struct {
	const char *who, *gives, *allow, *deny, *wildcards, *names, *profiles;
} words[] = {
	[POLICY_CONFIGURED] = { "this CA's policy", "this CA issues for", ".allow", ".deny", ".wildcards: false", ".names",
	    ".profiles" },
	[POLICY_EXTERNAL_KEY] = { "the account's external key", "that the account's external key is for", ": --name",
	    ": --deny", ": --no-wildcards", ": --max-names", ": --profile" },
	[POLICY_ACCOUNT] = { "the account's own policy", "that this account may have", ": --name", ": --deny",
	    ": --no-wildcards", ": --max-names", ": --profile" },
};

static bool
refuse_outside(const struct policy_rules *rules, const struct identifier *identifier, struct reason *reason)
{
	const char *gives = words[rules->source].gives, *allow = words[rules->source].allow;

	if (identifier->type == IDENTIFIER_DNS)
		reason_set(reason, "\"%s\" is not among the names %s (%s%s)", identifier->value, gives, rules->key, allow);
	else
		reason_set(reason,
		    "\"%s\" is not among the addresses %s (%s%s has no block that holds it, such as \"%s/%d\")",
		    identifier->value, gives, rules->key, allow, identifier->value,
		    strchr(identifier->value, ':') == NULL ? 32 : 128);
	return false;
}

static bool
rules_allow(const struct policy_rules *rules, const struct identifier *identifier, struct reason *reason)
{
	for (size_t i = 0; i < rules->deny.count; i++)
		if (meets(rules->deny.items[i], identifier)) {
			reason_set(reason, "\"%s\" is denied by %s (%s%s%s\"%s\")", identifier->value,
			    words[rules->source].who, rules->key, words[rules->source].deny,
			    rules->source == POLICY_CONFIGURED ? ": " : " ", rules->deny.items[i]);
			return false;
		}
	if (!rules->wildcards && identifier_is_wildcard(identifier)) {
		reason_set(reason, "\"%s\" is a wildcard, which %s doesn't give (%s%s); order its names one by one",
		    identifier->value, words[rules->source].who, rules->key, words[rules->source].wildcards);
		return false;
	}
	for (size_t i = 0; i < rules->allow.count; i++)
		if (policy_covers(rules->allow.items[i], identifier))
			return true;
	return (rules->open && rules->allow.count == 0) || refuse_outside(rules, identifier, reason);
}

/* --- all of them --------------------------------------------------------------------------------- */

static struct policy_rules
rules_of_ca(const struct ra_config *ra)
{
	return (struct policy_rules){ .key = "ra.policy", .allow = ra->allow, .deny = ra->deny,
		.wildcards = ra->wildcards, .names = ra->names };
}

#define KEY_SIZE (sizeof("ca.profiles.") + 64)

static struct policy_rules
rules_of_profile(const struct profile_config *profile, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "ca.profiles.%.64s", profile->name);
	return (struct policy_rules){ .key = key, .allow = profile->allow, .open = true, .deny = profile->deny,
		.wildcards = profile->wildcards, .names = profile->names };
}

static bool
is_listed(const struct strings *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static bool
has_profile(const struct policy_rules *rules, const char *name, struct reason *reason)
{
	if (rules == NULL || rules->profiles.count == 0 || is_listed(&rules->profiles, name))
		return true;
	reason_set(reason, "profile \"%.60s\" is not among those %s (%s%s); leave \"profile\" out", name,
	    words[rules->source].gives, rules->key, words[rules->source].profiles);
	return false;
}

bool
policy_allows_profile(const struct policy *policy, const struct profile_config *profile, struct reason *reason)
{
	return has_profile(policy->external, profile->name, reason) && has_profile(policy->account, profile->name, reason);
}

/* The first of the narrower list that the other one has as well; where there is none, the first, which is refused. */
bool
policy_profile(const struct policy *policy, char **out)
{
	static const struct strings none = { NULL, 0 };
	const struct strings *key = policy->external != NULL ? &policy->external->profiles : &none;
	const struct strings *own = policy->account != NULL ? &policy->account->profiles : &none;
	const struct strings *from = own->count > 0 ? own : key;
	size_t i = 0;

	*out = NULL;
	if (from->count == 0)
		return true;
	while (i < from->count && key->count > 0 && !is_listed(key, from->items[i]))
		i++;
	return (*out = strdup(from->items[i < from->count ? i : 0])) != NULL;
}

bool
policy_allows(const struct policy *policy, const struct profile_config *profile, const struct identifier *identifier,
    struct reason *reason)
{
	struct policy_rules rules = rules_of_ca(policy->ra);
	struct reason why = { "" };
	char key[KEY_SIZE];

	if (!rules_allow(&rules, identifier, reason) ||
	    (policy->external != NULL && !rules_allow(policy->external, identifier, reason)) ||
	    (policy->account != NULL && !rules_allow(policy->account, identifier, reason)))
		return false;
	if (profile == NULL)
		return true;
	rules = rules_of_profile(profile, key);
	if (!rules_allow(&rules, identifier, reason))
		return false;
	if (!profile->public_names || identifier_is_public(identifier, &why))
		return true;
	reason_set(reason, "%s (%s.public_names: true)", why.text, key);
	return false;
}

/* --- the issuers' name constraints (RFC 5280, 4.2.1.10) -------------------------------------------- */

static size_t
count_refused(const struct chains *chains, const struct identifier *names, size_t count)
{
	struct reason reason;
	size_t refused = 0;

	for (size_t i = 0; i < count; i++)
		refused += !constraints_allow(chains->constraints, &names[i], &reason);
	return refused;
}

/* One certificate has one issuer: what counts is the one that refuses the fewest. */
static const struct chains *
best_issuer(const struct policy *policy, const struct profile_config *profile, const struct identifier *names,
    size_t count)
{
	const struct chains *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < policy->issuers->count; i++) {
		const struct chains *chains = &policy->issuers->items[i];
		size_t refused;

		if (profile != NULL && !config_issuer_serves(&policy->ca->issuers[i], profile))
			continue;
		if ((refused = count_refused(chains, names, count)) < least) {
			best = chains;
			least = refused;
		}
	}
	return best;
}

static void
judge_constraints(const struct policy *policy, const struct profile_config *profile, const struct identifier *names,
    size_t count, struct problem *problem)
{
	const struct chains *best = policy->issuers != NULL ? best_issuer(policy, profile, names, count) : NULL;
	struct reason reason;

	for (size_t i = 0; best != NULL && i < count; i++)
		if (!problem_names(problem, &names[i]) && !constraints_allow(best->constraints, &names[i], &reason))
			problem_add(problem, PROBLEM_REJECTED_IDENTIFIER, &names[i], "%s", reason.text);
}

/* --- an order ------------------------------------------------------------------------------------ */

static bool
refuse_count(const struct policy_rules *rules, size_t count, struct problem *problem)
{
	if (rules == NULL || rules->names == 0 || count <= (size_t)rules->names)
		return false;
	problem_set(problem, PROBLEM_REJECTED_IDENTIFIER,
	    "the order has %zu identifiers, and %s allows %lld in one (%s%s); split it", count, words[rules->source].who,
	    (long long)rules->names, rules->key, words[rules->source].names);
	return true;
}

bool
policy_judge(const struct policy *policy, const struct profile_config *profile, const struct identifier *names,
    size_t count, struct problem *problem)
{
	char key[KEY_SIZE];
	struct policy_rules of_ca = rules_of_ca(policy->ra);
	struct policy_rules of_profile = profile != NULL ? rules_of_profile(profile, key) : of_ca;
	struct reason reason = { "" };
	size_t before = problem->sub_count;

	if (refuse_count(&of_ca, count, problem) || refuse_count(&of_profile, count, problem) ||
	    refuse_count(policy->external, count, problem) || refuse_count(policy->account, count, problem))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!policy_allows(policy, profile, &names[i], &reason)) {
			problem_add(problem, PROBLEM_REJECTED_IDENTIFIER, &names[i], "%s", reason.text);
			if (problem->said == SAID_NOTHING)
				(void)problem_said(problem, SAID_NAME_FORBIDDEN, names[i].value);
		}
	judge_constraints(policy, profile, names, count, problem);
	return problem->sub_count == before;
}
