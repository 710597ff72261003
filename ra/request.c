#include "ra/request.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "ra/later.h"

/* What each route asks of the payload (RFC 8555, 6.3), and who serves it. */
enum payload { PAYLOAD_EMPTY, PAYLOAD_OBJECT, PAYLOAD_EITHER };

static bool get_only(struct request *);
static void resumed(struct parked *);

static const struct {
	enum payload	payload;
	bool		(*handle)(struct request *);
} table[ROUTE_COUNT] = {
	[ROUTE_DIRECTORY] = { PAYLOAD_EMPTY, get_only },
	[ROUTE_NEW_NONCE] = { PAYLOAD_EMPTY, get_only },
	[ROUTE_NEW_ACCOUNT] = { PAYLOAD_OBJECT, account_new },
	[ROUTE_NEW_ORDER] = { PAYLOAD_OBJECT, order_new },
	[ROUTE_KEY_CHANGE] = { PAYLOAD_OBJECT, account_change_key },
	[ROUTE_REVOKE_CERT] = { PAYLOAD_OBJECT, certificate_revoke },
	[ROUTE_NEW_AUTHZ] = { PAYLOAD_OBJECT, authorization_new },
	[ROUTE_ACCOUNT] = { PAYLOAD_EITHER, account_update },
	[ROUTE_ORDERS] = { PAYLOAD_EMPTY, account_orders },
	[ROUTE_ORDERS_PAGE] = { PAYLOAD_EMPTY, account_orders },
	[ROUTE_ORDER] = { PAYLOAD_EITHER, order_update },
	[ROUTE_FINALIZE] = { PAYLOAD_OBJECT, order_finalize },
	[ROUTE_FINALIZE_STAR] = { PAYLOAD_OBJECT, order_finalize },
	[ROUTE_AUTHORIZATION] = { PAYLOAD_EITHER, authorization_show },
	[ROUTE_CHALLENGE] = { PAYLOAD_EITHER, challenge_respond },
	[ROUTE_CERTIFICATE] = { PAYLOAD_EMPTY, certificate_show },
	[ROUTE_CERTIFICATE_CHAIN] = { PAYLOAD_EMPTY, certificate_show },
	[ROUTE_STAR_CERTIFICATE] = { PAYLOAD_EMPTY, certificate_show },
	[ROUTE_STAR_CERTIFICATE_CHAIN] = { PAYLOAD_EMPTY, certificate_show },
	[ROUTE_RENEWAL_INFO] = { PAYLOAD_EMPTY, renewal_show },
	[ROUTE_RENEWAL_INFO_OF] = { PAYLOAD_EMPTY, renewal_show },
	[ROUTE_ISSUER] = { PAYLOAD_EMPTY, issuer_show },
};

struct request *
request_new(struct ra *ra, const struct msg_request *msg)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->parked.run = resumed;
	request->ra = ra;
	request->msg = *msg;
	buf_put(&request->body, msg->body.data, msg->body.len);
	request->msg.body = buf_slice(&request->body);
	request->reply.number = msg->number;
	request->site.surface = ra->surface;
	request->site.base = ra->config->wfe.url_from_host ? request->msg.base : ra->config->wfe.url;
	if (request->body.failed) {
		free(request);
		return NULL;
	}
	return request;
}

struct request *
request_new_lookup(struct ra *ra, const struct msg_lookup *lookup)
{
	struct msg_request msg = { .number = lookup->number };
	struct request	  *request;

	memcpy(msg.remote, lookup->remote, sizeof(msg.remote));
	memcpy(msg.path, lookup->path, sizeof(msg.path));
	memcpy(msg.base, lookup->base, sizeof(msg.base));
	memcpy(msg.user_agent, lookup->user_agent, sizeof(msg.user_agent));
	memcpy(msg.id, lookup->id, sizeof(msg.id));
	if ((request = request_new(ra, &msg)) != NULL)
		request->lookup = true;
	return request;
}

static void
request_free(struct request *request)
{
	request_tx_end(request);
	jws_free(request->jws);
	jwk_free(request->key);
	if (request->known == NULL)
		account_free(&request->account);
	known_free(request->known);
	json_decref(request->payload);
	charges_free(&request->charges);
	problem_free(&request->problem);
	buf_free(&request->body);
	buf_free(&request->reply_body);
	buf_free(&request->wait.issue);
	buf_free(&request->star_changes);
	free(request);
}

