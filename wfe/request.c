#include "wfe/request.h"

#include <gnutls/crypto.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jose/jws.h"
#include "lib/clock.h"
#include "wfe/access_log.h"
#include "wfe/answer.h"
#include "wfe/check.h"
#include "wfe/directory.h"
#include "wfe/hops.h"
#include "wfe/ocsp.h"
#include "wfe/quotas.h"
#include "wfe/reply.h"

/* A refused body is read and dropped up to here, so that the client sees the refusal and not a reset of a
 * connection that still had bytes to read; beyond it the connection ends at once. */
#define DISCARD_MAX (16 * JWS_BODY_MAX)
#define COSTLY_BYTES 8192	/* to decrypt and parse them takes as long as an answer */

static void
random_id(char out[REQUEST_ID_SIZE])
{
	static const char	hex[] = "0123456789abcdef";
	uint8_t			bytes[(REQUEST_ID_SIZE - 1) / 2];

	if (gnutls_rnd(GNUTLS_RND_NONCE, bytes, sizeof(bytes)) != 0)
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
	out[REQUEST_ID_SIZE - 1] = '\0';
}

static void
phase(const struct request *r, enum connection_phase p)
{
	connection_phase(r->server->wfe->connections, r->peer, p, clock_monotonic_ms());
}

void *
request_begin(void *cls, const char *target, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo	*info;
	struct request			*r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->server = cls;
	r->connection = connection;
	r->started = clock_monotonic_ms();
	random_id(r->id);
	ocsp_keep_target(r, target);
	r->long_path = !target_clean(target, r->path, sizeof(r->path), &r->query);
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	if (info != NULL)
		r->peer = info->socket_context;
	snprintf(r->remote, sizeof(r->remote), "%s", connection_remote(r->peer));
	phase(r, PHASE_READING);
	return r;
}

/* What its turn costs. A client that left before its answer costs what an answer does. */
static int64_t
cost(const struct request *r)
{
	int64_t size = (int64_t)(r->received / COSTLY_BYTES);

	if (r->status >= 400 && r->status < 500)
		return size + TURNS_REFUSED;
	switch (r->target.route) {
	case ROUTE_FINALIZE:
		return r->status == MHD_HTTP_OK ? TURNS_CERTIFICATE : 1;
	case ROUTE_NEW_ACCOUNT:
	case ROUTE_NEW_ORDER:
	case ROUTE_NEW_AUTHZ:
	case ROUTE_KEY_CHANGE:
		return size + TURNS_WRITTEN;
	default:
		return size + 1;
	}
}

void
request_end(void *cls, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode code)
{
	struct request *r = *request;

	(void)cls;
	(void)connection;
	(void)code;
	*request = NULL;
	if (r == NULL)
		return;
	access_log(r);
	turns_over(r->server->wfe->turns, &r->turn, cost(r), clock_monotonic_us());
	phase(r, PHASE_IDLE);
	if (r->response != NULL)
		MHD_destroy_response(r->response);
	problem_free(&r->refusal);
	buf_free(&r->body);
	free(r);
}

void
request_refuse(struct request *r, enum problem_type type, uint16_t status, const char *format, ...)
{
	char	text[REASON_MAX];
	va_list	args;

	if (r->refusal.type != PROBLEM_NONE)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	problem_set(&r->refusal, type, "%s", text);
	r->refusal.status = status;
}

/* Queues r->response. The connection ends where we said so, or when the server is about to stop. */
static enum MHD_Result
send_response(struct request *r)
{
	enum MHD_Result result;

	if (r->response == NULL || r->reset)
		return MHD_NO;
	if (r->server->kind == LISTENER_ACME && !r->server->wfe->surface->quiet &&
	    !reply_header(r->response, "Request-Id", r->id))
		return MHD_NO;
	if ((r->close || atomic_load(&r->server->wfe->stopping)) &&
	    !reply_header(r->response, MHD_HTTP_HEADER_CONNECTION, "close"))
		return MHD_NO;
	phase(r, PHASE_WRITING);
	result = MHD_queue_response(r->connection, r->status, r->response);
	MHD_destroy_response(r->response);
	r->response = NULL;
	return result;
}

