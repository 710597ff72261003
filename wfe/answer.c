#include "wfe/answer.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "wfe/check.h"
#include "wfe/ocsp.h"
#include "wfe/quotas.h"
#include "wfe/reply.h"

/* The index page has a style of its own and loads nothing. */
#define CONTENT_POLICY "default-src 'none'; style-src 'unsafe-inline'"

static bool
is(const struct request *r, const char *method)
{
	return strcmp(r->method, method) == 0;
}

static const char *
header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* For the conformance report. A message that finds no room is one request less in it. */
static void
tell_seen(const struct request *r, enum sighting what)
{
	struct msg_seen m = { .what = what };
	struct buf	message = { 0 };

	if (!r->server->wfe->config->ra.observe)
		return;
	memcpy(m.user_agent, r->user_agent, sizeof(m.user_agent));
	memcpy(m.path, r->path, sizeof(m.path));
	memcpy(m.id, r->id, sizeof(m.id));
	put_seen(&message, &m);
	(void)channel_try_send(r->server->wfe->ra, MSG_SEEN, &message);
	buf_free(&message);
}

static void
refuse_method(struct request *r, const char *allow)
{
	r->allow = allow;
	request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_METHOD_NOT_ALLOWED,
	    "%s is not served here; the Allow header says what is", r->method);
	(void)problem_said(&r->refusal, SAID_METHOD, "");
	if (r->server->kind == LISTENER_ACME)
		tell_seen(r, SEEN_GET);
}

/* RFC 9110, 8.3.1 allows parameters; not every server takes them. */
static bool
is_jose(const struct request *r, const char *value)
{
	return media_type_is_jose(value) &&
	    (!r->server->wfe->surface->exact_media_type || strchr(value, ';') == NULL);
}

static void
head_post(struct request *r)
{
	/* RFC 8555, 6.2 */
	if (!is_jose(r, header(r, MHD_HTTP_HEADER_CONTENT_TYPE))) {
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
		    "The request's Content-Type must be application/jose+json");
		(void)problem_said(&r->refusal, SAID_MEDIA_TYPE, "");
		tell_seen(r, SEEN_MEDIA_TYPE);
	} else if (!encoding_is_identity(header(r, MHD_HTTP_HEADER_CONTENT_ENCODING))) {
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
		    "The request's body must be sent without Content-Encoding");
	} else if (r->server->wfe->surface->nonce_header_refused && header(r, "Replay-Nonce") != NULL) {
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_BAD_REQUEST,
		    "HTTP requests should NOT contain Replay-Nonce header. Use JWS nonce field");
	}
}

/* What a browser asks before a POST of application/jose+json from another origin. */
static bool
is_preflight(const struct request *r, bool get)
{
	const char *method = header(r, MHD_HTTP_HEADER_ACCESS_CONTROL_REQUEST_METHOD);

	if (!is(r, MHD_HTTP_METHOD_OPTIONS))
		return false;
	if (!r->server->wfe->surface->cors_on_origin)
		return true;
	return header(r, MHD_HTTP_HEADER_ORIGIN) != NULL && method != NULL &&
	    (strcmp(method, MHD_HTTP_METHOD_POST) == 0 ||
		(get && (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)));
}

static void
refuse_resource(struct request *r)
{
	struct buf  url = { 0 };
	struct site site = request_site(r);

	route_url(&url, &site, ROUTE_DIRECTORY, NULL, NULL);
	request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_NOT_FOUND,
	    "There is no such resource%s; the directory is at %.*s",
	    r->query ? " (no URL of this server has a query)" : "", (int)url.len, (const char *)url.data);
	(void)problem_said(&r->refusal, SAID_NO_RESOURCE, "");
	tell_seen(r, SEEN_NO_RESOURCE);
	buf_free(&url);
}

static void
head_acme(struct request *r)
{
	const struct surface *surface = r->server->wfe->surface;
	bool		      get;

	if (r->long_path || (r->query && !surface->query_ignored) || !route_parse(surface, slice_str(r->path), &r->target)) {
		refuse_resource(r);
		return;
	}
	get = route_takes_get(r->target.route);
	if (r->user_agent[0] == '\0')
		tell_seen(r, SEEN_NO_AGENT);
	/* RFC 8555, 6.1 */
	if (r->user_agent[0] == '\0' && surface->agent_required)
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_BAD_REQUEST,
		    "The request has no User-Agent; clients send one (RFC 8555, 6.1)");
	else if (is(r, MHD_HTTP_METHOD_POST))
		head_post(r);
	else if (!is_preflight(r, get) &&
	    (!get || (!is(r, MHD_HTTP_METHOD_GET) && !is(r, MHD_HTTP_METHOD_HEAD))))
		/* RFC 8555, 6.3 */
		refuse_method(r, get ? surface->allow_get : surface->allow_post);
}

