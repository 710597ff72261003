#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "ra/layers.h"
#include "ra/order_read.h"
#include "ra/order_view.h"
#include "ra/request.h"
#include "ra/reuse.h"

/* --- newOrder (RFC 8555, 7.4) -------------------------------------------------------------------- */

struct new_order {
	struct order	       order;
	struct authorization  *authorizations;
	struct id	       ids[IDENTIFIERS_MAX];
	bool		       shared[IDENTIFIERS_MAX];	/* the authorization exists already */
	struct request	      *request;
};

static enum err
insert(struct storage_tx *tx, void *arg)
{
	struct new_order *new = arg;
	struct order	 *order = &new->order;
	enum err	  err = ERR_OK;

	/* In the writer's thread, where no other order comes between the question and the answer. */
	if (order->replaces != NULL &&
	    (err = order_replacing(tx, order->replaces, order->created)) != ERR_NOT_FOUND)
		return err == ERR_OK ? ERR_EXISTS : err;
	err = buckets_take(tx, new->request->charges.buckets, new->request->charges.count, clock_now_ms());
	for (size_t i = 0; i < order->identifier_count && err == ERR_OK; i++)
		if (!new->shared[i])
			err = authorization_insert(tx, &new->authorizations[i]);
	if (err == ERR_OK)
		err = order_insert(tx, order, new->ids, order->identifier_count);
	if (err == ERR_OK && order->auto_renewal.lifetime != 0)
		err = star_insert(tx, order->id, new->request->msg.body, new->request->key->text);
	return err;
}

void
authorization_fill(struct request *request, const struct identifier *identifier, uint32_t challenges,
    int64_t now, struct authorization *out)
{
	out->id = id_new();
	out->account = request->account.id;
	out->identifier = identifier_base(identifier);
	out->wildcard = identifier_is_wildcard(identifier);
	out->state = AUTHORIZATION_PENDING;
	out->expires = now + request->ra->config->ra.pending_authorization_lifetime;
	out->offered = challenge_offer(identifier->type, out->wildcard) & challenges;
	token_new(out->token);
}

/* An order can't outlive an authorization that it shares with others (RFC 8555, 7.1.6). */
static bool
find_authorizations(struct request *request, const struct recent *recent, struct new_order *new, int64_t now)
{
	const struct config *config = request->ra->config;
	struct order *order = &new->order;
	uint32_t challenges = order_challenges(&config->ra, &config->ca, order->profile);

	for (size_t i = 0; i < order->identifier_count; i++) {
		struct authorization *one = &new->authorizations[i];

		if (!reuse_authorization(request, recent, &order->identifiers[i], challenges, now, one,
			&new->shared[i]))
			return false;
		if (!new->shared[i])
			authorization_fill(request, &order->identifiers[i], challenges, now, one);
		else if (one->expires < order->expires)
			order->expires = one->expires;
		new->ids[i] = one->id;
	}
	return true;
}

static void
new_order_free(struct new_order *new)
{
	for (size_t i = 0; new->authorizations != NULL && i < new->order.identifier_count; i++)
		authorization_free(&new->authorizations[i]);
	free(new->authorizations);
	order_free(&new->order);
	free(new);
}

static bool
show_new(struct request *request, const struct new_order *new, enum err err)
{
	const struct order *order = &new->order;

	if (err == ERR_EXISTS && order->replaces != NULL)
		return problem_set(&request->problem, PROBLEM_ALREADY_REPLACED,
		    "another order replaces the certificate \"%s\" already; order without \"replaces\" (RFC 9773, 5)",
		    order->replaces);
	if (err == ERR_BUSY)
		return limits_refuse(request);
	if (err != ERR_OK)
		return request_broken(request, "order_insert", err);
	reply_location(request, ROUTE_ORDER, &order->id);
	return reply_object(request, 201,
	    order_json(&request->site, order, new->authorizations, order->identifier_count, order->created));
}

static bool
inserted(struct request *request, void *arg, enum err err)
{
	struct new_order *new = arg;
	bool		  done = show_new(request, new, err);

	new_order_free(new);
	return done;
}

