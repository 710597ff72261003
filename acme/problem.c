#include "acme/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jose/jws.h"

#define URN "urn:ietf:params:acme:error:"

/* RFC 8555, 6.7, and the later RFCs that registered types; statuses as PROTOCOL.md A 19 lists them. */
static const struct {
	const char	*name;
	uint16_t	 status;
} table[PROBLEM_TYPE_COUNT] = {
	[PROBLEM_NONE] = { "none", 200 },
	[PROBLEM_ACCOUNT_DOES_NOT_EXIST] = { "accountDoesNotExist", 400 },
	[PROBLEM_ALREADY_REPLACED] = { "alreadyReplaced", 409 },
	[PROBLEM_ALREADY_REVOKED] = { "alreadyRevoked", 400 },
	[PROBLEM_AUTO_RENEWAL_CANCELED] = { "autoRenewalCanceled", 403 },
	[PROBLEM_AUTO_RENEWAL_CANCELLATION_INVALID] = { "autoRenewalCancellationInvalid", 400 },
	[PROBLEM_AUTO_RENEWAL_EXPIRED] = { "autoRenewalExpired", 403 },
	[PROBLEM_AUTO_RENEWAL_REVOCATION_NOT_SUPPORTED] = { "autoRenewalRevocationNotSupported", 403 },
	[PROBLEM_BAD_CSR] = { "badCSR", 400 },
	[PROBLEM_BAD_NONCE] = { "badNonce", 400 },
	[PROBLEM_BAD_PUBLIC_KEY] = { "badPublicKey", 400 },
	[PROBLEM_BAD_REVOCATION_REASON] = { "badRevocationReason", 400 },
	[PROBLEM_BAD_SIGNATURE_ALGORITHM] = { "badSignatureAlgorithm", 400 },
	[PROBLEM_CAA] = { "caa", 403 },
	[PROBLEM_COMPOUND] = { "compound", 400 },
	[PROBLEM_CONNECTION] = { "connection", 400 },
	[PROBLEM_DNS] = { "dns", 400 },
	[PROBLEM_EXTERNAL_ACCOUNT_REQUIRED] = { "externalAccountRequired", 403 },
	[PROBLEM_INCORRECT_RESPONSE] = { "incorrectResponse", 400 },
	[PROBLEM_INVALID_CONTACT] = { "invalidContact", 400 },
	[PROBLEM_INVALID_PROFILE] = { "invalidProfile", 400 },
	[PROBLEM_MALFORMED] = { "malformed", 400 },
	[PROBLEM_ORDER_NOT_READY] = { "orderNotReady", 403 },
	[PROBLEM_RATE_LIMITED] = { "rateLimited", 429 },
	[PROBLEM_REJECTED_IDENTIFIER] = { "rejectedIdentifier", 400 },
	[PROBLEM_SERVER_INTERNAL] = { "serverInternal", 500 },
	[PROBLEM_TLS] = { "tls", 400 },
	[PROBLEM_UNAUTHORIZED] = { "unauthorized", 403 },
	[PROBLEM_UNSUPPORTED_CONTACT] = { "unsupportedContact", 400 },
	[PROBLEM_UNSUPPORTED_IDENTIFIER] = { "unsupportedIdentifier", 400 },
	[PROBLEM_USER_ACTION_REQUIRED] = { "userActionRequired", 403 },
};

const char *
problem_name(enum problem_type type)
{
	return (unsigned)type < PROBLEM_TYPE_COUNT ? table[type].name : "none";
}

