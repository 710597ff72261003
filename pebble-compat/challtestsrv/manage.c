#include "pebble-compat/challtestsrv/manage.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/address.h"
#include "lib/json.h"
#include "pebble-compat/challtestsrv/message.h"
#include "pebble-compat/golog.h"

#define TAG_MAX 255		/* one octet says how long it is: RFC 8659, 4.1 */
#define JSON_INDENT_GO 3

static unsigned groups_open;

struct endpoint;
struct call {
	const struct endpoint	*endpoint;
	struct store		*store;
	json_t			*request;
	const char		*key;
	struct reason		 reason;
	struct http_answer	*answer;
};

/* One request; false: refused, with the reason. */
typedef bool act(struct call *);

struct endpoint {
	const char	*path;
	unsigned	 group;		/* 0: always there */
	act		*act;
	int		 table;		/* enum table, or enum history */
	const char	*key, *value;	/* the members' names; no key: "" */
};

static bool
refuse(struct call *call, const char *what, const char *member)
{
	reason_set(&call->reason, "%s %s", member, what);
	return false;
}

/* As Go reads members: whatever the case of their names, the last one wins, null is as if it weren't there. */
static json_t *
member(json_t *object, const char *name)
{
	const char	*key;
	json_t		*value, *found = NULL;

	json_object_foreach(object, key, value) {
		if (strcasecmp(key, name) == 0 && !json_is_null(value))
			found = value;
	}
	return found;
}

/* "" when it isn't there. NULL: it is of another type. */
static const char *
text_get(struct call *call, const char *name)
{
	json_t *value = member(call->request, name);

	if (value == NULL)
		return "";
	if (!json_is_string(value))
		(void)refuse(call, "is not a string", name);
	return json_string_value(value);
}

static const char *
text_required(struct call *call, const char *name)
{
	const char *text = text_get(call, name);

	if (text == NULL || text[0] != '\0')
		return text;
	(void)refuse(call, "is missing or empty", name);
	return NULL;
}

static bool
stored(struct call *call, bool done)
{
	return done ? true : refuse(call, "was not kept: out of memory", "the request");
}

static json_t *
one(const char *text)
{
	return json_pack("[s]", text);
}

static bool
set_text(struct call *call)
{
	const char *text = text_required(call, call->endpoint->value);

	return text != NULL && stored(call, store_set(call->store, (enum table)call->endpoint->table, call->key, one(text)));
}

/* What would end up in a header. */
static bool
set_redirect(struct call *call)
{
	const char *text = text_required(call, call->endpoint->value);

	for (const char *c = text; c != NULL && *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return refuse(call, "holds a control character", call->endpoint->value);
	}
	return text != NULL && set_text(call);
}

static bool
set_name(struct call *call)
{
	const char	*text = text_required(call, call->endpoint->value);
	struct dns_name	 name;

	if (text != NULL && !name_read(text, &name))
		return refuse(call, "is no DNS name", call->endpoint->value);
	return text != NULL && set_text(call);
}

/* An address stands for its reverse name, which is what a validator sends in SNI (RFC 8738, 6). */
static bool
set_tlsalpn(struct call *call)
{
	struct address	address;
	char		reverse[ADDRESS_REVERSE_SIZE];

	if (address_parse(call->key, &address)) {
		address_reverse(&address, reverse);
		call->key = reverse;
	}
	return call->endpoint->value != NULL ? set_text(call) :
	    stored(call, store_remove(call->store, TABLE_TLSALPN01, call->key));
}

static bool
append_text(struct call *call)
{
	const char *text = text_required(call, call->endpoint->value);

	return text != NULL && stored(call, store_append(call->store, (enum table)call->endpoint->table, call->key, one(text)));
}

/* The array, which has elements; NULL: refused. */
static json_t *
array_required(struct call *call)
{
	json_t *values = member(call->request, call->endpoint->value);

	if (json_is_array(values) && json_array_size(values) > 0)
		return values;
	(void)refuse(call, values == NULL || json_is_array(values) ? "is missing or empty" : "is not an array",
	    call->endpoint->value);
	return NULL;
}

