#include <string.h>

#include "ca/choose.h"
#include "ca/issue.h"
#include "ca/policy.h"
#include "ca/profile.h"
#include "ca/proof.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "x509/key.h"

#define FUTURE_MAX 300 /* s: what two clocks of one machine may differ at most */
/* s: how far ahead the dates of an order may lie that go before its profile. */
#define ISSUED_FOR_MAX (INT64_C(100) * 365 * 86400)

/* What the ledger calls the certificate: like its order, of which it is the only one, or by a name of its own. */
static struct id
name_of(const struct msg_issue *issue, const struct ca_star *star)
{
	return star != NULL ? star->certificate : issue->order;
}

static enum err
answer_from_ledger(struct ca *ca, const struct msg_issue *issue, const struct ca_star *star, struct msg_certificate *out)
{
	struct ledger_record record;
	enum err err = ledger_find(ca->ledger, name_of(issue, star), &record);

	if (err != ERR_OK)
		return err;
	out->order = issue->order;
	out->number = issue->number;
	memcpy(out->issuer, record.issuer, sizeof(out->issuer));
	out->serial = record.serial;
	out->not_before = record.not_before;
	out->not_after = record.not_after;
	out->der = record.der;
	return ERR_OK;
}

static bool
order_check(const struct ca *ca, const struct msg_issue *issue, int64_t now, struct problem *problem)
{
	int64_t made = id_time_ms(issue->order) / 1000;

	if (made < now - ca_order_window(ca))
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "this order is too old; make another one");
	if (made > now + FUTURE_MAX)
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "this order was made in the future");
	return true;
}

/* RFC 8555, 7.4: what the order asked for is what the certificate says, or there is none. */
/* Of a certificate for these dates, in seconds. */
static int64_t
lifetime_max(const struct ca *ca, const struct profile_config *profile, const struct leaf *leaf)
{
	int64_t asked = leaf->not_after - leaf->not_before + 1;

	return ca->config->ra.times_as_asked && asked > profile->lifetime ? asked : profile->lifetime;
}

static bool
dates_set(const struct ca *ca, const struct msg_issue *issue, const struct profile_config *profile,
    int64_t now, struct leaf *leaf, struct problem *problem)
{
	leaf->not_before = issue->not_before != 0 ? issue->not_before : now - ca->config->ca.backdate;
	/* Before anything is added to it: ra may say any number. */
	if (issue->not_before != 0 && (leaf->not_before < now - ISSUER_BACKDATE_MAX ||
	    leaf->not_before > now + (ca->config->ra.times_as_asked ? ISSUED_FOR_MAX : profile->lifetime)))
		return problem_set(
		    problem, PROBLEM_MALFORMED, "notBefore is more than an hour ago or too far ahead");
	leaf->not_after = issue->not_after != 0 ? issue->not_after : leaf->not_before + profile->lifetime - 1;
	if (leaf->not_after <= leaf->not_before || leaf->not_after <= now)
		return problem_set(
		    problem, PROBLEM_MALFORMED, "notAfter is over, or not later than notBefore");
	if (leaf->not_after - leaf->not_before + 1 > lifetime_max(ca, profile, leaf))
		return problem_set(problem, PROBLEM_MALFORMED,
		    "profile \"%s\" gives certificates for at most %lld s", profile->name,
		    (long long)profile->lifetime);
	return true;
}

/* NULL with a problem. */
static const struct issuer *
issuer_find(const struct ca *ca, const struct msg_issue *issue, const struct profile_config *profile,
    const struct csr *csr, int64_t now, struct leaf *leaf, struct problem *problem)
{
	struct wanted wanted = { .profile = profile,
		.key_type = key_type_of(csr->key),
		.not_after = leaf->not_after,
		.names = csr->names,
		.name_count = csr->count };
	const struct issuer *issuer = issuer_choose(ca, &wanted, now, problem);

	if (issuer == NULL || leaf->not_after <= issuer->not_after)
		return issuer;
	if (issue->not_after != 0) {
		problem_set(problem, PROBLEM_MALFORMED, "notAfter is later than the issuer's own");
		return NULL;
	}
	log_event(LOG_WARNING, "certificate cut short: its issuer ends first",
	    F_INT("issuer_not_after", issuer->not_after), F_INT("wanted", leaf->not_after));
	leaf->not_after = issuer->not_after;
	return issuer;
}

