#include "ra/order_view.h"

#include <string.h>

#include "acme/problem.h"
#include "acme/route.h"
#include "lib/clock.h"

enum order_status
order_status_at(const struct order *order, const struct authorization *authorizations, size_t count,
    int64_t now)
{
	size_t valid = 0;

	switch (order->state) {
	case ORDER_PROCESSING:
		return ORDER_STATUS_PROCESSING;
	case ORDER_VALID:
		return ORDER_STATUS_VALID;
	case ORDER_INVALID:
		return ORDER_STATUS_INVALID;
	case ORDER_CANCELED:
		return ORDER_STATUS_CANCELED;
	case ORDER_OPEN:
		break;
	}
	if (order->expires <= now)
		return ORDER_STATUS_INVALID;
	for (size_t i = 0; i < count; i++) {
		const struct authorization *authorization = &authorizations[i];

		/* In processing the validation decides, not the time: "invalid" could not be taken back. */
		if (authorization->state >= AUTHORIZATION_INVALID ||
		    (authorization->expires <= now && authorization->state != AUTHORIZATION_PROCESSING))
			return ORDER_STATUS_INVALID;
		valid += authorization->state == AUTHORIZATION_VALID;
	}
	return valid == count ? ORDER_STATUS_READY : ORDER_STATUS_PENDING;
}

static json_t *
url_json(const struct site *site, enum route route, const struct id *id, const char *tail)
{
	struct buf url = { 0 };
	json_t	  *text;

	route_url(&url, site, route, id, tail);
	text = url.failed ? NULL : json_stringn((const char *)url.data, url.len);
	buf_free(&url);
	return text;
}

static json_t *
time_json(int64_t seconds)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(seconds, text);
	return json_string(text);
}

/* Why an open order is invalid: one subproblem for each authorization that failed (RFC 8555, 6.7.1). */
static json_t *
derived_error(const struct order *order, const struct authorization *authorizations, size_t count,
    int64_t now)
{
	struct problem problem = { 0 };
	json_t	      *json;

	for (size_t i = 0; i < count; i++) {
		const struct authorization *one = &authorizations[i];
		struct problem		    cause = { 0 };

		if (one->error != NULL)
			problem_read(one->error, &cause);
		else
			problem_set(&cause, PROBLEM_UNAUTHORIZED, "the validation failed");
		if (one->state == AUTHORIZATION_INVALID)
			problem_add(&problem, cause.type, &one->identifier, "%s", cause.detail.text);
		else if (one->state > AUTHORIZATION_INVALID ||
		    (one->expires <= now && one->state != AUTHORIZATION_PROCESSING))
			problem_add(&problem, PROBLEM_UNAUTHORIZED, &one->identifier,
			    "the authorization is %s",
			    one->expires <= now ? "expired" :
						  authorization_status_text(one->state, one->expires, now));
	}
	if (problem.sub_count > 0)
		problem_sum_up(&problem, "an authorization of this order failed");
	else
		problem_set(&problem, PROBLEM_UNAUTHORIZED,
		    "the order expired before it was finalized (RFC 8555, 7.1.6)");
	(void)order;
	json = problem_json(&problem);
	problem_free(&problem);
	return json;
}

static int
add_lists(json_t *object, const struct site *site, const struct order *order,
    const struct authorization *authorizations, size_t count)
{
	json_t *identifiers = json_array(), *urls = json_array();
	int	failed = 0;

	for (size_t i = 0; i < order->identifier_count; i++)
		failed |= json_array_append_new(identifiers, identifier_json(&order->identifiers[i]));
	for (size_t i = 0; i < count; i++)
		failed |= json_array_append_new(urls,
		    url_json(site, ROUTE_AUTHORIZATION, &authorizations[i].id, NULL));
	return failed | json_object_set_new(object, "identifiers", identifiers) |
	    json_object_set_new(object, "authorizations", urls);
}

/* RFC 8739, 3.1.1: where there is a new certificate again and again, it is another member that says where. */
static int
add_urls(json_t *object, const struct site *site, const struct order *order, enum order_status status)
{
	bool renewed = order->auto_renewal.lifetime != 0;
	int  failed;

	failed = json_object_set_new(object, "finalize",
	    url_json(site, renewed ? ROUTE_FINALIZE_STAR : ROUTE_FINALIZE, &order->id, NULL));
	if (status == ORDER_STATUS_VALID && renewed)
		failed |= json_object_set_new(object, "star-certificate",
		    url_json(site, ROUTE_STAR_CERTIFICATE, &order->id, NULL));
	else if (status == ORDER_STATUS_VALID)
		failed |= json_object_set_new(object, "certificate",
		    url_json(site, ROUTE_CERTIFICATE, &order->certificate, NULL));
	return failed;
}