struct storage_tx *
request_tx(struct request *request)
{
	enum err err;

	if (request->tx == NULL && (err = storage_read(request->ra->storage, &request->tx)) != ERR_OK)
		request_broken(request, "storage_read", err);
	return request->tx;
}

void
request_tx_end(struct request *request)
{
	if (request->tx != NULL)
		storage_read_end(request->tx);
	request->tx = NULL;
}

bool
request_no_object(struct request *request, const char *words)
{
	request->problem.status = 404;
	problem_set(&request->problem, PROBLEM_MALFORMED, "%s", words);
	return problem_said(&request->problem, SAID_NO_OBJECT, "");
}

bool
request_not_empty(struct request *request)
{
	problem_set(&request->problem, PROBLEM_MALFORMED,
	    "%s is fetched by POST-as-GET: its payload is the empty string, not %s (RFC 8555, 6.3)",
	    route_name(request->target.route), jws_payload(request->jws).len == 2 ? "{}" : "an object");
	return problem_said(&request->problem, SAID_PAYLOAD_NOT_EMPTY, "");
}

bool
request_broken(struct request *request, const char *where, enum err err)
{
	log_event(LOG_ERROR, "request failed inside", F_STR("where", where), F_STR("error", err_text(err)),
	    F_STR("path", request->msg.path));
	request->reply.retry_after = 5;
	/* PROTOCOL.md A 19: without inner details. */
	return problem_set(&request->problem, PROBLEM_SERVER_INTERNAL,
	    "the server could not carry out the request; nothing was changed, try again in a few seconds");
}

bool
request_wait(struct request *request, struct id object, uint64_t stamp, bool (*resume)(struct request *))
{
	request->wait.object = object;
	request->wait.stamp = stamp;
	request->wait.resume = resume;
	return true;
}

/* What Go's encoding/json makes of them, where clients were written against a server in Go. A challenge's response is
 * compared byte by byte there. */
static void
drop_empty(struct request *request)
{
	const json_t *value;
	const char   *key;
	void	     *next;

	if (!request->site.surface->lax_members || request->target.route == ROUTE_CHALLENGE)
		return;
	json_object_foreach_safe(request->payload, next, key, value)
		if (json_is_null(value) || (request->target.route == ROUTE_NEW_ORDER && json_is_string(value) &&
					       json_string_length(value) == 0))
			json_object_del(request->payload, key);
}

/* What payloads had before RFC 8555. In any case, as its servers took it. */
static bool
check_resource(struct request *request)
{
	const json_t *value;
	const char   *key;

	if (!request->ra->config->ra.strict)
		return true;
	json_object_foreach(request->payload, key, value)
		if (strcasecmp(key, "resource") == 0 && json_string_length(value) > 0)
			return problem_set(&request->problem, PROBLEM_MALFORMED,
			    "JWS body included JSON with a deprecated ACME v1 \"resource\" field (\"%.60s\")",
			    json_string_value(value));
	return true;
}

/* The payload as the route wants it. */
static bool
check_payload(struct request *request)
{
	struct slice	payload = jws_payload(request->jws);
	enum payload	want = table[request->target.route].payload;
	struct reason	reason;
	enum err	err;

	if (payload.len == 0) {
		if (want != PAYLOAD_OBJECT)
			return true;
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "the payload is empty, but %s takes a JSON object (RFC 8555, 6.3: only POST-as-GET has none)",
		    route_name(request->target.route));
	}
	if (want == PAYLOAD_EMPTY)
		return request_not_empty(request);
	err = json_object_parse(payload, &request->payload, &reason);
	if (err == ERR_MEMORY)
		return request_broken(request, "payload", err);
	if (err != ERR_OK)
		return problem_set(&request->problem, PROBLEM_MALFORMED, "the JWS payload: %s", reason.text);
	drop_empty(request);
	return check_resource(request);
}

/* Not before it is known who asks. */
static bool
check_target(struct request *request)
{
	return !request->target.nowhere || request_no_object(request, "there is no such object");
}

/* POST-as-GET of what wfe serves to everybody (RFC 8555, 6.3): only the nonce is new. */
static bool
get_only(struct request *request)
{
	if (request->target.route == ROUTE_NEW_NONCE) {
		request->reply.status = 204;
		return true;
	}
	request->reply.media = MEDIA_DIRECTORY;
	request->reply.status = 200;
	return true;
}

/* RFC 9773, 4.1: the path alone says what is asked. Whatever else wfe asks for needs a signature; but where a script may
 * say what becomes of them, the directory and newNonce come here, too. */