static bool
key_allowed(const struct ca *ca, const struct csr *csr, struct problem *problem)
{
	struct reason cause = { "" };

	return blocklist_check(ca->blocked, csr->key, &cause) == ERR_OK ||
	       problem_set(problem, PROBLEM_BAD_CSR, "the CSR: %s", cause.text);
}

/* Its own copy of the rules: ra has judged the CSR by them already. */
static bool
profile_check(const struct profile_config *profile, const struct csr *csr, struct problem *problem)
{
	if (!config_profile_takes(profile, key_type_name(key_type_of(csr->key))))
		return problem_set(problem, PROBLEM_BAD_CSR, "profile \"%s\" takes no %s keys", profile->name,
		    key_type_name(key_type_of(csr->key)));
	if (csr->must_staple && !profile->must_staple)
		return problem_set(problem, PROBLEM_BAD_CSR,
		    "profile \"%s\" gives no must-staple (RFC 7633); leave the TLS feature out of the CSR", profile->name);
	return true;
}

#define COMMON_NAME_MAX 64	/* RFC 5280, A.1: ub-common-name */

static bool
common_name_fits(const struct identifier *name)
{
	return name->type == IDENTIFIER_DNS && strlen(name->value) <= COMMON_NAME_MAX;
}

/* The CSR's own, or else the first DNS name that fits; NULL: none does. */
static const char *
common_name(const struct csr *csr)
{
	for (size_t i = 0; i < csr->count; i++)
		if (common_name_fits(&csr->names[i]) && strcmp(csr->names[i].value, csr->common_name) == 0)
			return csr->names[i].value;
	for (size_t i = 0; i < csr->count; i++)
		if (common_name_fits(&csr->names[i]))
			return csr->names[i].value;
	return NULL;
}

static void
profile_apply(const struct profile_config *profile, const struct csr *csr, bool as_asked,
    struct leaf_form *form, struct leaf *leaf)
{
	profile_form(profile, form);
	leaf->form = form;
	leaf->names = as_asked ? csr->asked : csr->names;
	leaf->name_count = csr->count;
	leaf->key = csr->key;
	leaf->must_staple = csr->must_staple;
	leaf->common_name = profile->common_name ? common_name(csr) : NULL;
}

static enum err
record_append(struct ca *ca, const struct msg_issue *issue, const struct ca_star *star, const struct issuer *issuer,
    const struct leaf *leaf, int64_t now, struct msg_certificate *out)
{
	struct ledger_record record = { .kind = LEDGER_ORDER,
		.time_ms = now * 1000,
		.order = name_of(issue, star),
		.serial = buf_slice(&ca->serial),
		.not_before = leaf->not_before,
		.not_after = leaf->not_after,
		.der = buf_slice(&ca->der) };

	memcpy(record.issuer, issuer->fingerprint, sizeof(record.issuer));
	out->order = issue->order;
	out->number = issue->number;
	memcpy(out->issuer, record.issuer, sizeof(out->issuer));
	out->serial = record.serial;
	out->not_before = leaf->not_before;
	out->not_after = leaf->not_after;
	out->der = record.der;
	return ledger_append(ca->ledger, &record);
}

static enum err
sign(struct ca *ca, const struct issuer *issuer, const struct leaf *leaf, int64_t now, int64_t lifetime,
    struct problem *problem)
{
	struct lint_context context = { .issuer = issuer->cert,
		.now = now,
		.lifetime_max = lifetime,
		.backdate_max = ISSUER_BACKDATE_MAX,
		.form = leaf->form,
		.blocked = ca->blocked,
		.key = leaf->key };
	struct reason cause = { "" };
	uint8_t serial[SERIAL_SIZE];
	enum err err;

	buf_clear(&ca->der);
	buf_clear(&ca->serial);
	err = memory_checked(issuer_sign(issuer, leaf, &context, serial, &ca->der, &cause, problem));
	buf_put(&ca->serial, serial_octets(serial).data, serial_octets(serial).len);
	if (err == ERR_OK && ca->der.len <= CERTIFICATE_DER_MAX && !ca->serial.failed)
		return ERR_OK;
	if (err == ERR_DENIED && problem->sub_count > 0)
		problem_sum_up(problem, "the certificate was not signed");
	else if (err == ERR_DENIED && strncmp(cause.text, "lint name_constraints", 21) == 0)
		problem_set(problem, PROBLEM_REJECTED_IDENTIFIER, "%s", cause.text);
	else
		problem_set(problem, PROBLEM_SERVER_INTERNAL, "the certificate was not signed: %s",
		    err == ERR_DENIED ? cause.text : "an internal error");
	log_event(LOG_ERROR, "not signed", F_STR("error", err_text(err)), F_STR("cause", cause.text));
	return ERR_DENIED;
}

