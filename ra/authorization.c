#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "ra/later.h"
#include "ra/order_view.h"
#include "ra/request.h"

#define TRY_TIME 2		/* s that most tries take */
#define SLOW_MS 2000		/* so long after a wait that ran out, the account's next challenges don't wait */
#define RETRY_AFTER_MAX 3600	/* more than any configured pause: a clock that stepped */

static bool
load(struct request *request, struct authorization *out)
{
	struct storage_tx *tx = request_tx(request);
	enum err	   err;

	if (tx == NULL)
		return false;
	err = authorization_get(tx, request->target.id, out);
	if (err == ERR_NOT_FOUND)
		return request_no_object(request, "there is no such authorization");
	if (err != ERR_OK)
		return request_broken(request, "authorization_get", err);
	if (!id_eq(out->account, request->account.id))
		return problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "the authorization belongs to another account");
	return true;
}

/* Seconds until it is worth asking again: past the next try (RFC 8555, 8.2), which lasts a moment itself. */
static int64_t
retry_after(const struct request *request, const struct authorization *authorization)
{
	int64_t rest = authorization->next_try - clock_now();

	return rest > 0 && rest < RETRY_AFTER_MAX ? rest + TRY_TIME :
						    request->ra->config->ra.retry_after_authorization;
}

/* --- the authorization (RFC 8555, 7.5) ----------------------------------------------------------- */

static enum err
write_deactivation(struct storage_tx *tx, void *arg)
{
	struct id *id = arg;

	return authorization_deactivate(tx, *id);
}

/* What it has become since it was read. */
static bool
reload(struct request *request, struct authorization *authorization)
{
	request_tx_end(request);
	authorization_free(authorization);
	memset(authorization, 0, sizeof(*authorization));
	return load(request, authorization);
}

/* RFC 8555, 7.1.6: invalid, expired and revoked are ends; so is deactivated, which is what was asked for. */
static bool
is_over(const struct authorization *authorization)
{
	return authorization->state >= AUTHORIZATION_INVALID ||
	    (authorization->expires <= clock_now() && authorization->state != AUTHORIZATION_PROCESSING);
}

static bool
check_deactivated(struct request *request, const struct authorization *authorization)
{
	if (authorization->state == AUTHORIZATION_DEACTIVATED)
		return true;
	return problem_set(&request->problem, PROBLEM_MALFORMED,
	    "the authorization is %s and can't be deactivated any more (RFC 8555, 7.1.6)",
	    authorization_status_text(authorization->state, authorization->expires, clock_now()));
}

/* RFC 8555, 7.5.2. */
static bool
deactivate(struct request *request, struct authorization *authorization)
{
	const char *status = json_string_value(json_object_get(request->payload, "status"));
	enum err    err;

	if (status == NULL || strcmp(status, "deactivated") != 0)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "an authorization takes {\"status\": \"deactivated\"} or, to read it, an empty payload "
		    "(RFC 8555, 7.5.2)");
	if (is_over(authorization))
		return check_deactivated(request, authorization);
	request_tx_end(request);
	err = storage_write(request->ra->storage, write_deactivation, &authorization->id);
	if (err == ERR_CONFLICT)	/* its validation failed just now, or a twin of this request was faster */
		return reload(request, authorization) && check_deactivated(request, authorization);
	if (err != ERR_OK)
		return request_broken(request, "authorization_deactivate", err);
	authorization->state = AUTHORIZATION_DEACTIVATED;
	park_wake(request->ra->park, authorization->id);
	return true;
}

