#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "ra/order_view.h"
#include "ra/policy.h"
#include "ra/request.h"

/* --- newOrder (RFC 8555, 7.4) -------------------------------------------------------------------- */

/* Reads the identifiers, leaves out repetitions, tells every one that can't be served. */
static bool
read_identifiers(struct request *request, struct order *order)
{
	const json_t *list = json_object_get(request->payload, "identifiers"), *item;
	struct reason reason = { "" };
	size_t	      i, j;

	if (!json_is_array(list) || json_array_size(list) == 0)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"identifiers\" is not an array of at least one identifier (RFC 8555, 7.4)");
	if (json_array_size(list) > IDENTIFIERS_MAX)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "the order has %zu identifiers; %d is the most", json_array_size(list), IDENTIFIERS_MAX);
	order->identifiers = calloc(json_array_size(list), sizeof(*order->identifiers));
	if (order->identifiers == NULL)
		return request_broken(request, "read_identifiers", ERR_MEMORY);
	json_array_foreach(list, i, item) {
		struct identifier *one = &order->identifiers[order->identifier_count];
		enum err	   err = identifier_parse(item, one, &reason);

		if (err == ERR_MALFORMED && one->type == 0)
			return problem_set(&request->problem, PROBLEM_MALFORMED, "identifier %zu: %s", i + 1,
			    reason.text);
		if (err == ERR_UNSUPPORTED)
			return problem_set(&request->problem, PROBLEM_UNSUPPORTED_IDENTIFIER,
			    "identifier %zu: %s", i + 1, reason.text);
		if (err != ERR_OK) {
			strncpy(one->value, json_member_str(item, "value"), sizeof(one->value) - 1);
			problem_add(&request->problem, PROBLEM_MALFORMED, one, "%s", reason.text);
			continue;
		}
		for (j = 0; j < order->identifier_count; j++)
			if (identifier_eq(&order->identifiers[j], one))
				break;
		if (j == order->identifier_count)
			order->identifier_count++;
	}
	return true;
}

static bool
check_identifiers(struct request *request, const struct order *order)
{
	struct reason reason = { "" };

	for (size_t i = 0; i < order->identifier_count; i++) {
		const struct identifier *one = &order->identifiers[i];

		if (!policy_allows(&request->ra->config->ra, one, &reason))
			problem_add(&request->problem, PROBLEM_REJECTED_IDENTIFIER, one, "%s", reason.text);
		else if (challenge_offer(one->type, identifier_is_wildcard(one)) == 0)
			problem_add(&request->problem, PROBLEM_REJECTED_IDENTIFIER, one,
			    "no challenge that this server offers can prove the wildcard \"%s\" (http-01 can't: "
			    "RFC 8555, 8.3); order its names one by one", one->value);
	}
	problem_sum_up(&request->problem, "the order was refused");
	return request->problem.sub_count == 0;
}

static const struct profile_config *
find_profile(const struct ra *ra, const char *name)
{
	const struct ca_config *ca = &ra->config->ca;

	if (name == NULL)
		return &ca->profiles[0];
	for (size_t i = 0; i < ca->profile_count; i++)
		if (strcmp(ca->profiles[i].name, name) == 0)
			return &ca->profiles[i];
	return NULL;
}

static bool
read_profile(struct request *request, struct order *order, const struct profile_config **out)
{
	const json_t *member = json_object_get(request->payload, "profile");
	const char   *name = json_string_value(member);

	if (member != NULL && name == NULL)
		return problem_set(&request->problem, PROBLEM_MALFORMED, "\"profile\" is not a string");
	if ((*out = find_profile(request->ra, name)) == NULL)
		return problem_set(&request->problem, PROBLEM_INVALID_PROFILE,
		    "there is no profile \"%.60s\"; the directory's meta.profiles lists those there are", name);
	if ((order->profile = strdup((*out)->name)) == NULL)
		return request_broken(request, "read_profile", ERR_MEMORY);
	return true;
}

static bool
read_time(struct request *request, const char *name, int64_t *out)
{
	const json_t *member = json_object_get(request->payload, name);

	*out = 0;
	if (member == NULL)
		return true;
	if (!json_is_string(member) || !clock_parse_rfc3339(json_string_value(member), out) || *out <= 0)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"%s\" is not a time in whole seconds as RFC 3339 writes it, such as "
		    "\"2027-01-31T00:00:00Z\" (RFC 8555, 7.1.3)", name);
	return true;
}

/* How far back a certificate may begin: an hour, which is what clocks on a LAN are off by at the most. */
#define BACKDATE_MAX 3600

/* PROTOCOL.md A 31: honoured exactly or refused, never altered. */
static bool
read_validity(struct request *request, struct order *order, const struct profile_config *profile)
{
	int64_t now = clock_now(), begin;

	if (!read_time(request, "notBefore", &order->not_before) ||
	    !read_time(request, "notAfter", &order->not_after))
		return false;
	begin = order->not_before != 0 ? order->not_before : now;
	if (order->not_before != 0 && order->not_before < now - BACKDATE_MAX)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"notBefore\" is more than an hour in the past");
	if (order->not_before > now + profile->lifetime)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"notBefore\" is further ahead than a certificate of profile \"%s\" lives",
		    profile->name);
	if (order->not_after != 0 && order->not_after <= (begin > now ? begin : now))
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"notAfter\" is not after the certificate's beginning");
	if (order->not_after != 0 && order->not_after - begin + 1 > profile->lifetime)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"notAfter\" asks for more than the %lld seconds that profile \"%s\" gives",
		    (long long)profile->lifetime, profile->name);
	return true;
}