void
answer_head(struct request *r)
{
	if (r->server->kind == LISTENER_ACME)
		head_acme(r);
	else if (r->server->kind == LISTENER_MANAGEMENT)
		;	/* ra says what there is */
	else if (ocsp_serves(r))
		ocsp_head(r);
	else if (!is(r, MHD_HTTP_METHOD_GET) && !is(r, MHD_HTTP_METHOD_HEAD))
		refuse_method(r, "GET, HEAD");
}

static void
respond(struct request *r, unsigned status, struct MHD_Response *response)
{
	r->response = response;
	r->status = status;
}

/* Adds what a refusal may carry in its headers. */
static bool
refusal_headers(const struct request *r, struct MHD_Response *response)
{
	const char *help = r->refusal.type == PROBLEM_RATE_LIMITED ? quotas_help(r->server->wfe->quotas) : "";

	return response != NULL && (help[0] == '\0' || reply_header(response, MHD_HTTP_HEADER_LINK, help)) &&
	    (r->allow == NULL || reply_header(response, MHD_HTTP_HEADER_ALLOW, r->allow)) &&
	    (r->retry_after == 0 || reply_retry_after(response, r->retry_after));
}

static void
respond_or_drop(struct request *r, unsigned status, struct MHD_Response *response, bool whole)
{
	if (response != NULL && !whole) {
		MHD_destroy_response(response);
		response = NULL;
	}
	respond(r, status, response);
}

/* Plain pages have no problem documents: their readers are people. */
static void
refuse_plain(struct request *r)
{
	struct buf		 body = { 0 };
	struct MHD_Response	*response;

	buf_printf(&body, "%s\n", r->refusal.detail.text);
	response = reply_take(&body, "text/plain; charset=utf-8");
	buf_free(&body);
	respond_or_drop(r, r->refusal.status, response, refusal_headers(r, response));
}

void
answer_refusal(struct request *r)
{
	struct wfe		*wfe = r->server->wfe;
	struct form		 form = request_form(r);
	struct MHD_Response	*response;
	char			 nonce[NONCE_SIZE] = "";

	if (r->server->kind != LISTENER_ACME) {
		refuse_plain(r);
		return;
	}
	if (r->refusal.said == SAID_NO_RESOURCE && wfe->surface->not_found != NULL) {
		response = reply_borrow(slice_str(wfe->surface->not_found), "text/plain; charset=utf-8");
		respond_or_drop(r, r->refusal.status, response, response != NULL);
		return;
	}
	/* RFC 8555, 6.5: every answer to a POST brings one, errors too. */
	if (is(r, MHD_HTTP_METHOD_POST) && nonce_stock_take(wfe->nonces, nonce))
		wfe_want_nonces(wfe);
	surface_retell(wfe->surface, &r->refusal);
	response = reply_from_problem(&form, &r->refusal, nonce);
	respond_or_drop(r, r->refusal.status, response, refusal_headers(r, response));
}

/* Suspends first: whoever takes the request from in_flight may resume it before we return. */
enum answer
answer_later(struct request *r, enum wait_for what, uint64_t *number)
{
	MHD_suspend_connection(r->connection);
	*number = in_flight_add(r->server->wfe->in_flight, r, what);
	if (*number != 0)
		return ANSWER_LATER;
	request_refuse(r, PROBLEM_SERVER_INTERNAL, MHD_HTTP_SERVICE_UNAVAILABLE,
	    "The server is overloaded or restarts a part of itself; try again");
	r->retry_after = 1;
	MHD_resume_connection(r->connection);
	return ANSWER_LATER;
}

/* r stays until this call returns, since the connection belongs to this thread; but once it is in flight
 * another thread may write its answer into it. */