static void
refuse_large(struct request *r)
{
	request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_CONTENT_TOO_LARGE,
	    "The request's body is over %d bytes", JWS_BODY_MAX);
	r->close = true;
}

static const char *
header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* "https", or what a proxy in front says; only of use where URLs follow the request. */
static const char *
scheme(const struct request *r)
{
	const char *forwarded = header(r, "X-Forwarded-Proto");

	if (forwarded != NULL && (strcmp(forwarded, "http") == 0 || strcmp(forwarded, "https") == 0))
		return forwarded;
	return r->server->wfe->tls != NULL ? "https" : "http";
}

/* The characters of a host and its port: whatever else a client sends would be put into URLs and headers. */
static bool
is_authority(const char *host)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";

	return host != NULL && *host != '\0' && strspn(host, allowed) == strlen(host) &&
	    strlen(host) + sizeof("https://") <= BASE_MAX;
}

static void
take_base(struct request *r)
{
	const char *host = header(r, MHD_HTTP_HEADER_HOST);
	struct site site = { r->server->wfe->surface, r->base };
	struct buf  link = { 0 };

	if (!r->server->wfe->config->wfe.url_from_host)
		return;
	snprintf(r->base, sizeof(r->base), "%s://%s", scheme(r), is_authority(host) ? host : "localhost");
	buf_put_str(&link, "<");
	route_url(&link, &site, ROUTE_DIRECTORY, NULL, NULL);
	buf_put_str(&link, ">;rel=\"index\"");
	if (!link.failed && link.len < sizeof(r->index_link))
		memcpy(r->index_link, link.data, link.len);
	buf_free(&link);
}

struct site
request_site(const struct request *r)
{
	const struct wfe *wfe = r->server->wfe;

	return (struct site){ wfe->surface, r->base[0] != '\0' ? r->base : wfe->config->wfe.url };
}

bool
request_directory(const struct request *r, struct buf *out)
{
	struct site site = request_site(r);

	return r->base[0] != '\0' && directory_put(out, r->server->wfe->config, &site) == ERR_OK;
}

struct form
request_form(const struct request *r)
{
	const struct wfe *wfe = r->server->wfe;
	const char	 *link = r->index_link[0] != '\0' ? r->index_link : wfe->index_link;

	return (struct form){ .surface = wfe->surface,
		.index_link = r->target.route == ROUTE_DIRECTORY ? NULL : link,
		.cors = !wfe->surface->cors_on_origin || header(r, MHD_HTTP_HEADER_ORIGIN) != NULL };
}

/* What its framing tells of a body before it comes. */
static uint64_t
check_framing(struct request *r)
{
	const char	*length = header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t	 announced = length != NULL ? strtoull(length, NULL, 10) : 0;

	/* RFC 9112, 6.1: two lengths are how requests are smuggled past a proxy. */
	if (length != NULL && header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL) {
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_BAD_REQUEST,
		    "The request has both Content-Length and Transfer-Encoding");
		r->close = true;
	}
	if (announced > JWS_BODY_MAX)
		refuse_large(r);
	return announced;
}

static enum MHD_Result
add_hops(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	static const char *const names[] = { [PROXY_HEADER_X_FORWARDED_FOR] = "X-Forwarded-For",
		[PROXY_HEADER_FORWARDED] = "Forwarded" };
	struct hops *hops = cls;

	(void)kind;
	if (value != NULL && strcasecmp(name, names[hops->header]) == 0)
		hops_add(hops, value);
	return MHD_YES;
}

/* Whom the request comes from. What a proxy adds is only looked at where there are proxies to trust. */
static void
take_remote(struct request *r)
{
	const struct wfe_config *config = &r->server->wfe->config->wfe;
	struct hops hops = { .header = config->proxy_header };
	struct address peer, client;

	if (config->trusted_proxies.count == 0 || !address_parse(r->remote, &peer))
		return;
	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, add_hops, &hops);
	client = hops_client(&hops, &config->trusted_proxies, &peer);
	address_text(&client, r->remote);
}

static void
take_names(struct request *r, const char *method)
{
	text_clean(method, r->method, sizeof(r->method));
	text_clean(header(r, MHD_HTTP_HEADER_USER_AGENT), r->user_agent, sizeof(r->user_agent));
	take_base(r);
	take_remote(r);
	r->state = REQUEST_TURN;
}

