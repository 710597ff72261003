#include "ra/faults.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/chance.h"
#include "lib/json.h"

#define RULES_MAX 100
#define DELAY_MAX 600000	/* ms; a client that waits longer has no test for it */

struct rule {
	enum route	route;		/* ROUTE_NONE: any */
	struct id	account;	/* zero: any */
	int64_t		nth, percent, times;	/* 0, 100 and 0: each, all, without end */
	uint32_t	met, done;
	struct fault	fault;
};

struct faults {
	pthread_mutex_t	lock;
	struct rule	rules[RULES_MAX];
	size_t		count;
	json_t		*script;	/* an array */
};

struct faults *
faults_new(void)
{
	struct faults *faults = calloc(1, sizeof(*faults));

	if (faults == NULL || (faults->script = json_array()) == NULL) {
		free(faults);
		return NULL;
	}
	pthread_mutex_init(&faults->lock, NULL);
	return faults;
}

/* --- reading a rule ------------------------------------------------------------------------------------ */

struct reading {
	const struct surface	*surface;
	const json_t		*object;
	size_t			 position;
	struct reason		*reason;
};

static bool
bad(struct reading *r, const char *name, const char *what)
{
	reason_set(r->reason, "faults[%zu]: \"%s\" %s", r->position, name, what);
	return false;
}

static bool
read_number(struct reading *r, const char *name, int64_t min, int64_t max, int64_t otherwise, int64_t *out)
{
	const json_t *member = json_object_get(r->object, name);

	*out = otherwise;
	if (member == NULL)
		return true;
	*out = json_integer_value(member);
	return (json_is_integer(member) && *out >= min && *out <= max) || bad(r, name, "is no number in its bounds");
}

/* One of some words; otherwise when it isn't there. */
static bool
read_word(struct reading *r, const char *name, const char *const *words, unsigned *out)
{
	const json_t *member = json_object_get(r->object, name);
	const char   *text = json_string_value(member);

	*out = 0;
	if (member == NULL)
		return true;
	for (unsigned i = 1; text != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0) {
			*out = i;
			return true;
		}
	return bad(r, name, "is none of the words that stand there");
}

static bool
read_problem(struct reading *r, const char *name, enum problem_type *out)
{
	const json_t *member = json_object_get(r->object, name);

	*out = PROBLEM_NONE;
	if (member == NULL)
		return true;
	if (json_is_string(member))
		*out = problem_by_name(json_string_value(member));
	return *out != PROBLEM_NONE || bad(r, name, "is no problem type of RFC 8555, 6.7, without its prefix");
}

static bool
read_target(struct reading *r, struct rule *rule)
{
	const json_t *endpoint = json_object_get(r->object, "endpoint"), *account = json_object_get(r->object, "account");
	struct site   any = { r->surface, NULL };
	struct target target;

	for (unsigned i = 1; json_is_string(endpoint) && i < ROUTE_COUNT; i++)
		if (strcmp(route_name((enum route)i), json_string_value(endpoint)) == 0)
			rule->route = (enum route)i;
	if (endpoint != NULL && rule->route == ROUTE_NONE)
		return bad(r, "endpoint", "is no endpoint; new-account, new-order, finalize, challenge, ... are");
	if (account == NULL)
		return true;
	if (!json_is_string(account) || !route_parse_url(&any, json_string_value(account), &target) ||
	    target.route != ROUTE_ACCOUNT || target.nowhere)
		return bad(r, "account", "is no account's URL");
	rule->account = target.id;
	return true;
}

static bool
read_answer(struct reading *r, struct fault *fault)
{
	static const char *const forms[] = { "", "date", "seconds", NULL };
	const char *detail = json_member_str(r->object, "detail");
	int64_t	    status, after;
	unsigned    form;

	if (!read_number(r, "status", 200, 599, 0, &status) || !read_problem(r, "type", &fault->type) ||
	    !read_number(r, "retryAfter", 1, 86400, 0, &after) || !read_word(r, "retryAfterForm", forms, &form))
		return false;
	if (fault->type != PROBLEM_NONE && status == 0)
		status = problem_status(fault->type);
	if (status != 0 && fault->type == PROBLEM_NONE)
		fault->type = status == 429 ? PROBLEM_RATE_LIMITED : PROBLEM_SERVER_INTERNAL;
	fault->status = (uint16_t)status;
	fault->retry_after = (uint32_t)after;
	fault->retry_date = form == 1;
	snprintf(fault->detail, sizeof(fault->detail), "%s", detail != NULL ? detail : "a fault script said so");
	return true;
}

