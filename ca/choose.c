#include "ca/choose.h"

/* Why there was none. */
struct failure {
	bool over; /* one took the key */
	const struct issuer *forbids; /* took it and lives, but not these names; of several the one that forbids the fewest */
	size_t forbidden;
};

static bool
is_alive(const struct issuer *issuer, int64_t now)
{
	return issuer->not_before <= now && issuer->not_after > now;
}

static size_t
count_forbidden(const struct issuer *issuer, const struct wanted *wanted)
{
	struct reason reason;
	size_t count = 0;

	for (size_t i = 0; i < wanted->name_count; i++)
		count += !constraints_allow(issuer->constraints, &wanted->names[i], &reason);
	return count;
}

static bool
permits(const struct issuer *issuer, const struct wanted *wanted, struct failure *failure)
{
	size_t forbidden = count_forbidden(issuer, wanted);

	if (forbidden > 0 && (failure->forbids == NULL || forbidden < failure->forbidden)) {
		failure->forbids = issuer;
		failure->forbidden = forbidden;
	}
	return forbidden == 0;
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
		if (!is_alive(issuer, now) || !permits(issuer, wanted, failure))
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
	for (size_t i = 0; i < ca->config->ca.issuer_count; i++)
		if (config_issuer_serves(&ca->config->ca.issuers[i], wanted->profile) && is_alive(&ca->issuers[i], now) &&
		    count_forbidden(&ca->issuers[i], wanted) == 0)
			return true;
	return false;
}

/* Each name with the constraint that forbids it. */
static void
tell_forbidden(const struct issuer *issuer, const struct wanted *wanted, struct problem *problem)
{
	struct reason reason;

	for (size_t i = 0; i < wanted->name_count; i++)
		if (!constraints_allow(issuer->constraints, &wanted->names[i], &reason))
			problem_add(problem, PROBLEM_REJECTED_IDENTIFIER, &wanted->names[i], "%s", reason.text);
	problem_sum_up(problem, "no issuer may sign these names");
}

const struct issuer *
issuer_choose(const struct ca *ca, const struct wanted *wanted, int64_t now, struct problem *problem)
{
	const char *profile = wanted->profile->name, *key_type = key_type_name(wanted->key_type);
	const struct issuer *issuer;
	struct failure failure = { .over = false };

	if ((issuer = best(ca, wanted, ISSUER_TAKES_IT, now, &failure)) != NULL ||
	    (issuer = best(ca, wanted, ISSUER_TAKES_ANY, now, &failure)) != NULL)
		return issuer;
	if (!failure.over) {
		problem_set(
		    problem, PROBLEM_BAD_CSR, "no issuer of profile \"%s\" certifies %s keys", profile, key_type);
	} else if (failure.forbids == NULL) {
		problem_set(problem, PROBLEM_SERVER_INTERNAL,
		    "the CA's own certificate is over, or not valid yet; only its administrator can mend that");
	} else {
		tell_forbidden(failure.forbids, wanted, problem);
		if (any_permits(ca, wanted, now))
			problem_set(problem, PROBLEM_BAD_CSR,
			    "no issuer of profile \"%s\" that certifies %s keys may sign these names; another key may do: %s",
			    profile, key_type, problem->subs[0].detail.text);
	}
	return NULL;
}
