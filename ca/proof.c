#include <stdlib.h>
#include <string.h>

#include "acme/surface.h"
#include "ca/proof.h"
#include "ca/votes.h"
#include "config/account_key.h"
#include "jose/key_change.h"
#include "lib/base64url.h"
#include "lib/json.h"
#include "lib/memory.h"
#include "x509/key.h"

/* A clock that runs fast on the perspective's side is forgiven this much. */
#define FUTURE_MAX 300

bool
proof_same_account(const struct ca *ca, const char *a, const char *b)
{
	struct site site = ca_site(ca);
	struct target one, other;

	return route_parse_url(&site, a, &one) && route_parse_url(&site, b, &other) && one.route == ROUTE_ACCOUNT &&
	       other.route == ROUTE_ACCOUNT && !one.nowhere && !other.nowhere && id_eq(one.id, other.id);
}

static bool
request_check(
    const struct ca *ca, const struct msg_issue *issue, const struct jws *jws, struct problem *problem)
{
	enum route route = issue->number != 0 ? ROUTE_FINALIZE_STAR : ROUTE_FINALIZE;
	struct site site = ca_site(ca);
	struct target target;

	/* RFC 8555, 6.4: the signed url says what was asked for; 7.4: this order's finalize URL. */
	if (!route_parse_url(&site, jws_url(jws), &target) || target.route != route || target.nowhere ||
	    !id_eq(target.id, issue->order))
		return problem_set(problem, PROBLEM_UNAUTHORIZED,
		    "the signed request is not for finalizing this order (RFC 8555, 6.4)");
	/* RFC 8555, 6.2: requests of an account carry its URL. */
	if (jws_kid(jws) == NULL || !route_parse_url(&site, jws_kid(jws), &target) ||
	    target.route != ROUTE_ACCOUNT || target.nowhere)
		return problem_set(problem, PROBLEM_UNAUTHORIZED,
		    "the signed request's kid is not an account URL of this server (RFC 8555, 6.2)");
	return true;
}

/* Where a key with this text is kept: FNV-1a. Who makes texts meet gains nothing but work for itself. */
static struct jwk **
account_place(struct ca *ca, struct slice text)
{
	uint32_t hash = 2166136261;
	size_t i;

	for (i = 0; i < text.len; i++)
		hash = (hash ^ text.data[i]) * 16777619;
	return &ca->accounts[hash % CA_ACCOUNTS];
}

/* Only those that are accepted are kept. */
enum err
proof_key(struct ca *ca, struct slice text, struct jwk **out, struct reason *cause)
{
	struct jwk **place = account_place(ca, text);
	enum err err;

	if (*place != NULL && slice_eq_str(text, (*place)->text)) {
		*out = jwk_up(*place);
		return ERR_OK;
	}
	if ((err = jwk_parse_text(text, out, cause)) != ERR_OK ||
	    (err = account_key_check(ca->config, (*out)->key, cause)) != ERR_OK ||
	    (err = blocklist_check(ca->blocked, (*out)->key, cause)) != ERR_OK)
		return err;
	jwk_free(*place);
	*place = jwk_up(*out);
	return ERR_OK;
}

bool
proof_request(
    struct ca *ca, const struct msg_issue *issue, struct jwk **jwk, struct jws **jws, struct problem *problem)
{
	struct reason cause = { "" };

	*jwk = NULL;
	*jws = NULL;
	if (memory_checked(proof_key(ca, issue->jwk, jwk, &cause)) != ERR_OK)
		problem_set(
		    problem, PROBLEM_BAD_PUBLIC_KEY, "the account's key is not acceptable: %s", cause.text);
	else if (memory_checked(jws_parse(issue->jws, jws, &cause)) != ERR_OK)
		problem_set(problem, PROBLEM_UNAUTHORIZED, "the finalize request is broken: %s", cause.text);
	else if (request_check(ca, issue, *jws, problem)) {
		/* Last, as it costs most. */
		if (jws_verify(*jws, *jwk, &cause) == ERR_OK)
			return true;
		problem_set(problem, PROBLEM_UNAUTHORIZED,
		    "the finalize request's signature doesn't verify with the account's key: %s", cause.text);
	}
	jwk_free(*jwk);
	jws_free(*jws);
	*jwk = NULL;
	*jws = NULL;
	return false;
}

