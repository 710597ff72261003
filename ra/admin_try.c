/* admin_try.c: `signet try`: whether an order for a name would be taken, and whether it could be validated now. */
#include <stdlib.h>
#include <string.h>

#include "acme/route.h"
#include "lib/address.h"
#include "ra/layers.h"
#include "ra/ra.h"
#include "ra/trial.h"

/* What the command is about. */
struct subject {
	struct identifier identifier;
	enum challenge_type method;
	struct account account;	/* a zero id: nobody's */
};

static bool
read_name(struct admin_call *call, struct identifier *out)
{
	const char *name = admin_value(call->request, "name")->text;
	struct reason reason = { "" };
	struct address address;
	char text[ADDRESS_TEXT_SIZE];

	if (address_parse(name, &address)) {	/* in whichever form */
		address_text(&address, text);
		if (identifier_check(IDENTIFIER_IP, text, out, &reason) == ERR_OK)
			return true;
	} else if (identifier_check(IDENTIFIER_DNS, name, out, &reason) == ERR_OK) {
		return true;
	}
	admin_fail(call, ADMIN_MALFORMED, "%s: %s", name, reason.text);
	return false;
}

/* Without one in the command, the first that is offered and needs no account; http-01 when none is. */
static enum challenge_type
choose_method(const struct admin_call *call, const struct identifier *identifier)
{
	static const enum challenge_type plain[] = { CHALLENGE_HTTP_01, CHALLENGE_TLS_ALPN_01, CHALLENGE_DNS_01 };
	const struct admin_value *challenge = admin_value(call->request, "challenge");
	uint32_t offered = config_challenges(&call->ra->config->ra, NULL) &
	    challenge_offer(identifier->type, identifier_is_wildcard(identifier));

	if (challenge->given)
		return challenge_by_name(challenge->text);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if ((offered & 1u << plain[i]) != 0)
			return plain[i];
	return identifier_is_wildcard(identifier) ? CHALLENGE_DNS_01 : CHALLENGE_HTTP_01;
}

static bool
needs_account(enum challenge_type method)
{
	return method == CHALLENGE_DNS_ACCOUNT_01 || challenge_persists(method);
}

static bool
read_method(struct admin_call *call, struct subject *out)
{
	out->method = choose_method(call, &out->identifier);
	if (!challenge_proves(out->method, out->identifier.type, identifier_is_wildcard(&out->identifier)))
		admin_fail(call, ADMIN_MALFORMED, "%s can't prove %s; name another --challenge", challenge_name(out->method),
		    out->identifier.value);
	else if (needs_account(out->method) && !admin_value(call->request, "account")->given)
		admin_fail(call, ADMIN_MALFORMED, "what %s looks for depends on who asks: name the --account",
		    challenge_name(out->method));
	return !call->failed;
}

/* False: the command has failed. Either way account_free(&out->account). */
static bool
read_subject(struct admin_call *call, struct storage_tx *tx, struct subject *out)
{
	const struct admin_value *account = admin_value(call->request, "account");
	enum err err = ERR_OK;

	*out = (struct subject){ .method = CHALLENGE_NONE };
	if (!read_name(call, &out->identifier) || !read_method(call, out))
		return false;
	if (account->given && (err = account_get(tx, account->id, &out->account)) == ERR_NOT_FOUND)
		admin_fail(call, ADMIN_NOT_FOUND, "there is no account %s", account->text);
	else if (err != ERR_OK)
		admin_broken(call, "account_get", err);
	return !call->failed;
}

/* --- whether it would be taken --------------------------------------------------------------------- */

/* The one that is named, or the account's default. NULL with why. */
static const struct profile_config *
find_profile(const struct admin_call *call, const struct policy *policy, struct reason *reason)
{
	const struct admin_value *given = admin_value(call->request, "profile");
	const struct profile_config *profile;
	const char *name = given->text;
	char *own = NULL;

	if (!given->given && policy_profile(policy, &own))
		name = own;
	if ((profile = config_profile(policy->ca, name)) == NULL)
		reason_set(reason, "there is no profile \"%.63s\" in ca.profiles", name);
	free(own);
	return profile;
}

/* As at newOrder. False with the rule that says no. */
static bool
judge(const struct admin_call *call, const struct policy *policy, const struct subject *subject, struct reason *reason)
{
	const struct profile_config *profile = find_profile(call, policy, reason);
	struct problem problem = { .type = PROBLEM_NONE };

	if (profile == NULL)
		return false;
	if (subject->account.status == ACCOUNT_DEACTIVATED)
		reason_set(reason, "the account is deactivated");
	else if (!policy_allows_profile(policy, profile, reason))
		return false;
	else if (!policy_judge(policy, profile, &subject->identifier, 1, &problem))
		*reason = problem.sub_count > 0 ? problem.subs[0].detail : problem.detail;
	else if ((config_challenges(policy->ra, profile) & 1u << subject->method) == 0)
		reason_set(reason, "%s is not offered (ra.challenges%s, ca.profiles.%.63s.challenges)",
		    challenge_name(subject->method),
		    challenge_persists(subject->method) ? ", ra.dns_persist.issuer_domain_names" : "", profile->name);
	problem_free(&problem);
	return reason->text[0] == '\0';
}