bool
authorization_show(struct request *request)
{
	struct authorization authorization = { 0 };
	uint64_t	     stamp = park_stamp(request->ra->park, request->target.id);
	bool		     done = load(request, &authorization);

	if (done && request->payload != NULL)
		done = deactivate(request, &authorization);
	if (done && authorization.state == AUTHORIZATION_PROCESSING && !request->waited) {
		done = request_wait(request, authorization.id, stamp, authorization_show);
	} else if (done) {
		if (authorization.state == AUTHORIZATION_PROCESSING)
			reply_poll_after(request, retry_after(request, &authorization));
		done = reply_object(request, 200,
		    authorization_json(&request->site, &request->ra->config->ra, &authorization, clock_now()));
	}
	authorization_free(&authorization);
	return done;
}

/* --- its challenges (RFC 8555, 7.5.1) ------------------------------------------------------------ */

struct beginning {
	struct authorization authorization;
	enum challenge_type  type;
	struct charges	    *charges;	/* the request's */
};

static enum err
write_begin(struct storage_tx *tx, void *arg)
{
	struct beginning *beginning = arg;
	enum err	  err;

	err = buckets_take(tx, beginning->charges->buckets, beginning->charges->count, clock_now_ms());
	return err != ERR_OK ? err : authorization_begin(tx, beginning->authorization.id, beginning->type);
}

/* pending -> processing. Of several POSTs at once exactly one starts the validation; the others see it run. */
static bool
begin(struct request *request, struct authorization *authorization, enum challenge_type type, enum err err)
{
	if (err == ERR_CONFLICT)
		return reload(request, authorization);
	if (err == ERR_BUSY)
		return limits_refuse(request);
	if (err != ERR_OK)
		return request_broken(request, "authorization_begin", err);
	authorization->state = AUTHORIZATION_PROCESSING;
	authorization->tried = type;
	if (request->fault.validation_error != PROBLEM_NONE)
		later_fail(request->ra, authorization->id, request->fault.validation_error, request->fault.detail,
		    request->fault.validation_delay);
	else if (validation_send(request->ra, &request->site, authorization, &request->account,
		     request->fault.validation_delay) != ERR_OK)
		log_event(LOG_WARNING, "va is gone: the validation starts again with it",
		    F_STR("identifier", authorization->identifier.value));
	return true;
}

/* RFC 8555, 8.2: a client's new POST ends the pause between two tries. The number of tries stays: va counts. */
static void
try_again(struct request *request, struct authorization *authorization, enum challenge_type type)
{
	if (authorization->state != AUTHORIZATION_PROCESSING || authorization->tried != type ||
	    authorization->next_try <= clock_now())
		return;
	request_tx_end(request);
	if (validation_send(request->ra, &request->site, authorization, &request->account, 0) == ERR_OK)
		authorization->next_try = 0;	/* as far as this reply goes */
}

static bool
answer(struct request *request, const struct authorization *authorization, enum challenge_type type)
{
	struct buf url = { 0 };
	char	  *text;

	route_url(&url, &request->site, ROUTE_AUTHORIZATION, &authorization->id, NULL);
	if ((text = buf_take_str(&url)) == NULL)
		return request_broken(request, "challenge", ERR_MEMORY);
	reply_link(request, text, "up");	/* RFC 8555, 7.1 */
	free(text);
	if (authorization->state == AUTHORIZATION_PROCESSING)
		reply_poll_after(request, retry_after(request, authorization));
	return reply_json(request, 200, challenge_json(&request->site, &request->ra->config->ra, authorization, type));
}

static _Atomic int64_t *
slow_until(const struct request *request)
{
	return &request->ra->slow[request->account.id.bytes[ID_SIZE - 1] % SLOW_PLACES];
}

/* Most validations last milliseconds: then the reply tells how this one went, and the client need not ask again. Who has
 * many slow ones and begins them one after the other waits for the first alone. */
static bool
may_wait(const struct request *request, const struct authorization *authorization)
{
	return authorization->state == AUTHORIZATION_PROCESSING && request->ra->config->ra.finalize_wait_ms > 0 &&
	    atomic_load(slow_until(request)) <= clock_monotonic_ms();
}