static bool
read_wire(struct reading *r, struct fault *fault)
{
	static const char *const connections[] = { "", "reset", "truncate", NULL };
	static const char *const nonces[] = { "", "missing", "stale", NULL };
	static const char *const types[] = { "?", "", "text/plain", "text/html", "application/xml", NULL };
	static const enum media_type media[] = { MEDIA_NONE, MEDIA_NONE, MEDIA_TEXT, MEDIA_HTML, MEDIA_XML };
	unsigned connection, nonce, type;

	if (!read_word(r, "connection", connections, &connection) || !read_word(r, "nonce", nonces, &nonce) ||
	    !read_word(r, "contentType", types, &type))
		return false;
	fault->connection = (enum wire_fault)connection;
	fault->nonce = (enum nonce_fault)nonce;
	fault->has_media = type != 0;
	fault->media = media[type];
	return true;
}

static bool
read_rule(struct reading *r, struct rule *rule)
{
	struct fault *fault = &rule->fault;

	if (!json_is_object(r->object))
		return bad(r, "", "is no object");
	return read_target(r, rule) && read_number(r, "nth", 1, 1000000, 0, &rule->nth) &&
	    read_number(r, "percent", 0, 100, 100, &rule->percent) &&
	    read_number(r, "times", 1, 1000000, 0, &rule->times) && read_answer(r, fault) && read_wire(r, fault) &&
	    read_number(r, "delay", 0, DELAY_MAX, 0, &fault->delay) &&
	    read_number(r, "issuanceDelay", 0, DELAY_MAX, 0, &fault->issuance_delay) &&
	    read_number(r, "validationDelay", 0, DELAY_MAX, 0, &fault->validation_delay) &&
	    read_problem(r, "validationError", &fault->validation_error);
}

enum err
faults_set(struct faults *faults, const struct surface *surface, const json_t *script, struct reason *reason)
{
	json_t	      *list = json_object_get(script, "faults");
	struct reading r = { .surface = surface, .reason = reason };
	struct rule   *rules = calloc(RULES_MAX, sizeof(*rules));
	enum err       err = ERR_OK;

	if (rules == NULL)
		return ERR_MEMORY;
	if (!json_is_array(list) || json_array_size(list) > RULES_MAX) {
		reason_set(reason, "\"faults\" is a list of at most %d rules", RULES_MAX);
		err = ERR_MALFORMED;
	}
	for (; err == ERR_OK && r.position < json_array_size(list); r.position++) {
		r.object = json_array_get(list, r.position);
		if (!read_rule(&r, &rules[r.position]))
			err = ERR_MALFORMED;
	}
	if (err == ERR_OK) {
		pthread_mutex_lock(&faults->lock);
		memcpy(faults->rules, rules, RULES_MAX * sizeof(*rules));
		faults->count = json_array_size(list);
		json_decref(faults->script);
		faults->script = json_deep_copy(list);
		pthread_mutex_unlock(&faults->lock);
	}
	free(rules);
	return err;
}

json_t *
faults_show(struct faults *faults)
{
	json_t *list;

	pthread_mutex_lock(&faults->lock);
	list = json_deep_copy(faults->script);
	for (size_t i = 0; i < faults->count; i++) {
		json_object_set_new(json_array_get(list, i), "met", json_integer(faults->rules[i].met));
		json_object_set_new(json_array_get(list, i), "done", json_integer(faults->rules[i].done));
	}
	pthread_mutex_unlock(&faults->lock);
	return json_pack("{s:o}", "faults", list);
}

/* --- applying them ------------------------------------------------------------------------------------------ */

static bool
meets(struct rule *rule, enum route route, const struct id *account)
{
	if ((rule->route != ROUTE_NONE && rule->route != route) ||
	    (!id_is_zero(rule->account) && !id_eq(rule->account, *account)) ||
	    (rule->times != 0 && rule->done >= rule->times))
		return false;
	rule->met++;
	if ((rule->nth != 0 && rule->met != rule->nth) || !chance_percent(CHANCE_FAULT, rule->percent))
		return false;
	rule->done++;
	return true;
}

bool
faults_meet(struct faults *faults, enum route route, const struct id *account, struct fault *out)
{
	bool met = false;

	pthread_mutex_lock(&faults->lock);
	for (size_t i = 0; i < faults->count && !met; i++)
		if ((met = meets(&faults->rules[i], route, account)))
			*out = faults->rules[i].fault;
	pthread_mutex_unlock(&faults->lock);
	return met;
}