struct new_order {
	struct order	      *order;
	struct authorization  *authorizations;
	struct id	       ids[IDENTIFIERS_MAX];
};

static enum err
insert(struct storage_tx *tx, void *arg)
{
	struct new_order *new = arg;
	enum err	  err = ERR_OK;

	for (size_t i = 0; i < new->order->identifier_count && err == ERR_OK; i++)
		err = authorization_insert(tx, &new->authorizations[i]);
	return err != ERR_OK ? err : order_insert(tx, new->order, new->ids, new->order->identifier_count);
}

static void
fill_authorization(struct request *request, const struct identifier *identifier, int64_t now,
    struct authorization *out)
{
	out->id = id_new();
	out->account = request->account.id;
	out->identifier = identifier_base(identifier);
	out->wildcard = identifier_is_wildcard(identifier);
	out->state = AUTHORIZATION_PENDING;
	out->expires = now + request->ra->config->ra.pending_authorization_lifetime;
	out->offered = challenge_offer(identifier->type, out->wildcard);
	token_new(out->token);
}

static bool
create(struct request *request, struct order *order)
{
	struct new_order new = { .order = order };
	int64_t		 now = clock_now();
	bool		 done;
	enum err	 err;

	new.authorizations = calloc(order->identifier_count, sizeof(*new.authorizations));
	if (new.authorizations == NULL)
		return request_broken(request, "order_new", ERR_MEMORY);
	for (size_t i = 0; i < order->identifier_count; i++) {
		fill_authorization(request, &order->identifiers[i], now, &new.authorizations[i]);
		new.ids[i] = new.authorizations[i].id;
	}
	order->id = id_new();
	order->account = request->account.id;
	order->state = ORDER_OPEN;
	order->created = now;
	order->expires = now + request->ra->config->ra.order_lifetime;
	request_tx_end(request);
	err = storage_write(request->ra->storage, insert, &new);
	if (err != ERR_OK) {
		done = request_broken(request, "order_insert", err);
	} else {
		reply_location(request, ROUTE_ORDER, &order->id);
		done = reply_json(request, 201, order_json(request->ra->base, order, new.authorizations,
		    order->identifier_count, now));
	}
	for (size_t i = 0; i < order->identifier_count; i++)
		authorization_free(&new.authorizations[i]);
	free(new.authorizations);
	return done;
}

bool
order_new(struct request *request)
{
	const struct profile_config *profile = NULL;
	struct order		     order = { 0 };
	bool			     done;

	done = read_identifiers(request, &order) && check_identifiers(request, &order) &&
	    read_profile(request, &order, &profile) && read_validity(request, &order, profile) &&
	    create(request, &order);
	order_free(&order);
	return done;
}

/* --- showing an order ---------------------------------------------------------------------------- */

bool
order_load(struct request *request, struct id id, struct order *order, struct authorization **authorizations,
    size_t *count)
{
	struct storage_tx *tx = request_tx(request);
	enum err	   err;

	*authorizations = NULL;
	*count = 0;
	if (tx == NULL)
		return false;
	err = order_get(tx, id, order);
	if (err == ERR_NOT_FOUND) {
		request->problem.status = 404;
		return problem_set(&request->problem, PROBLEM_MALFORMED, "there is no such order");
	}
	if (err != ERR_OK)
		return request_broken(request, "order_get", err);
	if (!id_eq(order->account, request->account.id))
		return problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "the order belongs to another account");
	if ((err = order_authorizations(tx, id, authorizations, count)) != ERR_OK)
		return request_broken(request, "order_authorizations", err);
	return true;
}

void
order_unload(struct order *order, struct authorization *authorizations, size_t count)
{
	for (size_t i = 0; i < count; i++)
		authorization_free(&authorizations[i]);
	free(authorizations);
	order_free(order);
}

bool
order_show(struct request *request)
{
	struct order	      order = { 0 };
	struct authorization *authorizations;
	uint64_t	      stamp = park_stamp(request->ra->park, request->target.id);
	size_t		      count;
	bool		      done;

	done = order_load(request, request->target.id, &order, &authorizations, &count);
	if (done && order.state == ORDER_PROCESSING && !request->waited) {
		done = request_wait(request, order.id, stamp, order_show);
	} else if (done) {
		if (order.state == ORDER_PROCESSING)
			request->reply.retry_after = 1;
		if (request->target.route == ROUTE_FINALIZE)
			reply_location(request, ROUTE_ORDER, &order.id);
		done = reply_json(request, 200,
		    order_json(request->ra->base, &order, authorizations, count, clock_now()));
	}
	order_unload(&order, authorizations, count);
	return done;
}