static bool
begun(struct request *request, void *arg, enum err err)
{
	struct beginning     *beginning = arg;
	struct authorization *authorization = &beginning->authorization;
	bool		      done = begin(request, authorization, beginning->type, err);

	if (done)
		try_again(request, authorization, beginning->type);
	if (done && may_wait(request, authorization))
		done = request_wait(request, authorization->id, request->wait.stamp, challenge_respond);
	else if (done)
		done = answer(request, authorization, beginning->type);
	authorization_free(authorization);
	free(beginning);
	return done;
}

/* Takes what *authorization holds over. */
static bool
start(struct request *request, struct authorization *authorization, enum challenge_type type)
{
	struct beginning *beginning;

	if (authorization->expires <= clock_now())
		return problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "the authorization has expired; make a new order (RFC 8555, 7.1.6)");
	if (limits_active(request->ra->limits) && !limits_check_pauses(request, &authorization->identifier, 1))
		return false;
	if ((beginning = malloc(sizeof(*beginning))) == NULL)
		return request_broken(request, "challenge", ERR_MEMORY);
	*beginning = (struct beginning){ *authorization, type, &request->charges };
	*authorization = (struct authorization){ 0 };
	charges_failure(request->ra->limits, request->account.id, &beginning->authorization.identifier, true,
	    &request->charges);
	return request_write(request, write_begin, begun, beginning);
}

/* What the POST that answers a challenge may hold: nothing, for all types there are (RFC 8555, 7.5.1). */
static bool
check_response(struct request *request, const struct authorization *authorization)
{
	const struct surface *surface = request->site.surface;

	if (request->ra->config->ra.strict && json_object_size(request->payload) > 0) {
		problem_set(&request->problem, PROBLEM_MALFORMED,
		    "a challenge is answered by {}, and this payload has members (RFC 8555, 7.5.1)");
		return problem_said(&request->problem, SAID_CHALLENGE_BODY, "");
	}
	if (!surface->challenge_once)
		return true;
	if (json_object_get(request->payload, "keyAuthorization") != NULL) {
		problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"keyAuthorization\" was ACME's before RFC 8555; a challenge is answered by {} (7.5.1)");
		return problem_said(&request->problem, SAID_CHALLENGE_KEY_AUTHORIZATION, "");
	}
	if (authorization->state == AUTHORIZATION_PENDING) /* that its validation goes on, isn't shown */
		return true;
	problem_set(&request->problem, PROBLEM_MALFORMED, "the challenge was answered already (RFC 8555, 7.1.6)");
	return problem_said(&request->problem, SAID_CHALLENGE_OVER,
	    authorization_status_text(authorization->state, authorization->expires, clock_now()));
}

bool
challenge_respond(struct request *request)
{
	enum challenge_type  type = challenge_by_name(request->target.tail);
	struct authorization authorization = { 0 };
	uint64_t	     stamp = park_stamp(request->ra->park, request->target.id);
	bool		     done = load(request, &authorization);

	if (request->waited && authorization.state == AUTHORIZATION_PROCESSING)
		atomic_store(slow_until(request), clock_monotonic_ms() + SLOW_MS);
	request->wait.stamp = stamp;
	if (done && (authorization.offered & 1u << type) == 0) {
		request->problem.status = 404;
		done = problem_set(&request->problem, PROBLEM_MALFORMED,
		    "the authorization has no challenge of type \"%s\"", request->target.tail);
		(void)problem_said(&request->problem, SAID_NO_OBJECT, "");
	}
	if (done && request->payload != NULL && !request->waited)
		done = check_response(request, &authorization);
	if (done && request->payload != NULL && authorization.state == AUTHORIZATION_PENDING) {
		done = start(request, &authorization, type);
	} else if (done) {
		if (request->payload != NULL && !request->waited)
			try_again(request, &authorization, type);
		done = answer(request, &authorization, type);
	}
	authorization_free(&authorization);
	return done;
}