static bool
can_look_up(struct request *request)
{
	if (route_parse(request->ra->surface, slice_str(request->msg.path), &request->target) &&
	    (route_is_lookup(request->target.route) ||
		(request->ra->faults != NULL && route_takes_get(request->target.route))))
		return true;
	request->problem.status = 404;
	return problem_set(&request->problem, PROBLEM_MALFORMED, "there is nothing here that can be read by GET");
}

/* Hands the request to whoever waits for the object; it isn't ours any more. */
static void
park(struct request *request)
{
	struct ra *ra = request->ra;
	struct buf issue = request->wait.issue;
	struct id  object = request->wait.object;

	request->waited = true;
	request->wait.issue = (struct buf){ 0 };
	request->parked.object = object;
	request->parked.stamp = request->wait.stamp;
	request->parked.until = clock_monotonic_ms() + ra->config->ra.finalize_wait_ms;
	park_put(ra->park, &request->parked);
	if (issue.len > 0)
		finalize_issue(ra, object, &issue);
	buf_free(&issue);
}

/* Where nobody waits: the answer is what there is now, and only then may anything change. */
static void
answer_at_once(struct request *request)
{
	struct ra *ra = request->ra;
	struct buf issue = request->wait.issue;
	struct id  object = request->wait.object;
	int64_t	   delay = request->fault.issuance_delay;

	request->waited = true;
	request->wait.issue = (struct buf){ 0 };
	(void)request->wait.resume(request);
	request_tx_end(request);
	reply_send(request);
	request_free(request);
	if (issue.len > 0 && delay > 0)
		later_send(ra, ra->ca, MSG_ISSUE, &issue, delay);
	else if (issue.len > 0)
		finalize_issue(ra, object, &issue);
	buf_free(&issue);
}

/* After a handler, or a part of one: the request is written, waits, or is answered. */
static void
go_on(struct request *request, bool done)
{
	request_tx_end(request);
	if (done && request->writing.after != NULL) {
		storage_write_start(request->ra->storage, &request->writing.write);
	} else if (done && request->wait.resume != NULL && !request->waited) {
		if (request->ra->config->ra.finalize_wait_ms == 0)
			answer_at_once(request);
		else
			park(request);
	} else {
		reply_send(request);
		request_free(request);
	}
}

static void
resumed(struct parked *parked)
{
	struct request *request = (struct request *)parked;

	go_on(request, request->wait.resume(request));
}

static void
written(struct storage_write *write)
{
	struct request *request = (struct request *)((char *)write - offsetof(struct request, writing.write));
	bool (*after)(struct request *, void *, enum err) = request->writing.after;

	request->writing.after = NULL;
	go_on(request, after(request, request->writing.arg, write->err));
}

bool
request_write(struct request *request, enum err (*fn)(struct storage_tx *, void *arg),
    bool (*after)(struct request *, void *arg, enum err), void *arg)
{
	request->writing = (struct writing){ { .fn = fn, .arg = arg, .done = written }, after, arg };
	return true;
}

/* What the script says in place of a handler, or the handler. */
static bool
act(struct request *request)
{
	const struct fault *fault = &request->fault;

	if (fault->status == 0 && request->lookup)
		return table[request->target.route].handle(request);
	if (fault->status == 0)
		return check_target(request) && check_payload(request) && table[request->target.route].handle(request);
	request->is_scripted = true;
	request->problem.status = fault->status;
	return problem_set(&request->problem, fault->type, "%s", fault->detail);
}

static void
act_late(struct parked *parked)
{
	struct request *request = (struct request *)parked;

	request->parked.run = resumed;
	go_on(request, act(request));
}

/* Lets the time pass that the script wants. */
static void
put_off(struct request *request)
{
	request_tx_end(request);
	request->parked.run = act_late;
	request->parked.object = id_short();	/* nobody wakes it */
	request->parked.stamp = park_stamp(request->ra->park, request->parked.object);
	request->parked.until = clock_monotonic_ms() + request->fault.delay;
	park_put(request->ra->park, &request->parked);
}

void
request_run(struct request *request)
{
	struct ra *ra = request->ra;

	if (!(request->lookup ? can_look_up(request) : authenticate(request))) {
		go_on(request, false);
	} else if (ra->faults != NULL && faults_meet(ra->faults, request->target.route, &request->account.id, &request->fault) &&
	    request->fault.delay > 0) {
		put_off(request);
	} else {
		go_on(request, act(request));
	}
}
