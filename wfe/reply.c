#include "wfe/reply.h"

#include <stdlib.h>

#include "lib/json.h"

static const char *const media_types[MEDIA_TYPE_COUNT] = {
	[MEDIA_NONE] = NULL,
	[MEDIA_JSON] = "application/json",
	[MEDIA_PROBLEM] = "application/problem+json",
	[MEDIA_PEM_CHAIN] = "application/pem-certificate-chain",
	[MEDIA_DIRECTORY] = "application/json",
	[MEDIA_PKIX_CERT] = "application/pkix-cert",
	[MEDIA_PKCS7] = "application/pkcs7-mime; smime-type=certs-only",	/* RFC 8551, 3.2.2 */
};

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
reply_acme(struct MHD_Response *response, const char *index_link)
{
	return (index_link == NULL || reply_header(response, "Link", index_link)) &&
	    reply_header(response, "Access-Control-Allow-Origin", "*") &&
	    reply_header(response, "Access-Control-Expose-Headers",
		"Link, Replay-Nonce, Location, Retry-After");
}

/* What answers a POST holds a nonce or an account's own affairs: no cache may keep it (RFC 8555, 6.5.1). What
 * everybody may read, caches may keep for a while, so that clients that ask too often do no harm (RFC 9773, 6). */
static bool
cache_headers(struct MHD_Response *response, const struct msg_reply *m)
{
	if (m->nonce[0] == '\0' && m->status == MHD_HTTP_OK)
		return reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "public, max-age=300");
	return reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
	    (m->nonce[0] == '\0' || reply_header(response, "Replay-Nonce", m->nonce));
}

static bool
private_headers(struct MHD_Response *response, const char *nonce)
{
	return reply_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
	    (nonce[0] == '\0' || reply_header(response, "Replay-Nonce", nonce));
}

static bool
own_headers(struct MHD_Response *response, const struct msg_reply *m)
{
	for (uint32_t i = 0; i < m->link_count; i++) {
		if (!reply_header(response, "Link", m->links[i]))
			return false;
	}
	return (m->location[0] == '\0' || reply_header(response, MHD_HTTP_HEADER_LOCATION, m->location)) &&
	    (m->retry_after == 0 || reply_retry_after(response, m->retry_after)) &&
	    (m->media != MEDIA_PROBLEM || reply_header(response, MHD_HTTP_HEADER_CONTENT_LANGUAGE, "en"));
}

struct MHD_Response *
reply_from_ra(const struct msg_reply *m, struct slice directory, const char *index_link)
{
	struct slice		 text = m->media == MEDIA_DIRECTORY ? directory : m->body;
	struct buf		 body = { 0 };
	struct MHD_Response	*response;

	buf_put(&body, text.data, text.len);
	response = reply_take(&body, media_types[m->media]);
	buf_free(&body);
	if (response == NULL)
		return NULL;
	if (reply_acme(response, index_link) && cache_headers(response, m) &&
	    own_headers(response, m))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

struct MHD_Response *
reply_from_problem(const struct problem *p, const char *index_link, const char *nonce)
{
	json_t			*json = problem_json(p);
	struct buf		 body = { 0 };
	struct MHD_Response	*response;

	if (json == NULL)
		return NULL;
	json_put(&body, json);
	json_decref(json);
	response = reply_take(&body, media_types[MEDIA_PROBLEM]);
	buf_free(&body);
	if (response == NULL)
		return NULL;
	if (reply_acme(response, index_link) && private_headers(response, nonce) &&
	    reply_header(response, MHD_HTTP_HEADER_CONTENT_LANGUAGE, "en"))
		return response;
	MHD_destroy_response(response);
	return NULL;
}
