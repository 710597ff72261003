#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "ra/ra.h"

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
