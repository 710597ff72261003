#include "ca/choose.h"

/* Why there was none. */
struct failure {
	bool over; /* one took the key */
	struct reason forbidden; /* one took it and lives, but not these names */
};

static bool
is_alive(const struct issuer *issuer, int64_t now)
{
	return issuer->not_before <= now && issuer->not_after > now;
}

static bool
permits(const struct issuer *issuer, const struct wanted *wanted, struct reason *reason)
{
	for (size_t i = 0; i < wanted->name_count; i++)
		if (!constraints_allow(issuer->constraints, &wanted->names[i], reason))
			return false;
	return true;
}

/* The best of those that take the key in that way. */
static const struct issuer *
best(const struct ca *ca, const struct wanted *wanted, enum issuer_takes takes, int64_t now, struct failure *failure)
{
	const struct ca_config *config = &ca->config->ca;
	const char *key_type = key_type_name(wanted->key_type);
	const struct issuer *shorter = NULL;

	for (size_t i = 0; i < config->issuer_count; i++) {
		const struct issuer *issuer = &ca->issuers[i];

		if (!config_issuer_serves(&config->issuers[i], wanted->profile) ||
		    config_issuer_takes(&config->issuers[i], key_type) != takes)
			continue;
		failure->over = true;
		if (!is_alive(issuer, now) || !permits(issuer, wanted, &failure->forbidden))
			continue;
		if (issuer->not_after >= wanted->not_after)
			return issuer;
		if (shorter == NULL)
			shorter = issuer;
	}
	return shorter;
}

/* Whether there is one for another key. */
static bool
any_permits(const struct ca *ca, const struct wanted *wanted, int64_t now)
{
	struct reason reason;

	for (size_t i = 0; i < ca->config->ca.issuer_count; i++)
		if (config_issuer_serves(&ca->config->ca.issuers[i], wanted->profile) && is_alive(&ca->issuers[i], now) &&
		    permits(&ca->issuers[i], wanted, &reason))
			return true;
	return false;
}

const struct issuer *
issuer_choose(const struct ca *ca, const struct wanted *wanted, int64_t now, struct problem *problem)
{
	const char *profile = wanted->profile->name, *key_type = key_type_name(wanted->key_type);
	const struct issuer *issuer;
	struct failure failure = { .forbidden = { "" } };

	if ((issuer = best(ca, wanted, ISSUER_TAKES_IT, now, &failure)) != NULL ||
	    (issuer = best(ca, wanted, ISSUER_TAKES_ANY, now, &failure)) != NULL)
		return issuer;
	if (!failure.over)
		problem_set(
		    problem, PROBLEM_BAD_CSR, "no issuer of profile \"%s\" certifies %s keys", profile, key_type);
	else if (failure.forbidden.text[0] == '\0')
		problem_set(problem, PROBLEM_SERVER_INTERNAL,
		    "the CA's own certificate is over, or not valid yet; only its administrator can mend that");
	else if (any_permits(ca, wanted, now))
		problem_set(problem, PROBLEM_BAD_CSR,
		    "no issuer of profile \"%s\" that certifies %s keys may sign these names; another key may do: %s",
		    profile, key_type, failure.forbidden.text);
	else
		problem_set(problem, PROBLEM_REJECTED_IDENTIFIER, "%s", failure.forbidden.text);
	return NULL;
}