/* What the order takes is told here, and taken when it is stored. */
static bool
check_limits(struct request *request, struct new_order *new)
{
	bool renewal;

	if (!limits_active(request->ra->limits))
		return true;
	if (!limits_check_pauses(request, new->order.identifiers, new->order.identifier_count) ||
	    !limits_is_renewal(request, &new->order, &renewal))
		return false;
	charges_order(request->ra->limits, &new->order, renewal, &request->charges);
	return !request->charges.failed || request_broken(request, "charges_order", ERR_MEMORY);
}

/* RFC 8739: the id of one that is renewed by itself stands for what was signed (ca/star.h), and it can't be finalized
 * when it is over. */
static void
name_order(const struct request *request, struct order *order)
{
	order->id = id_new();
	order->expires = order->created + request->ra->config->ra.order_lifetime;
	if (order->auto_renewal.lifetime == 0)
		return;
	order->id = auto_renewal_order(request->msg.body, order->created * 1000);
	if (order->auto_renewal.end < order->expires)
		order->expires = order->auto_renewal.end;
}

/* Takes what *order holds over. */
static bool
create(struct request *request, const struct recent *recent, struct order *order)
{
	struct new_order *new = calloc(1, sizeof(*new));
	int64_t		  now = order->created;

	if (new == NULL)
		return request_broken(request, "order_new", ERR_MEMORY);
	new->request = request;
	new->order = *order;
	*order = (struct order){ 0 };
	order = &new->order;
	new->authorizations = calloc(order->identifier_count, sizeof(*new->authorizations));
	order->account = request->account.id;
	order->state = ORDER_OPEN;
	name_order(request, order);
	if (new->authorizations == NULL) {
		new_order_free(new);
		return request_broken(request, "order_new", ERR_MEMORY);
	}
	if (!check_limits(request, new) || !find_authorizations(request, recent, new, now)) {
		new_order_free(new);
		return false;
	}
	return request_write(request, insert, inserted, new);
}

/* Boulder's answer to the same order again: 201, as if it were new. */
static bool
show_again(struct request *request, struct id id)
{
	struct order	      order = { 0 };
	struct authorization *authorizations;
	size_t		      count;
	bool		      done;

	done = order_load(request, id, &order, &authorizations, &count);
	if (done) {
		reply_location(request, ROUTE_ORDER, &id);
		done = reply_object(request, 201,
	    order_json(&request->site, &order, authorizations, count, clock_now()));
	}
	order_unload(&order, authorizations, count);
	return done;
}

bool
order_new(struct request *request)
{
	struct order	     order = { 0 };
	struct id	     earlier = { { 0 } };
	struct recent	     recent = { .count = 0 };
	struct layers	     layers;
	bool		     done;

	done = layers_load(request, &layers) &&
	    order_read(request->payload, &layers.policy, clock_now(), &order, &request->problem) &&
	    renewal_check(request, &order) && recent_load(request, &recent) &&
	    reuse_order(request, &recent, &order, clock_now(), &earlier);
	if (done)
		done = id_is_zero(earlier) ? create(request, &recent, &order) : show_again(request, earlier);
	recent_unload(&recent);
	layers_free(&layers);
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
	if (err == ERR_NOT_FOUND)
		return request_no_object(request, "there is no such order");
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
	bool		      finalizes = route_is_finalize(request->target.route);
	size_t		      count;
	bool		      done;

	done = order_load(request, request->target.id, &order, &authorizations, &count);
	if (done && order.state == ORDER_PROCESSING && !request->waited) {
		done = request_wait(request, order.id, stamp, order_show);
	} else if (done && finalizes && order.state == ORDER_OPEN &&
	    order.error != NULL) {
		/* ca refused the CSR: the order is ready again, and this is the answer to the request. */
		problem_read(order.error, &request->problem);
		done = false;
	} else if (done) {
		if (order.state == ORDER_PROCESSING)
			reply_poll_after(request, request->ra->config->ra.retry_after_order);
		if (finalizes)
			reply_location(request, ROUTE_ORDER, &order.id);
		done = reply_object(request, 200,
	    order_json(&request->site, &order, authorizations, count, clock_now()));
	}
	order_unload(&order, authorizations, count);
	return done;
}