/* False with why an order would be refused, or with the command failed. */
static bool
would_be_taken(struct admin_call *call, struct reason *reason)
{
	struct subject subject = { .method = CHALLENGE_NONE };
	struct layers layers;
	struct storage_tx *tx;
	bool taken = false;
	enum err err;

	if ((err = storage_read(call->ra->storage, &tx)) != ERR_OK) {
		admin_broken(call, "storage_read", err);
		return false;
	}
	if (read_subject(call, tx, &subject)) {
		err = layers_read(call->ra, tx, subject.account.id, subject.account.external_key, &layers);
		if (err == ERR_OK)
			taken = judge(call, &layers.policy, &subject, reason);
		else
			admin_broken(call, "layers_read", err);
		layers_free(&layers);
	}
	account_free(&subject.account);
	storage_read_end(tx);
	return taken;
}

/* --- whether it can be reached --------------------------------------------------------------------- */

static enum err
fill_check(struct admin_call *call, struct storage_tx *tx, const struct subject *subject, struct msg_check *out)
{
	struct site site = { call->ra->surface, call->ra->config->wfe.url };
	const struct account *account = &subject->account;
	struct buf url = { 0 };

	*out = (struct msg_check){ .method = subject->method, .identifier = identifier_base(&subject->identifier),
		.wildcard = identifier_is_wildcard(&subject->identifier) };
	memcpy(out->thumbprint, account->thumbprint, sizeof(out->thumbprint));
	route_url(&url, &site, ROUTE_ACCOUNT, &account->id, NULL);
	if (url.failed || url.len >= sizeof(out->account_url)) {
		buf_free(&url);
		return ERR_MEMORY;
	}
	memcpy(out->account_url, url.data, url.len);
	buf_free(&url);
	return challenge_persists(out->method) ? validation_former(call->ra, tx, account->id, out) : ERR_OK;
}

static void
try_begin(struct admin_call *call)
{
	struct subject subject = { .method = CHALLENGE_NONE };
	struct msg_check check;
	struct storage_tx *tx;
	enum err err;

	if ((err = storage_read(call->ra->storage, &tx)) != ERR_OK) {
		admin_broken(call, "storage_read", err);
		return;
	}
	if (read_subject(call, tx, &subject)) {
		if ((err = fill_check(call, tx, &subject, &check)) == ERR_OK)
			err = trial_begin(call->ra->trials, call->ra->va, &check, &call->last);
		if (err == ERR_BUSY)
			admin_fail(call, ADMIN_BUSY, "too many names are being tried; try again in a minute");
		else if (err != ERR_OK)
			admin_broken(call, "trial_begin", err);
	}
	account_free(&subject.account);
	storage_read_end(tx);
	call->more = call->wait = true;
}

static void
try_rows(struct admin_call *call, const char *votes)
{
	json_t *all = votes != NULL ? json_loads(votes, 0, NULL) : NULL, *vote;
	size_t i;

	json_array_foreach(all, i, vote) {
		bool reached = strcmp(json_string_value(json_object_get(vote, "outcome")), "agreed") == 0;

		json_object_del(vote, "outcome");
		json_object_set_new(vote, "reached", json_boolean(reached));
		admin_row(call, json_incref(vote));
	}
	json_decref(all);
}

static void
try_end(struct admin_call *call)
{
	const char *name = admin_value(call->request, "name")->text;
	struct reason reason = { "" };
	bool taken = would_be_taken(call, &reason);

	if (call->failed)
		return;
	if (!taken)
		admin_fail(call, ADMIN_CONFLICT, "an order for %s would be refused%s: %s", name,
		    call->trial == TRIAL_FAILED ? ", and it could not be validated now" : "", reason.text);
	else if (call->trial == TRIAL_FAILED)
		admin_fail(call, ADMIN_CONFLICT, "%s could not be validated now%s%s", name, call->why.text[0] != '\0' ? ": " : "",
		    call->why.text);
}

/* Three times at the least: it begins, it waits, and its rows; and once more for what is to be said after them. */
void
admin_try(struct admin_call *call)
{
	bool reached = false;
	char *votes = NULL;
	enum err err;

	if (id_is_zero(call->last)) {
		try_begin(call);
		return;
	}
	if (call->trial != TRIAL_OPEN) {
		try_end(call);
		return;
	}
	err = trial_take(call->ra->trials, call->last, &reached, &votes, &call->why);
	if (err == ERR_BUSY) {
		call->more = call->wait = true;
	} else if (err != ERR_OK) {
		admin_fail(call, ADMIN_BROKEN, "the validator did not answer; the log may say why");
	} else {
		try_rows(call, votes);
		call->trial = reached ? TRIAL_REACHED : TRIAL_FAILED;
		call->more = true;
	}
	free(votes);
}