static void
go_on(struct turn *turn)
{
	request_resume((struct request *)((char *)turn - offsetof(struct request, turn)));
}

/* Before anything is done for it. False: suspended, and in another thread's hands. */
static bool
has_turn(struct request *r)
{
	struct turns *turns = r->server->wfe->turns;

	if (r->server->kind != LISTENER_ACME && r->server->kind != LISTENER_PLAIN)
		return true;
	r->turn.peer = r->peer;
	if (turns_take(turns, &r->turn, r->remote, clock_monotonic_us()))
		return true;
	MHD_suspend_connection(r->connection);
	turns_wait(turns, &r->turn, go_on);
	return false;
}

static enum MHD_Result
take_head(struct request *r)
{
	uint64_t announced;

	r->state = REQUEST_BODY;
	answer_head(r);
	if (r->server->kind == LISTENER_ACME)
		quotas_check(r->server->wfe->quotas, r);
	announced = check_framing(r);
	if (r->refusal.type == PROBLEM_NONE)
		return MHD_YES;
	/* Refused: the body is unwanted. A client that asked first (RFC 9110, 10.1.1) has not sent it. */
	if (header(r, MHD_HTTP_HEADER_EXPECT) == NULL && announced <= DISCARD_MAX)
		return MHD_YES;
	r->close = true;
	answer_refusal(r);
	return send_response(r);
}

static enum MHD_Result
take_body(struct request *r, const char *data, size_t *size)
{
	r->received += *size;
	if (r->received > DISCARD_MAX)
		return MHD_NO;
	if (r->received > JWS_BODY_MAX)
		refuse_large(r);
	if (r->refusal.type == PROBLEM_NONE)
		buf_put(&r->body, data, *size);
	else
		buf_free(&r->body);
	*size = 0;
	return MHD_YES;
}

enum MHD_Result
request_serve(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **request)
{
	struct request *r = *request;

	(void)cls;
	(void)connection;
	(void)url;
	(void)version;
	if (r == NULL)
		return MHD_NO;
	if (r->state == REQUEST_HEAD) {
		take_names(r, method);
		if (!has_turn(r))
			return MHD_YES;
	}
	if (r->state == REQUEST_TURN)
		return take_head(r);
	if (*size > 0)
		return take_body(r, data, size);
	if (r->state == REQUEST_BODY) {
		r->state = REQUEST_WHOLE;
		phase(r, PHASE_WORKING);
	}
	if (r->response == NULL && answer_request(r) == ANSWER_LATER)
		return MHD_YES;		/* suspended: from here on r may be in another thread's hands */
	return send_response(r);
}

void
request_resume(struct request *r)
{
	struct MHD_Connection *connection = r->connection;

	MHD_resume_connection(connection);
}

void
request_reply(struct request *r, const struct msg_reply *m)
{
	struct form	form = request_form(r);
	struct buf	own = { 0 };
	bool		different = m->media == MEDIA_DIRECTORY && request_directory(r, &own);

	if (r->server->kind == LISTENER_MANAGEMENT)
		form = (struct form){ .surface = form.surface };
	r->response = reply_from_ra(&form, m, buf_slice(different ? &own : &r->server->wfe->directory));
	buf_free(&own);
	r->status = m->status;
	/* RFC 8555, 7.2 */
	if (r->target.route == ROUTE_NEW_NONCE && m->status == MHD_HTTP_NO_CONTENT && strcmp(r->method, MHD_HTTP_METHOD_HEAD) == 0)
		r->status = MHD_HTTP_OK;
	r->reset = m->fault == WIRE_RESET;
	memcpy(r->account, m->account, sizeof(r->account));
	memcpy(r->problem, m->problem, sizeof(r->problem));
	memcpy(r->detail, m->detail, sizeof(r->detail));
	if (r->response == NULL)
		request_refuse(r, PROBLEM_SERVER_INTERNAL, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "The server is out of memory; try again");
	request_resume(r);
}

void
request_ra_gone(struct request *r)
{
	request_refuse(r, PROBLEM_SERVER_INTERNAL, MHD_HTTP_SERVICE_UNAVAILABLE,
	    "The server restarts a part of itself; try again");
	r->retry_after = 1;
	r->close = true;
	request_resume(r);
}
