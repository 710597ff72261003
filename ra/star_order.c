/* star_order.c: what clients ask of auto-renewal orders: to end one (RFC 8739, 3.1.2), and for its newest certificate
 * (3.3). */
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "ra/order_view.h"
#include "ra/request.h"
#include "ra/star.h"

/* --- canceling ----------------------------------------------------------------------------------------------- */

static bool
refuse_cancel(struct request *request, const struct order *order, enum order_status status, int64_t now)
{
	if (order->auto_renewal.lifetime == 0)
		return problem_set(&request->problem, PROBLEM_AUTO_RENEWAL_CANCELLATION_INVALID,
		    "the order is not renewed by itself, so there is nothing to cancel; revoke its certificate instead "
		    "(RFC 8739, 3.1.2)");
	if (status == ORDER_STATUS_VALID && order->auto_renewal.end <= now)
		return problem_set(&request->problem, PROBLEM_AUTO_RENEWAL_CANCELLATION_INVALID,
		    "the order was over at its \"end-date\", so there is nothing to cancel (RFC 8739, 3.1.2)");
	return problem_set(&request->problem, PROBLEM_AUTO_RENEWAL_CANCELLATION_INVALID,
	    "the order is \"%s\", and only a \"valid\" one can be canceled (RFC 8739, 3.1.2)", order_status_text(status));
}

static bool
cancel(struct request *request)
{
	struct order	      order = { 0 };
	struct authorization *authorizations;
	int64_t		      now = clock_now();
	enum order_status     status;
	size_t		      count;
	bool		      done;
	enum err	      err;

	done = order_load(request, request->target.id, &order, &authorizations, &count);
	if (done) {
		status = order_status_at(&order, authorizations, count, now);
		request_tx_end(request);
		if ((err = star_end(request->ra, order.id)) == ERR_CONFLICT)
			done = refuse_cancel(request, &order, status, now);
		else if (err != ERR_OK)
			done = request_broken(request, "star_end", err);
	}
	order_unload(&order, authorizations, count);
	return done && order_show(request);
}

/* POST-as-GET, or the only thing that can be done to an order that exists. */
bool
order_update(struct request *request)
{
	const json_t *status = json_object_get(request->payload, "status");

	if (request->payload == NULL)
		return order_show(request);
	if (status == NULL)
		return request_not_empty(request);
	if (!json_is_string(status) || strcmp(json_string_value(status), "canceled") != 0)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"status\" of an order can only be set to \"canceled\" (RFC 8739, 3.1.2)");
	return cancel(request);
}

/* --- the certificate ------------------------------------------------------------------------------------------- */

static bool
check_reader(struct request *request, const struct order *order)
{
	if (!request->lookup && !id_eq(order->account, request->account.id))
		return problem_set(
		    &request->problem, PROBLEM_UNAUTHORIZED, "the certificate belongs to another account");
	if (request->lookup && !order->auto_renewal.get)
		return problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "its order didn't ask for \"allow-certificate-get\", so this is fetched by POST-as-GET (RFC 8739, 3.4)");
	return true;
}

static bool
check_alive(struct request *request, const struct order *order, int64_t now)
{
	if (order->state == ORDER_CANCELED)
		return problem_set(&request->problem, PROBLEM_AUTO_RENEWAL_CANCELED,
		    "the order was canceled: there are no more certificates (RFC 8739, 3.1.2)");
	if (order->state != ORDER_VALID)
		return request_no_object(request, "the order has no certificate yet");
	if (order->auto_renewal.end <= now)
		return problem_set(&request->problem, PROBLEM_AUTO_RENEWAL_EXPIRED,
		    "the order was over at its \"end-date\": there are no more certificates (RFC 8739, 3.3)");
	return true;
}

/* The last one has ended, and none could be made since. */
static bool
refuse_stale(struct request *request, const struct order *order)
{
	struct problem cause = { 0 };

	if (order->error != NULL)
		problem_read(order->error, &cause);
	request->problem.status = 503;
	request->reply.retry_after = order->error != NULL ? 60 : 1;
	problem_set(&request->problem, PROBLEM_SERVER_INTERNAL, "there is no certificate at this time: %s",
	    cause.type != PROBLEM_NONE ? cause.detail.text : "the next one is being made");
	problem_free(&cause);
	return false;
}

static bool
check_order(struct request *request, const struct order *order, int64_t now)
{
	if (order->auto_renewal.lifetime == 0)
		return request_no_object(request, "there is no such certificate");
	return check_reader(request, order) && check_alive(request, order, now);
}

/* Caches let go of it when the next is due (RFC 8739, 4.3). */
static void
set_headers(struct request *request, const struct order *order, const struct certificate *leaf, int64_t now)
{
	struct msg_reply *reply = &request->reply;
	uint32_t	  next = auto_renewal_current(&order->auto_renewal, now) + 1;
	int64_t		  begin, end, until = leaf->not_after;

	if (next <= auto_renewal_count(&order->auto_renewal)) {
		auto_renewal_dates(&order->auto_renewal, next, &begin, &end);
		until = begin < until ? begin : until;
	}
	reply->not_before = leaf->not_before;
	reply->not_after = leaf->not_after;
	reply->fresh = until > now + 1 ? (uint32_t)(until - now) : 1;
}

bool
star_load(struct request *request, struct certificate *leaf)
{
	struct storage_tx *tx = request_tx(request);
	struct order	   order = { 0 };
	int64_t		   now = clock_now();
	bool		   done;
	enum err	   err;

	if (tx == NULL)
		return false;
	if ((err = order_get(tx, request->target.id, &order)) == ERR_NOT_FOUND)
		return request_no_object(request, "there is no such certificate");
	if (err != ERR_OK)
		return request_broken(request, "order_get", err);
	done = check_order(request, &order, now);
	if (done && (err = certificate_get(tx, order.certificate, leaf)) != ERR_OK && err != ERR_NOT_FOUND)
		done = request_broken(request, "certificate_get", err);
	else if (done && (err == ERR_NOT_FOUND || leaf->not_after < now))
		done = refuse_stale(request, &order);
	else if (done)
		set_headers(request, &order, leaf, now);
	order_free(&order);
	return done;
}

enum err
star_next(struct storage_tx *tx, const struct certificate *certificate, int64_t now, int64_t *start, int64_t *end)
{
	struct order order;
	struct star  star;
	uint32_t     next;
	int64_t	     over;
	enum err     err;

	/* Few orders are renewed: their tree is much smaller than that of all. */
	if ((err = star_get(tx, certificate->order, &star)) != ERR_OK)
		return err;
	star_free(&star);
	if ((err = order_get(tx, certificate->order, &order)) != ERR_OK)
		return err;
	next = order.auto_renewal.lifetime != 0 ? auto_renewal_current(&order.auto_renewal, now) + 1 : 0;
	if (next == 0 || order.state != ORDER_VALID ||
	    next > auto_renewal_count(&order.auto_renewal))
		err = ERR_NOT_FOUND;
	if (err == ERR_OK) {
		auto_renewal_dates(&order.auto_renewal, next, start, &over);
		*end = *start + order.auto_renewal.lifetime / 4;
	}
	order_free(&order);
	return err;
}
