#include "wfe/ocsp.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "wfe/check.h"
#include "wfe/reply.h"
#include "x509/ocsp.h"

#define PATH "/ocsp"
#define GET_MAX 4096	/* of a request with a nonce 200 characters; proxies refuse longer URLs than this anyway */
#define RESPONSE_TYPE "application/ocsp-response"	/* RFC 6960, C.2 */
/* A revocation shall show soon through caches on the way, too. */
#define CACHE_MAX 300
#define ETAG_SIZE 35	/* 128 bits in hex, quoted */

static bool
is(const struct request *r, const char *method)
{
	return strcmp(r->method, method) == 0;
}

static bool
is_path(const char *path)
{
	return strncmp(path, PATH, strlen(PATH)) == 0 && (path[strlen(PATH)] == '\0' || path[strlen(PATH)] == '/');
}

bool
ocsp_serves(const struct request *r)
{
	return r->server->kind == LISTENER_PLAIN && config_serves_ocsp(r->server->wfe->config) && is_path(r->path);
}

void
ocsp_keep_target(struct request *r, const char *target)
{
	const char *rest = target + strlen(PATH);
	size_t	    len;

	if (r->server->kind != LISTENER_PLAIN || strncmp(target, PATH "/", strlen(PATH) + 1) != 0)
		return;
	len = strcspn(rest, "?");
	/* Of one that is too long a beginning is kept, which is no request. */
	buf_put(&r->body, rest, len < GET_MAX ? len : 1);
}

void
ocsp_head(struct request *r)
{
	const char *type;

	if (is(r, MHD_HTTP_METHOD_GET) || is(r, MHD_HTTP_METHOD_HEAD))
		return;
	buf_clear(&r->body);	/* what its path may have held */
	if (!is(r, MHD_HTTP_METHOD_POST)) {
		r->allow = "GET, HEAD, POST";
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_METHOD_NOT_ALLOWED, "%s is not served here", r->method);
		return;
	}
	type = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	if (!media_type_is_ocsp(type))
		request_refuse(r, PROBLEM_MALFORMED, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
		    "The request's Content-Type must be application/ocsp-request");
}

/* --- answers ---------------------------------------------------------------------------------------- */

static void
etag_make(struct slice der, char out[ETAG_SIZE])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(der.data, der.len, digest);
	out[0] = '"';
	for (size_t i = 0; i < 16; i++)
		snprintf(out + 1 + 2 * i, 3, "%02x", digest[i]);
	memcpy(out + 33, "\"", 2);
}

/* RFC 5019, 6.2 */
static bool
cache_headers(struct MHD_Response *response, const struct msg_ocsp_answer *m, const char *etag)
{
	char	control[80], since[CLOCK_HTTP_SIZE], until[CLOCK_HTTP_SIZE];
	int64_t left = m->next_update - clock_now();

	if (left > CACHE_MAX)
		left = CACHE_MAX;
	snprintf(control, sizeof(control), "max-age=%lld, public, no-transform, must-revalidate",
	    (long long)(left > 0 ? left : 0));
	clock_http_date(m->this_update, since);
	clock_http_date(m->next_update, until);
	return reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, control) &&
	    reply_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, since) &&
	    reply_header(response, MHD_HTTP_HEADER_EXPIRES, until) && reply_header(response, MHD_HTTP_HEADER_ETAG, etag);
}

static bool
has_it(const struct request *r, const char *etag)
{
	const char *held = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);

	return held != NULL && (strcmp(held, "*") == 0 || strstr(held, etag) != NULL);
}

/* Whether caches may keep it: not an error, nor what answers one client's nonce or a POST (RFC 5019, 6.2). */
static bool
is_kept(const struct request *r, const struct msg_ocsp_answer *m)
{
	return m->status == OCSP_SUCCESSFUL && m->shared && !is(r, MHD_HTTP_METHOD_POST);
}

/* Sets the response; none when memory is out. */
static void
respond(struct request *r, const struct msg_ocsp_answer *m)
{
	struct MHD_Response *response;
	struct buf	     body = { 0 };
	char		     etag[ETAG_SIZE];
	bool		     kept = is_kept(r, m), whole;

	etag_make(m->der, etag);
	r->status = kept && has_it(r, etag) ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
	if (r->status == MHD_HTTP_OK)
		buf_put(&body, m->der.data, m->der.len);
	response = reply_take(&body, r->status == MHD_HTTP_OK ? RESPONSE_TYPE : NULL);
	buf_free(&body);
	whole = response != NULL && (kept ? cache_headers(response, m, etag)
					  : reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"));
	if (response != NULL && !whole) {
		MHD_destroy_response(response);
		response = NULL;
	}
	r->response = response;
}

static enum answer
answer_error(struct request *r, enum ocsp_status status, const struct reason *reason)
{
	struct msg_ocsp_answer m = { .status = status };
	struct buf	       der = { 0 };

	snprintf(r->detail, sizeof(r->detail), "%s", reason->text);
	if (ocsp_error_put(status, &der) == ERR_OK) {
		m.der = buf_slice(&der);
		respond(r, &m);
	}
	buf_free(&der);
	return ANSWER_NOW;
}

/* --- requests --------------------------------------------------------------------------------------- */

static enum err
read_request(struct request *r, struct ocsp_request *out, struct reason *reason)
{
	struct buf der = { 0 };
	enum err   err = ERR_MALFORMED;

	if (is(r, MHD_HTTP_METHOD_POST))
		return ocsp_request_parse(buf_slice(&r->body), out, reason);
	if (ocsp_path_decode(buf_slice(&r->body), &der))
		err = ocsp_request_parse(buf_slice(&der), out, reason);
	else
		reason_set(reason, "the path is not /ocsp/ and an OCSP request in base64 (RFC 6960, A.1)");
	buf_free(&der);
	return err;
}

enum answer
ocsp_ask(struct request *r)
{
	struct channel	*ra = r->server->wfe->ra;
	struct in_flight *in_flight = r->server->wfe->in_flight;
	struct msg_ocsp	 m = { .number = 0 };
	struct reason	 reason = { "" };
	struct buf	 message = { 0 };
	enum answer	 answer;
	enum err	 err = read_request(r, &m.request, &reason);

	if (err != ERR_OK)
		return answer_error(r, err == ERR_UNSUPPORTED ? OCSP_UNAUTHORIZED : OCSP_MALFORMED_REQUEST, &reason);
	answer = answer_later(r, WAIT_REPLY, &m.number);
	if (m.number == 0)
		return answer;
	put_ocsp(&message, &m);
	if (channel_send(ra, MSG_OCSP, &message) != ERR_OK && (r = in_flight_take(in_flight, m.number)) != NULL)
		request_ra_gone(r);
	buf_free(&message);
	return answer;
}

void
ocsp_reply(struct request *r, const struct msg_ocsp_answer *m)
{
	respond(r, m);
	if (r->response == NULL)
		request_refuse(r, PROBLEM_SERVER_INTERNAL, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "The server is out of memory; try again");
	request_resume(r);
}
