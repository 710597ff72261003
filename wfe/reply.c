#include "wfe/reply.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"

/* NULL: no body. */
static const char *
media_type(const struct surface *surface, enum media_type media)
{
	switch (media) {
	case MEDIA_JSON:
	case MEDIA_DIRECTORY:
		return surface->json_type;
	case MEDIA_PROBLEM:
		return surface->problem_type;
	case MEDIA_PEM_CHAIN:
		return surface->pem_type;
	case MEDIA_PKIX_CERT:
		return "application/pkix-cert";
	case MEDIA_PKCS7:
		return "application/pkcs7-mime; smime-type=certs-only"; /* RFC 8551, 3.2.2 */
	case MEDIA_TEXT:
		return "text/plain; charset=utf-8";
	case MEDIA_HTML:
		return "text/html; charset=utf-8";
	case MEDIA_XML:
		return "application/xml; charset=utf-8";
	default:
		return NULL;
	}
}

bool
reply_header(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

bool
reply_retry_after(struct MHD_Response *response, uint32_t seconds)
{
	char text[11];

	snprintf(text, sizeof(text), "%u", seconds);
	return reply_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
}

static struct MHD_Response *
with_type(struct MHD_Response *response, const char *media_type)
{
	if (response == NULL || media_type == NULL ||
	    reply_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, media_type))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

struct MHD_Response *
reply_take(struct buf *body, const char *media_type)
{
	struct MHD_Response *response;

	if (body->failed)
		return NULL;
	response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
	if (response != NULL)
		*body = (struct buf){ 0 };
	return with_type(response, media_type);
}

struct MHD_Response *
reply_borrow(struct slice body, const char *media_type)
{
	/* The library promises not to write; its prototype forgot const. */
	void *data = (void *)(uintptr_t)body.data;

	return with_type(MHD_create_response_from_buffer(body.len, data, MHD_RESPMEM_PERSISTENT), media_type);
}

bool
reply_acme(struct MHD_Response *response, const struct form *form)
{
	return (form->index_link == NULL || reply_header(response, "Link", form->index_link)) &&
	    (!form->cors || (reply_header(response, "Access-Control-Allow-Origin", "*") &&
				reply_header(response, "Access-Control-Expose-Headers", form->surface->expose)));
}

static bool
cache_control(struct MHD_Response *response, const struct form *form, const char *value)
{
	if (form->surface->cache_control != NULL)
		value = form->surface->cache_control;
	return value == NULL || reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, value);
}

/* What answers a POST holds a nonce or an account's own affairs: no cache may keep it (RFC 8555, 6.5.1). */
bool
reply_private(struct MHD_Response *response, const struct form *form, const char *nonce)
{
	return cache_control(response, form, "no-store") &&
	    (nonce[0] == '\0' || reply_header(response, "Replay-Nonce", nonce));
}

/* What everybody may read, caches may keep for a while, so that clients that ask too often do no harm (RFC 9773,
 * 6). */
static bool
cache_headers(struct MHD_Response *response, const struct form *form, const struct msg_reply *m)
{
	char fresh[40];

	snprintf(fresh, sizeof(fresh), "public, max-age=%u", m->fresh > 0 ? m->fresh : 300);
	if (m->nonce[0] == '\0' && m->status == MHD_HTTP_OK)
		return cache_control(response, form, fresh);
	return reply_private(response, form, m->nonce);
}

static bool
language(struct MHD_Response *response, const struct form *form, enum media_type media)
{
	return media != MEDIA_PROBLEM || form->surface->quiet ||
	    reply_header(response, MHD_HTTP_HEADER_CONTENT_LANGUAGE, "en");
}

static bool
retry_after(struct MHD_Response *response, const struct msg_reply *m)
{
	char date[CLOCK_HTTP_SIZE];

	if (!m->retry_date)
		return reply_retry_after(response, m->retry_after);
	clock_http_date(clock_now() + m->retry_after, date);
	return reply_header(response, MHD_HTTP_HEADER_RETRY_AFTER, date);
}

/* RFC 8739, 3.3 */
static bool
validity(struct MHD_Response *response, const struct msg_reply *m)
{
	char begin[CLOCK_HTTP_SIZE], end[CLOCK_HTTP_SIZE];

	if (m->not_after == 0)
		return true;
	clock_http_date(m->not_before, begin);
	clock_http_date(m->not_after, end);
	return reply_header(response, "Cert-Not-Before", begin) && reply_header(response, "Cert-Not-After", end);
}

static bool
own_headers(struct MHD_Response *response, const struct msg_reply *m)
{
	for (uint32_t i = 0; i < m->link_count; i++) {
		if (!reply_header(response, "Link", m->links[i]))
			return false;
	}
	return (m->location[0] == '\0' || reply_header(response, MHD_HTTP_HEADER_LOCATION, m->location)) &&
	    (m->retry_after == 0 || retry_after(response, m)) && validity(response, m);
}

static struct MHD_Response *
complete(struct MHD_Response *response, bool whole)
{
	if (whole || response == NULL)
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/* The first half of a body whose whole length was announced; then the connection ends. */
static ssize_t
first_half(void *body, uint64_t at, char *out, size_t max)
{
	const struct buf *whole = body;
	size_t		  left = at < whole->len / 2 ? whole->len / 2 - (size_t)at : 0, n = left < max ? left : max;

	if (n == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	memcpy(out, whole->data + at, n);
	return (ssize_t)n;
}

static void
half_free(void *body)
{
	buf_free(body);
	free(body);
}

/* Takes the body over and empties it. */
static struct MHD_Response *
truncated(struct buf *body)
{
	struct buf	    *whole = malloc(sizeof(*whole));
	struct MHD_Response *response;

	if (whole == NULL)
		return NULL;
	*whole = *body;
	*body = (struct buf){ 0 };
	response = MHD_create_response_from_callback(whole->len, 1024, first_half, whole, half_free);
	if (response == NULL)
		half_free(whole);
	return response;
}

struct MHD_Response *
reply_from_ra(const struct form *form, const struct msg_reply *m, struct slice directory)
{
	struct slice		 text = m->media == MEDIA_DIRECTORY ? directory : m->body;
	struct buf		 body = { 0 };
	struct MHD_Response	*response;

	buf_put(&body, text.data, text.len);
	if (m->fault == WIRE_TRUNCATE)
		response = with_type(truncated(&body), media_type(form->surface, m->media));
	else
		response = reply_take(&body, media_type(form->surface, m->media));
	buf_free(&body);
	return complete(response, response != NULL && reply_acme(response, form) && cache_headers(response, form, m) &&
	    own_headers(response, m) && language(response, form, m->media));
}

struct MHD_Response *
reply_from_problem(const struct form *form, const struct problem *p, const char *nonce)
{
	json_t			*json = problem_json(p);
	struct buf		 body = { 0 };
	struct MHD_Response	*response;

	if (json == NULL)
		return NULL;
	json_put_indented(&body, json, form->surface->json_indent);
	json_decref(json);
	response = reply_take(&body, form->surface->problem_type);
	buf_free(&body);
	return complete(response, response != NULL && reply_acme(response, form) &&
	    reply_private(response, form, nonce) && language(response, form, MEDIA_PROBLEM));
}