static bool
append_addresses(struct call *call)
{
	json_t	*values = array_required(call), *value;
	size_t	 i;

	if (values == NULL)
		return false;
	json_array_foreach(values, i, value) {
		if (!json_is_string(value))
			return refuse(call, "holds something that is not a string", call->endpoint->value);
	}
	return stored(call, store_append(call->store, (enum table)call->endpoint->table, call->key, json_deep_copy(values)));
}

/* A policy's member, "" when it isn't there; NULL: it is of another type. */
static const char *
policy_text(json_t *policy, const char *name)
{
	json_t *value = member(policy, name);

	return value == NULL ? "" : json_string_value(value);
}

static bool
append_policies(struct call *call)
{
	json_t	*policies = array_required(call), *policy, *kept = json_array();
	size_t	 i;

	json_array_foreach(policies, i, policy) {
		const char	*tag = policy_text(policy, "tag"), *value = policy_text(policy, "value");

		if (!json_is_object(policy) || tag == NULL || value == NULL || strlen(tag) > TAG_MAX ||
		    strlen(value) > UINT16_MAX - TAG_MAX - 2) {
			json_decref(kept);
			return refuse(call, "holds something that is not {\"tag\": text, \"value\": text}",
			    call->endpoint->value);
		}
		(void)json_array_append_new(kept, json_pack("{s:s,s:s}", "tag", tag, "value", value));
	}
	if (policies == NULL) {
		json_decref(kept);
		return false;
	}
	return stored(call, store_append(call->store, TABLE_CAA, call->key, kept));
}

static bool
set_mark(struct call *call)
{
	return stored(call, store_set(call->store, (enum table)call->endpoint->table, call->key, json_pack("[b]", 1)));
}

static bool
clear(struct call *call)
{
	return stored(call, store_remove(call->store, (enum table)call->endpoint->table, call->key));
}

/* The empty text, or none, is no default. */
static bool
set_default(struct call *call, const char *family)
{
	const char *text = text_get(call, call->endpoint->value);

	if (text == NULL)
		return false;
	return stored(call, text[0] == '\0' ? store_remove(call->store, TABLE_DEFAULT, family) :
	    store_set(call->store, TABLE_DEFAULT, family, one(text)));
}

static bool
set_default_ipv4(struct call *call)
{
	return set_default(call, "ipv4");
}

static bool
set_default_ipv6(struct call *call)
{
	return set_default(call, "ipv6");
}

static bool
history(struct call *call)
{
	json_t	*events = store_events(call->store, (enum history)call->endpoint->table, call->key);
	char	*text = events != NULL ? json_dumps(events, JSON_INDENT(JSON_INDENT_GO)) : NULL;

	if (text != NULL)
		buf_put_str(&call->answer->body, text);
	call->answer->type = "application/json; charset=utf-8";
	json_decref(events);
	free(text);
	return stored(call, text != NULL);
}

static bool
clear_history(struct call *call)
{
	static const char *const	 names[HISTORY_COUNT] = { "http", "dns", "tlsalpn" };
	const char			*type = text_get(call, call->endpoint->value);

	for (int i = 0; type != NULL && i < HISTORY_COUNT; i++) {
		if (strcmp(type, names[i]) == 0)
			return stored(call, store_forget(call->store, (enum history)i, call->key));
	}
	if (type != NULL)
		reason_set(&call->reason, "\"%s\" event type unknown: it is http, dns or tlsalpn", type);
	return false;
}