/* RFC 8555, 7.4: {"csr": base64url of DER}. */
static bool
payload_read(const struct jws *jws, struct buf *der, struct problem *problem)
{
	json_t *payload = NULL;
	const char *csr;
	struct reason cause = { "" };
	bool ok = true;

	if (memory_checked(json_object_parse(jws_payload(jws), &payload, &cause)) != ERR_OK)
		return problem_set(
		    problem, PROBLEM_MALFORMED, "the finalize payload is not an object: %s", cause.text);
	if ((csr = json_member_str(payload, "csr")) == NULL)
		ok = problem_set(
		    problem, PROBLEM_BAD_CSR, "the finalize payload has no \"csr\" (RFC 8555, 7.4)");
	else if (memory_checked(base64url_get(slice_str(csr), der)) != ERR_OK)
		ok = problem_set(problem, PROBLEM_BAD_CSR,
		    "\"csr\" is not base64url without padding (RFC 8555, 7.4): send DER, not PEM");
	json_decref(payload);
	return ok;
}

bool
proof_csr(const struct ca *ca, const struct jwk *jwk, const struct jws *jws, struct csr **out, struct problem *problem)
{
	struct buf der = { 0 };
	struct reason cause = { "" };
	bool ok;

	*out = NULL;
	if (!(ok = payload_read(jws, &der, problem)))
		;
	else if (memory_checked(csr_parse_by(buf_slice(&der), ca->config->ca.names_as_asked ? CSR_NAMES_ONLY : 0, out,
		     &cause)) != ERR_OK)
		ok = problem_set(problem, PROBLEM_BAD_CSR, "%s", cause.text);
	else if (EVP_PKEY_eq((*out)->key, jwk->key) == 1) /* RFC 8555, 11.1 */
		ok = problem_set(problem, PROBLEM_BAD_CSR,
		    "the CSR's key is the account's own; make another one for the certificate (RFC 8555, "
		    "11.1)");
	buf_free(&der);
	if (!ok) {
		csr_free(*out);
		*out = NULL;
	}
	return ok;
}

/* The keys whose evidence counts: the account's, and those before it. */
struct proof {
	const struct ca *ca;
	const char *account_url;
	uint32_t challenges; /* bits of those that the configuration takes */
	int64_t now, since; /* no proof counts that is from before */
	size_t key_count;
	char keys[KEY_CHANGES_MAX + 1][JWK_THUMBPRINT_SIZE];
};

static bool
is_of_account(const struct proof *proof, const char *thumbprint)
{
	size_t i;

	for (i = 0; i < proof->key_count; i++)
		if (strcmp(thumbprint, proof->keys[i]) == 0)
			return true;
	return false;
}

/* What is said about one name: the primary's statement, and all of them. */
struct proven {
	struct evidence primary;
	struct bundle bundle;
};

/* Why the primary's statement doesn't prove this name, or NULL when it does. */
static const char *
statement_fault(const struct proof *proof, const struct evidence *statement, const struct identifier *name)
{
	bool wildcard = identifier_is_wildcard(name);

	if (!is_of_account(proof, statement->thumbprint))
		return "it was proven with another account's key";
	if (!proof_same_account(proof->ca, statement->account_url, proof->account_url))
		return "it was proven by another account";
	if (!challenge_proves(statement->method, name->type, wildcard) || (wildcard && !statement->wildcard))
		return "its method doesn't prove it";
	/* RFC 8659, 4.3: CAA can let us issue for the wildcard and not for the name. */
	if (statement->wildcard && !wildcard)
		return "only its wildcard was proven";
	if ((proof->challenges & 1u << statement->method) == 0)
		return "its challenge type is not one that this CA takes for it";
	if (statement->validated < proof->since)
		return "its proof is too old";
	if (statement->until != 0 && statement->until < proof->now)
		return "the record that proved it has ended (persistUntil)";
	if (statement->validated > proof->now + FUTURE_MAX)
		return "its proof lies in the future";
	return NULL;
}

static bool
name_check(const struct proof *proof, const struct proven *proven, size_t count, const struct identifier *name,
    struct problem *problem)
{
	struct identifier base = identifier_base(name);
	struct reason fault = { "nobody proved control of it" };
	size_t i;

	for (i = 0; i < count; i++) {
		const char *why;

		if (!identifier_eq(&proven[i].primary.identifier, &base))
			continue;
		if ((why = statement_fault(proof, &proven[i].primary, name)) != NULL)
			reason_set(&fault, "%s", why);
		else if (votes_count(proof->ca, &proven[i].bundle, &proven[i].primary, proof->now, &fault))
			return true;
	}
	problem_add(problem, PROBLEM_UNAUTHORIZED, name, "no certificate for \"%s\": %s", name->value, fault.text);
	return false;
}

/* RFC 8555, 7.3.5, as ca has to believe it: signed by the old key for this account's keyChange, carrying a
 * request that the new key signed. */
static bool
key_change_check(const struct ca *ca, struct slice text, const char *kid, struct key_change *change,
    struct problem *problem)
{
	struct reason cause = { "" };
	struct site site = ca_site(ca);
	struct target target;
	struct jws *jws;
	bool ok = false;