enum problem_type
problem_by_name(const char *name)
{
	for (unsigned i = 1; i < PROBLEM_TYPE_COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return (enum problem_type)i;
	return PROBLEM_NONE;
}

uint16_t
problem_status(enum problem_type type)
{
	return (unsigned)type < PROBLEM_TYPE_COUNT ? table[type].status : 500;
}

bool
problem_set(struct problem *problem, enum problem_type type, const char *format, ...)
{
	char	text[REASON_MAX];
	va_list ap;

	problem->type = type;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	reason_set(&problem->detail, "%s", text);
	return false;
}

bool
problem_said(struct problem *problem, enum said said, const char *about)
{
	problem->said = said;
	snprintf(problem->about, sizeof(problem->about), "%s", about);
	return false;
}

void
problem_add(struct problem *problem, enum problem_type type, const struct identifier *identifier,
    const char *format, ...)
{
	struct subproblem	*sub;
	char			 text[REASON_MAX];
	va_list			 ap;

	if (problem->subs == NULL)
		problem->subs = calloc(PROBLEM_SUBS_MAX, sizeof(*problem->subs));
	if (problem->subs == NULL || problem->sub_count == PROBLEM_SUBS_MAX)
		return;
	sub = &problem->subs[problem->sub_count++];
	sub->type = type;
	sub->identifier = *identifier;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	reason_set(&sub->detail, "%s", text);
}

bool
problem_names(const struct problem *problem, const struct identifier *identifier)
{
	for (size_t i = 0; i < problem->sub_count; i++)
		if (identifier_eq(&problem->subs[i].identifier, identifier))
			return true;
	return false;
}

void
problem_sum_up(struct problem *problem, const char *what)
{
	if (problem->sub_count == 0)
		return;
	problem->type = problem->subs[0].type;
	for (size_t i = 1; i < problem->sub_count; i++)
		if (problem->subs[i].type != problem->type)
			problem->type = PROBLEM_COMPOUND;
	/* One cause is told whole, so that a client which prints only the top level tells it. */
	if (problem->sub_count == 1)
		reason_set(&problem->detail, "%s: %s", what, problem->subs[0].detail.text);
	else
		reason_set(&problem->detail, "%s: %zu identifiers were refused; the first: %s", what,
		    problem->sub_count, problem->subs[0].detail.text);
}

void
problem_free(struct problem *problem)
{
	if (problem == NULL)
		return;
	free(problem->subs);
	free(problem->instance);
	memset(problem, 0, sizeof(*problem));
}

static int
add_type(json_t *object, enum problem_type type, const char *detail)
{
	char urn[sizeof(URN) + 64];

	snprintf(urn, sizeof(urn), URN "%s", problem_name(type));
	return json_object_set_new(object, "type", json_string(urn)) |
	    json_object_set_new(object, "detail", json_string(detail));
}

/* RFC 8555, 6.2: which algorithms the client may try instead. */
static int
add_algorithms(json_t *object)
{
	json_t *list = json_array();
	int	failed = list == NULL;

	for (const char *const *name = jws_algorithms(); *name != NULL; name++)
		failed |= json_array_append_new(list, json_string(*name));
	return failed | json_object_set_new(object, "algorithms", list);
}

static int
add_subproblems(json_t *object, const struct problem *problem)
{
	json_t *list = json_array();
	int	failed = list == NULL;

	for (size_t i = 0; i < problem->sub_count; i++) {
		const struct subproblem *sub = &problem->subs[i];
		json_t			*item = json_object();

		failed |= item == NULL || add_type(item, sub->type, sub->detail.text) |
			json_object_set_new(item, "identifier", identifier_json(&sub->identifier));
		failed |= json_array_append_new(list, item);
	}
	return failed | json_object_set_new(object, "subproblems", list);
}

json_t *
problem_json(const struct problem *problem)
{
	json_t	*object = json_object();
	uint16_t status = problem->status != 0 ? problem->status : problem_status(problem->type);
	int	 failed;

	if (object == NULL)
		return NULL;
	failed = add_type(object, problem->type, problem->detail.text) |
	    json_object_set_new(object, "status", json_integer(status));
	if (problem->type == PROBLEM_BAD_SIGNATURE_ALGORITHM)
		failed |= add_algorithms(object);
	if (problem->sub_count > 0 && !problem->lone)
		failed |= add_subproblems(object, problem);
	if (problem->instance != NULL)
		failed |= json_object_set_new(object, "instance", json_string(problem->instance));
	if (failed != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

json_t *
problem_json_parse(const char *text)
{
	return json_loads(text, JSON_REJECT_DUPLICATES, NULL);
}

/* serverInternal when it is none of ours. */
static enum problem_type
read_type(const json_t *json)
{
	const char *type = json_string_value(json_object_get(json, "type"));
	enum problem_type known = PROBLEM_NONE;

	if (type != NULL && strncmp(type, URN, strlen(URN)) == 0)
		known = problem_by_name(type + strlen(URN));
	return known != PROBLEM_NONE ? known : PROBLEM_SERVER_INTERNAL;
}

static void
read_subproblem(const json_t *json, struct problem *out)
{
	const char *detail = json_string_value(json_object_get(json, "detail"));
	struct identifier identifier;

	if (detail != NULL && identifier_parse(json_object_get(json, "identifier"), &identifier, NULL) == ERR_OK)
		problem_add(out, read_type(json), &identifier, "%s", detail);
}

void
problem_read(const char *text, struct problem *out)
{
	json_t	   *json = problem_json_parse(text), *sub;
	const char *detail = json_string_value(json_object_get(json, "detail"));
	size_t	    i;

	out->type = read_type(json);
	reason_set(&out->detail, "%s", detail != NULL ? detail : "no cause was kept");
	json_array_foreach(json_object_get(json, "subproblems"), i, sub)
		read_subproblem(sub, out);
	json_decref(json);
}