json_t *
order_json(const struct site *site, const struct order *order, const struct authorization *authorizations,
    size_t count, int64_t now)
{
	enum order_status status = order_status_at(order, authorizations, count, now);
	json_t		 *object = json_object();
	int		  failed;

	failed = json_object_set_new(object, "status", json_string(order_status_text(status))) |
	    json_object_set_new(object, "expires", time_json(order->expires)) |
	    add_lists(object, site, order, authorizations, count) |
	    json_object_set_new(object, "profile", json_string(order->profile)) |
	    add_urls(object, site, order, status);
	if (order->auto_renewal.lifetime != 0)
		failed |= json_object_set_new(object, "auto-renewal", auto_renewal_json(&order->auto_renewal));
	if (order->not_before != 0)
		failed |= json_object_set_new(object, "notBefore",
		    order->begin_asked != NULL ? json_string(order->begin_asked) : time_json(order->not_before));
	if (order->not_after != 0)
		failed |= json_object_set_new(object, "notAfter",
		    order->end_asked != NULL ? json_string(order->end_asked) : time_json(order->not_after));
	if (order->replaces != NULL)	/* RFC 9773, 5 */
		failed |= json_object_set_new(object, "replaces", json_string(order->replaces));
	/* An open order's error is why its last finalize failed. */
	if (order->error != NULL && (order->state != ORDER_OPEN || status != ORDER_STATUS_INVALID))
		failed |= json_object_set_new(object, "error", problem_json_parse(order->error));
	else if (status == ORDER_STATUS_INVALID)
		failed |= json_object_set_new(object, "error",
		    derived_error(order, authorizations, count, now));
	if (failed == 0)
		return object;
	json_decref(object);
	return NULL;
}

static const char *
challenge_status(const struct authorization *authorization, enum challenge_type type)
{
	if (authorization->tried != type)
		return "pending";
	switch (authorization->state) {
	case AUTHORIZATION_PROCESSING:
		return "processing";
	case AUTHORIZATION_INVALID:
		return "invalid";
	case AUTHORIZATION_PENDING:
		return "pending";
	default:
		/* valid, and what became of the authorization later doesn't change what was proved */
		return authorization->validated != 0 ? "valid" : "pending";
	}
}

/* draft-ietf-acme-dns-persist: in the earlier form the names are spelt otherwise, and accounturi is told. */
static int
add_issuers(json_t *object, const struct site *site, const struct ra_config *ra,
    const struct authorization *authorization)
{
	bool	hashed = ra->persist_form == PERSIST_HASH;
	json_t *names = json_array();
	int	failed = 0;

	for (size_t i = 0; i < ra->issuer_domain_names.count; i++)
		failed |= json_array_append_new(names, json_string(ra->issuer_domain_names.items[i]));
	failed |= json_object_set_new(object, hashed ? "issuerDomainNames" : "issuer-domain-names", names);
	if (!hashed)
		failed |= json_object_set_new(object, "accounturi",
		    url_json(site, ROUTE_ACCOUNT, &authorization->account, NULL));
	return failed;
}

json_t *
challenge_json(const struct site *site, const struct ra_config *ra, const struct authorization *authorization,
    enum challenge_type type)
{
	json_t *object = json_object();
	bool	tried = authorization->tried == type;
	int	failed;

	failed = json_object_set_new(object, "type", json_string(challenge_name(type))) |
	    json_object_set_new(object, "url",
		url_json(site, ROUTE_CHALLENGE, &authorization->id, challenge_name(type))) |
	    json_object_set_new(object, "status", json_string(challenge_status(authorization, type))) |
	    (challenge_persists(type) ? add_issuers(object, site, ra, authorization) :
	    json_object_set_new(object, "token", json_string(authorization->token)));
	if (tried && authorization->validated != 0)
		failed |= json_object_set_new(object, "validated", time_json(authorization->validated));
	if (tried && authorization->error != NULL)
		failed |= json_object_set_new(object, "error", problem_json_parse(authorization->error));
	if (tried && authorization->record != NULL && authorization->record[0] != '\0')
		json_object_set_new(object, "validationRecord", json_loads(authorization->record, 0, NULL));
	if (failed == 0)
		return object;
	json_decref(object);
	return NULL;
}

/* RFC 8555, 7.1.4: those that can be tried; in a finished authorization the one that was. */
static json_t *
challenges_json(const struct site *site, const struct ra_config *ra, const struct authorization *authorization)
{
	json_t *list = json_array();
	bool	finished = authorization->state >= AUTHORIZATION_VALID &&
	    authorization->tried != CHALLENGE_NONE;

	for (unsigned i = 1; i < CHALLENGE_TYPE_COUNT; i++) {
		enum challenge_type type = (enum challenge_type)i;

		if ((authorization->offered & 1u << i) == 0 || (finished && authorization->tried != type))
			continue;
		if (json_array_append_new(list, challenge_json(site, ra, authorization, type)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *
authorization_json(const struct site *site, const struct ra_config *ra, const struct authorization *authorization,
    int64_t now)
{
	json_t	   *object = json_object();
	const char *status = authorization_status_text(authorization->state, authorization->expires, now);
	int	    failed;

	failed = json_object_set_new(object, "status", json_string(status)) |
	    json_object_set_new(object, "expires", time_json(authorization->expires)) |
	    json_object_set_new(object, "identifier", identifier_json(&authorization->identifier)) |
	    json_object_set_new(object, "challenges", challenges_json(site, ra, authorization));
	if (authorization->wildcard)
		failed |= json_object_set_new(object, "wildcard", json_true());
	if (failed == 0)
		return object;
	json_decref(object);
	return NULL;
}