	memset(change, 0, sizeof(*change));
	if (jws_parse(text, &jws, &cause) != ERR_OK)
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "a key change is broken: %s", cause.text);
	if (!route_parse_url(&site, jws_url(jws), &target) || target.route != ROUTE_KEY_CHANGE)
		problem_set(
		    problem, PROBLEM_UNAUTHORIZED, "a key change was signed for another url (RFC 8555, 6.4)");
	else if (jws_kid(jws) == NULL || !proof_same_account(ca, jws_kid(jws), kid))
		problem_set(
		    problem, PROBLEM_UNAUTHORIZED, "a key change is another account's (RFC 8555, 7.3.5)");
	else if (memory_checked(key_change_read(jws, change, &cause)) != ERR_OK)
		problem_set(problem, PROBLEM_UNAUTHORIZED, "a key change doesn't hold: %s", cause.text);
	else if (!(ok = jws_verify(jws, change->old, &cause) == ERR_OK))
		problem_set(problem, PROBLEM_UNAUTHORIZED, "a key change was not signed by the old key: %s",
		    cause.text);
	jws_free(jws);
	if (!ok)
		key_change_free(change);
	return ok;
}

/* The keys from which this one took over, each link checked; oldest first, this one last. */
static bool
keys_read(struct proof *proof, const struct msg_issue *issue, const struct jwk *jwk, const char *kid,
    struct problem *problem)
{
	struct key_change change;
	size_t i;

	for (i = 0; i < issue->key_change_count; i++) {
		bool follows;

		if (!key_change_check(proof->ca, issue->key_changes[i], kid, &change, problem))
			return false;
		/* Where the link before ended, this one begins. */
		follows = i == 0 || strcmp(change.old->thumbprint, proof->keys[i]) == 0;
		memcpy(proof->keys[i], change.old->thumbprint, JWK_THUMBPRINT_SIZE);
		memcpy(proof->keys[i + 1], change.new->thumbprint, JWK_THUMBPRINT_SIZE);
		key_change_free(&change);
		if (!follows)
			return problem_set(problem, PROBLEM_UNAUTHORIZED,
			    "the account's key changes don't follow each other");
	}
	if (i > 0 && strcmp(proof->keys[i], jwk->thumbprint) != 0)
		return problem_set(problem, PROBLEM_UNAUTHORIZED,
		    "the account's key changes don't lead to the key that signed the finalize request");
	memcpy(proof->keys[i], jwk->thumbprint, JWK_THUMBPRINT_SIZE);
	proof->key_count = i + 1;
	return true;
}

bool
proof_evidence(const struct ca *ca, const struct msg_issue *issue, const struct jwk *jwk,
    const struct jws *jws, const struct profile_config *profile, const struct csr *csr, const struct ca_star *star,
    int64_t now, struct problem *problem)
{
	struct proof proof = { .ca = ca, .account_url = jws_kid(jws),
		.challenges = config_challenges(&ca->config->ra, profile), .now = now,
		.since = (star != NULL ? star->made : now) - ca->config->ra.valid_authorization_lifetime };
	struct proven *proven;
	bool ok = true;
	size_t i;

	if (issue->key_change_count > KEY_CHANGES_MAX)
		return problem_set(
		    problem, PROBLEM_UNAUTHORIZED, "there are more key changes than are allowed");
	if (!keys_read(&proof, issue, jwk, jws_kid(jws), problem))
		return false;
	if (star != NULL && !is_of_account(&proof, star->thumbprint))
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "the newOrder request was signed by another account's key");
	if (issue->evidence_count > IDENTIFIERS_MAX)
		return problem_set(
		    problem, PROBLEM_UNAUTHORIZED, "there is more evidence than an order can have");
	/* One more, as none is no reason for NULL. */
	if ((proven = calloc(issue->evidence_count + 1, sizeof(proven[0]))) == NULL)
		memory_out();
	/* A primary's statement that isn't authentic is no mistake of anybody: the whole request falls. */
	for (i = 0; ok && i < issue->evidence_count; i++)
		if (!bundle_get(issue->evidence[i], &proven[i].bundle) ||
		    !votes_primary(ca, &proven[i].bundle, &proven[i].primary))
			ok = problem_set(problem, PROBLEM_UNAUTHORIZED,
			    "the evidence of a validation is not authentic; order again");
	for (i = 0; problem->type == PROBLEM_NONE && i < csr->count; i++)
		ok = name_check(&proof, proven, issue->evidence_count, &csr->names[i], problem) && ok;
	problem_sum_up(problem, "the CA refused to sign");
	free(proven);
	return ok;
}