static enum answer
ask_ra(struct request *r)
{
	struct channel		*ra = r->server->wfe->ra;
	struct in_flight	*in_flight = r->server->wfe->in_flight;
	struct msg_request	 m = { .body = buf_slice(&r->body) };
	struct buf		 message = { 0 };
	enum answer		 answer;

	memcpy(m.remote, r->remote, sizeof(m.remote));
	text_clean(r->path, m.path, sizeof(m.path));
	memcpy(m.base, r->base, sizeof(m.base));
	text_clean(r->user_agent, m.user_agent, sizeof(m.user_agent));
	text_clean(header(r, MHD_HTTP_HEADER_ACCEPT), m.accept, sizeof(m.accept));
	memcpy(m.id, r->id, sizeof(m.id));
	answer = answer_later(r, WAIT_REPLY, &m.number);
	if (m.number == 0)
		return answer;
	put_request(&message, &m);
	/* Not sent: ra is gone, or memory is out. Unless the reader noticed first, answer it here. */
	if (channel_send(ra, MSG_REQUEST, &message) != ERR_OK &&
	    (r = in_flight_take(in_flight, m.number)) != NULL)
		request_ra_gone(r);
	buf_free(&message);
	return answer;
}

/* A GET that ra answers: only its path counts. */
static enum answer
look_up(struct request *r)
{
	struct in_flight	*in_flight = r->server->wfe->in_flight;
	struct channel		*ra = r->server->wfe->ra;
	struct msg_lookup	 m = { .number = 0 };
	struct buf		 message = { 0 };
	enum answer		 answer;

	memcpy(m.remote, r->remote, sizeof(m.remote));
	text_clean(r->path, m.path, sizeof(m.path));
	memcpy(m.base, r->base, sizeof(m.base));
	memcpy(m.user_agent, r->user_agent, sizeof(m.user_agent));
	memcpy(m.id, r->id, sizeof(m.id));
	answer = answer_later(r, WAIT_REPLY, &m.number);
	if (m.number == 0)
		return answer;
	put_lookup(&message, &m);
	if (channel_send(ra, MSG_LOOKUP, &message) != ERR_OK &&
	    (r = in_flight_take(in_flight, m.number)) != NULL)
		request_ra_gone(r);
	buf_free(&message);
	return answer;
}

/* Files are shown from memory; all else is ra's to answer. */
static enum answer
answer_management(struct request *r)
{
	struct in_flight	*in_flight = r->server->wfe->in_flight;
	struct channel		*ra = r->server->wfe->ra;
	struct msg_manage	 m = { .body = buf_slice(&r->body) };
	struct site		 site = request_site(r);
	struct buf		 message = { 0 };
	enum answer		 answer;

	if (management_page(r->server->wfe->management, r->path, site.base, &r->response)) {
		r->status = MHD_HTTP_OK;
		return ANSWER_NOW;
	}
	text_clean(r->method, m.method, sizeof(m.method));
	text_clean(r->path, m.path, sizeof(m.path));
	snprintf(m.base, sizeof(m.base), "%s", site.base);
	answer = answer_later(r, WAIT_REPLY, &m.number);
	if (m.number == 0)
		return answer;
	put_manage(&message, &m);
	if (channel_send(ra, MSG_MANAGE, &message) != ERR_OK &&
	    (r = in_flight_take(in_flight, m.number)) != NULL)
		request_ra_gone(r);
	buf_free(&message);
	return answer;
}

static enum answer
answer_nonce(struct request *r)
{
	struct wfe		*wfe = r->server->wfe;
	struct form		 form = request_form(r);
	struct MHD_Response	*response;
	char			 nonce[NONCE_SIZE];
	uint64_t		 number;
	bool			 found = nonce_stock_take(wfe->nonces, nonce);

	wfe_want_nonces(wfe);
	if (found)
		tell_seen(r, SEEN_NEW_NONCE);
	if (!found)
		return answer_later(r, WAIT_NONCE, &number);
	/* RFC 8555, 7.2 */
	response = reply_borrow((struct slice){ 0 }, NULL);
	respond_or_drop(r, is(r, MHD_HTTP_METHOD_HEAD) ? MHD_HTTP_OK : MHD_HTTP_NO_CONTENT, response,
	    response != NULL && reply_acme(response, &form) && reply_private(response, &form, nonce));
	return ANSWER_NOW;
}

static void
answer_directory(struct request *r)
{
	const struct wfe	*wfe = r->server->wfe;
	struct form		 form = request_form(r);
	struct buf		 own = { 0 };
	struct MHD_Response	*response;
	bool			 whole;

	if (request_directory(r, &own))
		response = reply_take(&own, wfe->surface->json_type);
	else
		response = reply_borrow(buf_slice(&wfe->directory), wfe->surface->json_type);
	buf_free(&own);
	whole = response != NULL && reply_acme(response, &form) &&
	    (wfe->surface->cache_control == NULL ||
		reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, wfe->surface->cache_control));
	respond_or_drop(r, MHD_HTTP_OK, response, whole);
}

