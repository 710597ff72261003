/* Which issuer signs for which profile, key and names, by ca's own rules, and what is wrong with that. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "ca/choose.h"
#include "cmd/findings.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "x509/certificate.h"
#include "x509/key.h"

#define PEM_FILE_MAX 1048576
#define KINDS_MAX 16
#define DAY 86400

/* As much of the issuer as the choice needs; false: findings_files() told why not. */
static bool
issuer_read(const char *dir, const char *file, struct issuer *out)
{
	STACK_OF(X509)	*certs = NULL;
	struct buf	 pem = { 0 };
	struct reason	 reason;
	char		*path = file_join(dir, file);
	bool		 ok = false;

	if (path != NULL && file_read(path, PEM_FILE_MAX, &pem) == ERR_OK &&
	    certificates_read(buf_slice(&pem), &certs, &reason) == ERR_OK)
		ok = certificate_validity(sk_X509_value(certs, 0), &out->not_before, &out->not_after) &&
		    constraints_read(certs, &out->constraints, &reason) == ERR_OK;
	if (ok)
		X509_up_ref(out->cert = sk_X509_value(certs, 0));
	sk_X509_pop_free(certs, X509_free);
	buf_free(&pem);
	free(path);
	return ok;
}

/* One outcome, for some kinds of keys. */
struct outcome {
	const struct issuer	*issuer;	/* or NULL, and the problem says why not */
	char			 keys[96];	/* key_type_name()s, with commas */
	struct problem		 problem;
};

static void
tell(struct findings *f, const struct ca *ca, const struct profile_config *profile, const struct outcome *outcome,
    int64_t now)
{
	char		key[128];
	int64_t		left;
	const char	*file;

	snprintf(key, sizeof(key), "ca.profiles.%s", profile->name);
	if (outcome->issuer == NULL) {
		finding(f, outcome->problem.type == PROBLEM_BAD_CSR ? FINDING_NOTE : FINDING_PROBLEM, key,
		    "%s keys get no certificate: %s", outcome->keys, outcome->problem.detail.text);
		return;
	}
	file = ca->config->ca.issuers[outcome->issuer - ca->issuers].certificate;
	left = outcome->issuer->not_after - now;
	if (left < profile->lifetime)
		finding(f, FINDING_PROBLEM, key,
		    "%s keys: certificates are to live %lld days, but their issuer %s ends in %lld and cuts them short; "
		    "put a newer one into ca.issuers", outcome->keys, (long long)(profile->lifetime / DAY), file,
		    (long long)(left / DAY));
	else
		finding(f, FINDING_OK, key, "%s keys: signed by %s", outcome->keys, file);
}

/* The outcome that this one equals, or a new one. */
static struct outcome *
outcome_add(struct outcome outcomes[KINDS_MAX], size_t *count, const struct issuer *issuer,
    const struct problem *problem)
{
	for (size_t i = 0; i < *count; i++)
		if (outcomes[i].issuer == issuer && outcomes[i].problem.type == problem->type)
			return &outcomes[i];
	outcomes[*count] = (struct outcome){ .issuer = issuer, .problem = { .type = problem->type,
	    .detail = problem->detail } };
	return &outcomes[(*count)++];
}

static void
check_profile(struct findings *f, const struct ca *ca, const struct profile_config *profile, int64_t now)
{
	struct outcome	outcomes[KINDS_MAX];
	size_t		count = 0;

	for (unsigned type = KEY_P256; type <= KEY_ED448; type++) {
		struct wanted	 wanted = { .profile = profile, .key_type = (enum key_type)type,
			    .not_after = now + profile->lifetime };
		struct problem	 problem = { 0 };
		const char	*name = key_type_name(wanted.key_type);
		struct outcome	*outcome;
		size_t		 len;

		if (!config_profile_takes(profile, name))
			continue;
		outcome = outcome_add(outcomes, &count, issuer_choose(ca, &wanted, now, &problem), &problem);
		len = strlen(outcome->keys);
		snprintf(outcome->keys + len, sizeof(outcome->keys) - len, "%s%s", len > 0 ? ", " : "", name);
		problem_free(&problem);
	}
	if (count == 1 && profile->key_types.count == 0)
		strcpy(outcomes[0].keys, "all");
	for (size_t i = 0; i < count; i++)
		tell(f, ca, profile, &outcomes[i], now);
}

/* --- name constraints (RFC 5280, 4.2.1.10) ---------------------------------------------------------- */

/* Whether one of the issuers (of a profile, or NULL) may sign for anything that the pattern is about. */
static bool
is_possible(const struct ca *ca, const struct profile_config *profile, const char *pattern, struct reason *reason)
{
	const struct ca_config	*config = &ca->config->ca;
	bool			 any = false;

	for (size_t i = 0; i < config->issuer_count; i++) {
		if (profile != NULL && !config_issuer_serves(&config->issuers[i], profile))
			continue;
		if (constraints_allow_any(ca->issuers[i].constraints, pattern, reason))
			return true;
		any = true;
	}
	return !any;	/* no issuer at all is told elsewhere */
}

