#include <stdlib.h>
#include <string.h>

#include "acme/route.h"
#include "lib/clock.h"
#include "ra/ra.h"
#include "ra/trial.h"

/* --- authz show ------------------------------------------------------------------------------------ */

static void
add_time(json_t *json, const char *name, int64_t seconds)
{
	char text[CLOCK_RFC3339_SIZE];

	if (seconds == 0)
		return;
	clock_rfc3339(seconds, text);
	json_object_set_new(json, name, json_string(text));
}

static void
add_json(json_t *json, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_object_set_new(json, name, json_loads(text, 0, NULL));
}

/* Whose statements ca would count. */
static json_t *
statements_json(const struct authorization *a)
{
	struct bundle bundle;
	char name[PERSPECTIVE_MAX + 1];
	json_t *all = json_array();

	if (a->evidence.len > 0 && bundle_get(buf_slice(&a->evidence), &bundle))
		for (size_t i = 0; i < bundle.count; i++)
			if (evidence_by(bundle.statements[i], name))
				json_array_append_new(all, json_string(name));
	return all;
}

static json_t *
authz_row(const struct authorization *a, const char *votes)
{
	char id[ID_TEXT_SIZE], account[ID_TEXT_SIZE];
	json_t *json;

	id_text(a->id, id);
	id_text(a->account, account);
	json = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "id", id, "account", account, "identifier",
	    a->identifier.value, "wildcard", a->wildcard, "status",
	    authorization_status_text(a->state, a->expires, clock_now()), "challenge", challenge_name(a->tried));
	if (json == NULL)
		return NULL;
	add_time(json, "expires", a->expires);
	add_time(json, "validated", a->validated);
	add_time(json, "caaChecked", a->caa_checked);
	add_time(json, "nextTry", a->next_try);
	add_json(json, "error", a->error);
	add_json(json, "record", a->record);
	json_object_set_new(json, "statements", statements_json(a));
	add_json(json, "votes", votes);
	return json;
}

void
admin_authz_show(struct admin_call *call)
{
	const struct admin_value *id = admin_value(call->request, "id");
	struct authorization authorization;
	char *votes = NULL;
	struct storage_tx *tx;
	enum err err;

	if ((err = storage_read(call->ra->storage, &tx)) == ERR_OK) {
		if ((err = authorization_get(tx, id->id, &authorization)) == ERR_OK &&
		    (err = authorization_votes(tx, id->id, &votes)) != ERR_OK)
			authorization_free(&authorization);
		storage_read_end(tx);
	}
	if (err == ERR_OK) {
		admin_row(call, authz_row(&authorization, votes));
		authorization_free(&authorization);
	} else if (err == ERR_NOT_FOUND) {
		admin_fail(call, ADMIN_NOT_FOUND, "there is no authorization %s; those that ended are forgotten after a while",
		    id->text);
	} else {
		admin_broken(call, "authorization_get", err);
	}
	free(votes);
}

/* --- try -------------------------------------------------------------------------------------------- */

/* False: the command has failed. */
static bool
subject_read(struct admin_call *call, struct identifier *identifier, enum challenge_type *method)
{
	const struct admin_value *name = admin_value(call->request, "name");
	const struct admin_value *challenge = admin_value(call->request, "challenge");
	struct reason reason = { "" };

	*method = challenge->given ? challenge_by_name(challenge->text) : CHALLENGE_HTTP_01;
	if (identifier_check(IDENTIFIER_IP, name->text, identifier, NULL) != ERR_OK &&
	    identifier_check(IDENTIFIER_DNS, name->text, identifier, &reason) != ERR_OK) {
		admin_fail(call, ADMIN_MALFORMED, "%s: %s", name->text, reason.text);
		return false;
	}
	if (!challenge_proves(*method, identifier->type, identifier_is_wildcard(identifier))) {
		admin_fail(call, ADMIN_MALFORMED, "%s can't prove %s; name another --challenge", challenge_name(*method),
		    identifier->value);
		return false;
	}
	return true;
}

static void
try_begin(struct admin_call *call)
{
	struct identifier identifier;
	enum challenge_type method;
	struct buf url = { 0 };
	const struct id nobody = { { 0 } };
	char *account;
	enum err err = ERR_MEMORY;

	if (!subject_read(call, &identifier, &method))
		return;
	route_url(&url, &(struct site){ call->ra->surface, call->ra->config->wfe.url }, ROUTE_ACCOUNT, &nobody, NULL);
	if ((account = buf_take_str(&url)) != NULL)
		err = trial_begin(call->ra->trials, call->ra->va, &identifier, method, account, &call->last);
	free(account);
	if (err == ERR_BUSY)
		admin_fail(call, ADMIN_BUSY, "too many names are being tried; try again in a minute");
	else if (err != ERR_OK)
		admin_broken(call, "trial_begin", err);
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

/* Three times at the least: it begins, it waits, and its rows; and once more to fail, when the answer is no. */
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
	if (call->rows > 0) {
		admin_fail(call, ADMIN_CONFLICT, "%s could not be validated now", admin_value(call->request, "name")->text);
		return;
	}
	err = trial_take(call->ra->trials, call->last, &reached, &votes);
	if (err == ERR_BUSY) {
		call->more = call->wait = true;
	} else if (err != ERR_OK) {
		admin_fail(call, ADMIN_BROKEN, "the validator did not answer; the log may say why");
	} else {
		try_rows(call, votes);
		call->more = !reached;
	}
	free(votes);
}
