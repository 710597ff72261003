#include "ca/choose.h"

/* The best of those that take the key in that way; *seen: there are some, be they over. */
static const struct issuer *
best(const struct ca *ca, const struct wanted *wanted, enum issuer_takes takes, int64_t now, bool *seen)
{
	const struct ca_config *config = &ca->config->ca;
	const char *key_type = key_type_name(wanted->key_type);
	const struct issuer *shorter = NULL;

	for (size_t i = 0; i < config->issuer_count; i++) {
		const struct issuer *issuer = &ca->issuers[i];

		if (!config_issuer_serves(&config->issuers[i], wanted->profile) ||
		    config_issuer_takes(&config->issuers[i], key_type) != takes)
			continue;
		*seen = true;
		if (issuer->not_before > now || issuer->not_after <= now)
			continue;
		if (issuer->not_after >= wanted->not_after)
			return issuer;
		if (shorter == NULL)
			shorter = issuer;
	}
	return shorter;
}

const struct issuer *
issuer_choose(const struct ca *ca, const struct wanted *wanted, int64_t now, struct problem *problem)
{
	const struct issuer *issuer;
	bool seen = false;

	if ((issuer = best(ca, wanted, ISSUER_TAKES_IT, now, &seen)) != NULL ||
	    (issuer = best(ca, wanted, ISSUER_TAKES_ANY, now, &seen)) != NULL)
		return issuer;
	if (seen)
		problem_set(problem, PROBLEM_SERVER_INTERNAL,
		    "the CA's own certificate is over, or not valid yet; only its administrator can mend that");
	else
		problem_set(problem, PROBLEM_BAD_CSR, "no issuer of profile \"%s\" certifies %s keys",
		    wanted->profile->name, key_type_name(wanted->key_type));
	return NULL;
}