static void
check_patterns(struct findings *f, const struct ca *ca, const struct profile_config *profile,
    const struct strings *allow, const char *key)
{
	struct reason	reason = { "" };

	for (size_t i = 0; i < allow->count; i++)
		if (!is_possible(ca, profile, allow->items[i], &reason))
			finding(f, FINDING_PROBLEM, key,
			    "%s: nothing of this pattern can be signed; take it out, or add an issuer that may sign it",
			    reason.text);
}

/* One without patterns of its own has those of ra.policy: some of them are not for it, but not all. */
static void
check_inherited(struct findings *f, const struct ca *ca, const struct profile_config *profile)
{
	const struct strings	*allow = &ca->config->ra.allow;
	struct reason		 reason = { "" };
	char			 key[128];

	for (size_t i = 0; i < allow->count; i++)
		if (is_possible(ca, profile, allow->items[i], &reason))
			return;
	snprintf(key, sizeof(key), "ca.profiles.%s", profile->name);
	if (allow->count > 0)
		finding(f, FINDING_PROBLEM, key,
		    "its issuers may sign nothing that ra.policy.allow is about: %s; give it another issuer, or take it out",
		    reason.text);
}

static void
check_names(struct findings *f, const struct ca *ca)
{
	const struct config	*config = ca->config;
	struct reason		 reason = { "" };
	char			 key[128];

	check_patterns(f, ca, NULL, &config->ra.allow, "ra.policy.allow");
	for (size_t i = 0; i < config->ca.profile_count; i++) {
		const struct profile_config *profile = &config->ca.profiles[i];

		snprintf(key, sizeof(key), "ca.profiles.%s.allow", profile->name);
		if (profile->allow.count > 0)
			check_patterns(f, ca, profile, &profile->allow, key);
		else
			check_inherited(f, ca, profile);
	}
	for (size_t i = 0; config->wfe.tls == TLS_AUTO && i < config->wfe.names.count; i++)
		if (!is_possible(ca, &config->ca.profiles[0], config->wfe.names.items[i], &reason))
			finding(f, FINDING_PROBLEM, "wfe.names",
			    "%s, so that the server gets no certificate of its own; take the name out, or see to wfe.tls",
			    reason.text);
}

/* --- OCSP --------------------------------------------------------------------------------------------- */

/* CA/Browser Forum, 7.1.2.10.7: whose certificate is to sign OCSP responses says so. */
static void
check_signs_ocsp(struct findings *f, const struct ca *ca)
{
	const struct config	*config = ca->config;

	for (size_t i = 0; config_serves_ocsp(config) && i < config->ca.issuer_count; i++)
		if (ca->issuers[i].cert != NULL && !(X509_get_key_usage(ca->issuers[i].cert) & KU_DIGITAL_SIGNATURE))
			finding(f, FINDING_NOTE, "ca.ocsp", "%s has no digitalSignature among its key usages, and some "
			    "clients want that of who signs OCSP responses", config->ca.issuers[i].certificate);
}

/* RFC 7633: a client that sees the feature refuses a server that has nothing to staple. */
static void
check_stapling(struct findings *f, const struct config *config)
{
	char	key[128];

	for (size_t i = 0; config->preset != PRESET_PEBBLE && i < config->ca.profile_count; i++) {
		const struct profile_config *profile = &config->ca.profiles[i];

		if (!profile->must_staple || profile->ocsp_pointer)
			continue;
		snprintf(key, sizeof(key), "ca.profiles.%s", profile->name);
		finding(f, FINDING_PROBLEM, key, "gives must-staple to a CSR that asks, but its certificates don't say "
		    "where OCSP is, so no server finds what to staple; set ocsp_pointer: true (and ca.ocsp: true), or "
		    "must_staple: false");
	}
}

void
findings_profiles(struct findings *f, const struct config *config)
{
	struct ca	ca = { .config = config };
	size_t		i = 0;

	if ((ca.issuers = calloc(config->ca.issuer_count, sizeof(*ca.issuers))) == NULL)
		abort();
	while (i < config->ca.issuer_count && issuer_read(config->dir, config->ca.issuers[i].certificate, &ca.issuers[i]))
		i++;
	if (i == config->ca.issuer_count) {
		for (i = 0; i < config->ca.profile_count; i++)
			check_profile(f, &ca, &config->ca.profiles[i], clock_now());
		check_names(f, &ca);
	}
	check_signs_ocsp(f, &ca);
	check_stapling(f, config);
	for (i = 0; i < config->ca.issuer_count; i++) {
		constraints_free(ca.issuers[i].constraints);
		X509_free(ca.issuers[i].cert);
	}
	free(ca.issuers);
}
