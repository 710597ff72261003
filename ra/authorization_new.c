/* authorization_new.c: newAuthz: an identifier is proved before it is ordered (RFC 8555, 7.4.1). */
#include "acme/challenge.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "ra/layers.h"
#include "ra/order_view.h"
#include "ra/policy.h"
#include "ra/request.h"

static bool
refuse(struct request *request, const char *why)
{
	request->problem.status = 403; /* RFC 8555, 7.4.1 */
	return problem_set(&request->problem, PROBLEM_REJECTED_IDENTIFIER, "%s", why);
}

/* RFC 8555, 7.4.1: 403, and no subproblem, as there is just one identifier. */
static bool
check_policy(struct request *request, const struct identifier *identifier)
{
	struct problem problem = { 0 };
	struct layers layers;
	bool done;

	if (!layers_load(request, &layers)) {
		layers_free(&layers);
		return false;
	}
	done = policy_judge(&layers.policy, NULL, identifier, 1, &problem) ||
	    refuse(request, problem.sub_count > 0 ? problem.subs[0].detail.text : problem.detail.text);
	problem_free(&problem);
	layers_free(&layers);
	return done;
}

static bool
read_identifier(struct request *request, struct identifier *out)
{
	const json_t *member = json_object_get(request->payload, "identifier");
	struct reason reason = { "" };
	enum err err;

	if (!json_is_object(member))
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"identifier\" is not an object with \"type\" and \"value\" (RFC 8555, 7.4.1)");
	err = identifier_parse(member, out, &reason);
	if (err == ERR_UNSUPPORTED)
		return problem_set(&request->problem, PROBLEM_UNSUPPORTED_IDENTIFIER, "%s", reason.text);
	if (err != ERR_OK)
		return problem_set(&request->problem, PROBLEM_MALFORMED, "%s", reason.text);
	if (identifier_is_wildcard(out))
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "newAuthz takes no wildcard; order \"%s\" instead (RFC 8555, 7.4.1)", out->value);
	return check_policy(request, out);
}

struct new {
	struct authorization authorization;
	struct charges *charges;	/* the request's */
};

static enum err
insert(struct storage_tx *tx, void *arg)
{
	struct new *new = arg;
	enum err err = buckets_take(tx, new->charges->buckets, new->charges->count, clock_now_ms());

	return err != ERR_OK ? err : authorization_insert_alone(tx, &new->authorization);
}

static bool
check_limits(struct request *request, const struct identifier *identifier)
{
	if (!limits_active(request->ra->limits))
		return true;
	if (!limits_check_pauses(request, identifier, 1))
		return false;
	charges_authorization(request->ra->limits, request->account.id, identifier, &request->charges);
	return !request->charges.failed || request_broken(request, "charges_authorization", ERR_MEMORY);
}

bool
authorization_new(struct request *request)
{
	struct new new = { .charges = &request->charges };
	struct authorization *made = &new.authorization;
	struct identifier identifier = { 0 };
	int64_t now = clock_now();
	bool done;
	enum err err;

	if (!read_identifier(request, &identifier) || !check_limits(request, &identifier))
		return false;
	authorization_fill(request, &identifier, config_challenges(&request->ra->config->ra, NULL), now, made);
	if (made->offered == 0)
		return refuse(request, "no challenge that this server offers can prove the identifier");
	request_tx_end(request);
	err = storage_write(request->ra->storage, insert, &new);
	if (err == ERR_BUSY) {
		done = limits_refuse(request);
	} else if (err != ERR_OK) {
		done = request_broken(request, "authorization_insert", err);
	} else {
		reply_location(request, ROUTE_AUTHORIZATION, &made->id);
		done = reply_json(request, 201, authorization_json(&request->site, &request->ra->config->ra, made, now));
	}
	authorization_free(made);
	return done;
}