/* From when to when the certificate is valid. */
static bool
time_set(const struct ca *ca, const struct msg_issue *issue, const struct profile_config *profile, const struct csr *csr,
    int64_t now, struct ca_star *star, struct leaf *leaf, struct problem *problem)
{
	if (star == NULL)
		return dates_set(ca, issue, profile, now, leaf, problem);
	if (!ca_star_due(ca, issue, csr, now, star, problem))
		return false;
	leaf->not_before = star->not_before;
	leaf->not_after = star->not_after;
	return true;
}

static const struct profile_config *
profile_find(const struct ca *ca, const struct msg_issue *issue, struct problem *problem)
{
	const struct profile_config *profile =
	    config_profile(&ca->config->ca, issue->profile[0] != '\0' ? issue->profile : NULL);

	if (profile == NULL)
		problem_set(problem, PROBLEM_INVALID_PROFILE, "there is no profile \"%s\"", issue->profile);
	return profile;
}

/* star: NULL for an ordinary order. */
static enum err
issue_new(struct ca *ca, const struct msg_issue *issue, const struct jwk *jwk, const struct jws *jws, struct ca_star *star,
    int64_t now, struct msg_certificate *out, struct problem *problem)
{
	const struct profile_config *profile;
	const struct issuer *issuer;
	struct csr *csr = NULL;
	struct leaf_form form;
	struct leaf leaf = { 0 };
	enum err err = ERR_DENIED;

	if ((star == NULL && !order_check(ca, issue, now, problem)) ||
	    (profile = profile_find(ca, issue, problem)) == NULL)
		return ERR_DENIED;
	if (!proof_csr(ca, jwk, jws, &csr, problem) || !key_allowed(ca, csr, problem) ||
	    !profile_check(profile, csr, problem) ||
	    !proof_evidence(ca, issue, jwk, jws, profile, csr, star, now, problem) ||
	    !ca_policy_check(&ca->config->ra, profile, csr->names, csr->count, problem) ||
	    !time_set(ca, issue, profile, csr, now, star, &leaf, problem) ||
	    (issuer = issuer_find(ca, issue, profile, csr, now, &leaf, problem)) == NULL)
		goto out;
	profile_apply(profile, csr, ca->config->ca.names_as_asked, &form, &leaf);
	if ((err = sign(ca, issuer, &leaf, now, lifetime_max(ca, profile, &leaf), problem)) == ERR_OK)
		err = record_append(ca, issue, star, issuer, &leaf, now, out);
out:
	csr_free(csr);
	return err;
}

/* One of the certificates of an auto-renewal order. */
static enum err
issue_star(struct ca *ca, const struct msg_issue *issue, const struct jwk *jwk, const struct jws *jws, int64_t now,
    struct msg_certificate *out, struct problem *problem)
{
	const struct profile_config *profile = profile_find(ca, issue, problem);
	struct ca_star star = { .payload = NULL };
	enum err err = ERR_DENIED;

	if (profile != NULL && ca_star_read(ca, issue, jws, profile, &star, problem) &&
	    (err = answer_from_ledger(ca, issue, &star, out)) == ERR_NOT_FOUND)
		err = issue_new(ca, issue, jwk, jws, &star, now, out, problem);
	ca_star_free(&star);
	return err;
}

enum err
issue_certificate(struct ca *ca, const struct msg_issue *issue, int64_t now, struct msg_certificate *out,
    struct problem *problem)
{
	struct jwk *jwk;
	struct jws *jws;
	enum err err;

	memset(out, 0, sizeof(*out));
	if (!proof_request(ca, issue, &jwk, &jws, problem))
		return ERR_DENIED;
	if (issue->number != 0)
		err = issue_star(ca, issue, jwk, jws, now, out, problem);
	else if ((err = answer_from_ledger(ca, issue, NULL, out)) == ERR_NOT_FOUND)
		err = issue_new(ca, issue, jwk, jws, NULL, now, out, problem);
	jws_free(jws);
	jwk_free(jwk);
	return err;
}