static void
answer_preflight(struct request *r)
{
	bool			 get = route_takes_get(r->target.route);
	struct form		 form = request_form(r);
	struct MHD_Response	*response = reply_borrow((struct slice){ 0 }, NULL);

	respond_or_drop(r, MHD_HTTP_NO_CONTENT, response,
	    response != NULL && reply_acme(response, &form) &&
		reply_header(response, "Access-Control-Allow-Methods", get ? "GET, HEAD, POST" : "POST") &&
		reply_header(response, "Access-Control-Allow-Headers", "Content-Type") &&
		reply_header(response, "Access-Control-Max-Age", form.surface->max_age));
}

/* RFC 5280, 4.2.1.13 */
static void
answer_crl(struct request *r)
{
	struct buf der = { 0 };
	struct MHD_Response *response;
	enum err err = crls_get(r->server->wfe->crls, r->path, &der);

	if (err == ERR_OK) {
		response = reply_take(&der, "application/pkix-crl"); /* RFC 2585, 4.2 */
		respond_or_drop(r, MHD_HTTP_OK, response,
		    response != NULL && reply_header(response, "X-Content-Type-Options", "nosniff") &&
			reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "max-age=60"));
	} else if (err == ERR_NOT_FOUND) {
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_NOT_FOUND, "There is no such CRL");
		refuse_plain(r);
	} else {
		r->retry_after = 1;
		request_refuse(r, PROBLEM_SERVER_INTERNAL, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "The CRL is being made; try again");
		refuse_plain(r);
	}
	buf_free(&der);
}

static void
answer_plain(struct request *r)
{
	const struct page	*page = plain_find(r->server->wfe->plain, r->path);
	struct MHD_Response	*response;

	if (strncmp(r->path, "/crl/", 5) == 0 && !r->long_path) {
		answer_crl(r);
		return;
	}
	if (page == NULL || r->long_path) {
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_NOT_FOUND, "There is no such page; see /");
		refuse_plain(r);
		return;
	}
	response = reply_borrow(buf_slice(&page->body), page->media_type);
	respond_or_drop(r, MHD_HTTP_OK, response,
	    response != NULL && reply_header(response, "X-Content-Type-Options", "nosniff") &&
		reply_header(response, "Referrer-Policy", "no-referrer") &&
		reply_header(response, "Content-Security-Policy", CONTENT_POLICY) &&
		reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "max-age=300"));
}

static void
answer_metrics(struct request *r)
{
	struct wfe	*wfe = r->server->wfe;
	struct buf	 body = { 0 };
	struct gauges	 gauges = { .connections = connections_count(wfe->connections),
		.in_flight = in_flight_count(wfe->in_flight),
		.waiting = turns_waiting(wfe->turns), .nonces = nonce_stock_count(wfe->nonces) };

	if (strcmp(r->path, "/metrics") != 0) {
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_NOT_FOUND, "There is only /metrics");
		refuse_plain(r);
		return;
	}
	metrics_put(&body, wfe->metrics, &gauges);
	respond(r, MHD_HTTP_OK, reply_take(&body, "text/plain; version=0.0.4; charset=utf-8"));
	buf_free(&body);
}

/* A test's script may say what becomes of the directory and of newNonce, and ra has it. */
static bool
asks_script(const struct request *r)
{
	const struct config *config = r->server->wfe->config;

	if (config->wfe.management_listen.count == 0 && config->ra.faults[0] == '\0')
		return false;
	if (r->target.route == ROUTE_NEW_NONCE)
		tell_seen(r, SEEN_NEW_NONCE);
	return true;
}

enum answer
answer_request(struct request *r)
{
	if (r->body.failed)
		request_refuse(r, PROBLEM_SERVER_INTERNAL, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "The server is out of memory; try again");
	if (r->refusal.type != PROBLEM_NONE)
		answer_refusal(r);
	else if (ocsp_serves(r))
		return ocsp_ask(r);
	else if (r->server->kind == LISTENER_PLAIN)
		answer_plain(r);
	else if (r->server->kind == LISTENER_METRICS)
		answer_metrics(r);
	else if (r->server->kind == LISTENER_MANAGEMENT)
		return answer_management(r);
	else if (is(r, MHD_HTTP_METHOD_POST))
		return ask_ra(r);
	else if (is(r, MHD_HTTP_METHOD_OPTIONS))
		answer_preflight(r);
	else if (asks_script(r))
		return look_up(r);
	else if (r->target.route == ROUTE_NEW_NONCE)
		return answer_nonce(r);
	else if (route_is_lookup(r->target.route))
		return look_up(r);
	else
		answer_directory(r);
	return ANSWER_NOW;
}