static const struct endpoint endpoints[] = {
	{ "/add-http01", MANAGE_HTTP, set_text, TABLE_HTTP01, "token", "content" },
	{ "/del-http01", MANAGE_HTTP, clear, TABLE_HTTP01, "token", NULL },
	{ "/add-redirect", MANAGE_HTTP, set_redirect, TABLE_REDIRECT, "path", "targetURL" },
	{ "/del-redirect", MANAGE_HTTP, clear, TABLE_REDIRECT, "path", NULL },
	{ "/set-default-ipv4", MANAGE_DNS, set_default_ipv4, TABLE_DEFAULT, NULL, "ip" },
	{ "/set-default-ipv6", MANAGE_DNS, set_default_ipv6, TABLE_DEFAULT, NULL, "ip" },
	{ "/set-txt", MANAGE_DNS, append_text, TABLE_TXT, "host", "value" },
	{ "/clear-txt", MANAGE_DNS, clear, TABLE_TXT, "host", NULL },
	{ "/add-a", MANAGE_DNS, append_addresses, TABLE_A, "host", "addresses" },
	{ "/clear-a", MANAGE_DNS, clear, TABLE_A, "host", NULL },
	{ "/add-aaaa", MANAGE_DNS, append_addresses, TABLE_AAAA, "host", "addresses" },
	{ "/clear-aaaa", MANAGE_DNS, clear, TABLE_AAAA, "host", NULL },
	{ "/add-caa", MANAGE_DNS, append_policies, TABLE_CAA, "host", "policies" },
	{ "/clear-caa", MANAGE_DNS, clear, TABLE_CAA, "host", NULL },
	{ "/set-cname", MANAGE_DNS, set_name, TABLE_CNAME, "host", "target" },
	{ "/clear-cname", MANAGE_DNS, clear, TABLE_CNAME, "host", NULL },
	{ "/set-servfail", MANAGE_DNS, set_mark, TABLE_SERVFAIL, "host", NULL },
	{ "/clear-servfail", MANAGE_DNS, clear, TABLE_SERVFAIL, "host", NULL },
	{ "/add-tlsalpn01", MANAGE_TLSALPN, set_tlsalpn, TABLE_TLSALPN01, "host", "content" },
	{ "/del-tlsalpn01", MANAGE_TLSALPN, set_tlsalpn, TABLE_TLSALPN01, "host", NULL },
	{ "/http-request-history", 0, history, HISTORY_HTTP, "host", NULL },
	{ "/dns-request-history", 0, history, HISTORY_DNS, "host", NULL },
	{ "/tlsalpn01-request-history", 0, history, HISTORY_TLSALPN, "host", NULL },
	{ "/clear-request-history", 0, clear_history, 0, "host", "type" },
};

void
manage_open(unsigned groups)
{
	groups_open = groups;
}

static const struct endpoint *
endpoint_find(const char *path)
{
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (strcmp(endpoints[i].path, path) == 0)
			return endpoints[i].group == 0 || (endpoints[i].group & groups_open) ? &endpoints[i] : NULL;
	}
	return NULL;
}

static bool
run(struct call *call, struct slice body)
{
	if (body.len == 0) {
		reason_set(&call->reason, "expected JSON POST body, was empty");
		return false;
	}
	if (json_object_parse(body, &call->request, &call->reason) != ERR_OK)
		return false;
	call->key = call->endpoint->key != NULL ? text_required(call, call->endpoint->key) : "";
	return call->key != NULL && call->endpoint->act(call);
}

static void
say(const struct call *call)
{
	char *text = json_dumps(call->request, JSON_COMPACT);

	golog("%s %s", call->endpoint->path, text != NULL ? text : "");
	free(text);
}

void
manage_serve(struct store *store, const struct http_request *request, struct http_answer *answer)
{
	struct call call = { .endpoint = endpoint_find(request->path), .store = store, .answer = answer };

	if (call.endpoint == NULL) {
		answer->status = 404;
		reason_set(&call.reason, "404 page not found");
	} else if (run(&call, request->body)) {
		if (call.endpoint->act != history)
			say(&call);
	} else {
		answer->status = 400;
	}
	if (answer->status != 200) {
		answer->type = "text/plain; charset=utf-8";
		buf_clear(&answer->body);
		buf_printf(&answer->body, "%s\n", call.reason.text);
	}
	json_decref(call.request);
}
