#include "tests/bench/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/base64url.h"

#define REQUEST_TIME_MS 10000 /* with --retry: a request that takes longer was lost with its process */
#define BAD_NONCE_MAX 8 /* in a row; a server that says it more often is broken */
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 500

bool
session_fail(struct session *s, const char *kind, const char *detail, ...)
{
	va_list ap;

	snprintf(s->kind, sizeof(s->kind), "%s", kind);
	va_start(ap, detail);
	vsnprintf(s->detail, sizeof(s->detail), detail, ap);
	va_end(ap);
	return false;
}

bool
session_late(const struct session *s)
{
	return stats_clock_us() > s->deadline;
}

void
session_sleep(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static size_t
take_body(char *data, size_t size, size_t count, void *arg)
{
	struct session *s = arg;

	buf_put(&s->body, data, size * count);
	return s->body.failed ? 0 : size * count;
}

/* The header's value when the line is that header, cut to size; else out stays as it is. */
static bool
header_value(const char *line, size_t len, const char *name, char *out, size_t size)
{
	size_t skip = strlen(name), n;

	if (len <= skip || strncasecmp(line, name, skip) != 0 || line[skip] != ':')
		return false;
	for (skip++; skip < len && line[skip] == ' '; skip++)
		;
	for (n = len - skip; n > 0 && (line[skip + n - 1] == '\r' || line[skip + n - 1] == '\n'); n--)
		;
	if (n >= size || memchr(line + skip, '"', n) != NULL || memchr(line + skip, '\\', n) != NULL)
		return false;
	memcpy(out, line + skip, n);
	out[n] = '\0';
	return true;
}

static size_t
take_header(char *line, size_t size, size_t count, void *arg)
{
	struct session *s = arg;
	char text[64];
	size_t len = size * count;

	if (!header_value(line, len, "Replay-Nonce", s->nonce, sizeof(s->nonce)) &&
	    !header_value(line, len, "Location", s->location, sizeof(s->location)) &&
	    header_value(line, len, "Retry-After", text, sizeof(text)))
		s->retry_after = strtod(text, NULL);
	return len;
}

bool
session_open(struct session *s, const struct options *o, const struct directory *d, struct stats *stats)
{
	*s = (struct session){ .options = o, .directory = d, .stats = stats };
	if ((s->curl = curl_easy_init()) == NULL ||
	    (s->headers = curl_slist_append(NULL, "Content-Type: application/jose+json")) == NULL)
		return false;
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CAINFO, o->cacert);
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "signet-load/1");
	curl_easy_setopt(s->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(s->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, s);
	if (o->fresh) {
		curl_easy_setopt(s->curl, CURLOPT_FORBID_REUSE, 1L);
		/* A client that starts anew has no session to resume. */
		curl_easy_setopt(s->curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	}
	return true;
}

void
session_close(struct session *s)
{
	curl_easy_cleanup(s->curl);
	curl_slist_free_all(s->headers);
	buf_free(&s->body);
}

/* One request and its reply, whatever it says. False: no reply. */
static bool
perform(struct session *s, const char *what, const char *url)
{
	int64_t left = (s->deadline - stats_clock_us()) / 1000;
	long connects = 0;
	CURLcode code;
	char kind[128];

	if (left <= 0)
		return session_fail(s, "timeout", "%s: the time for this issuance is over", what);
	if (s->options->retry && left > REQUEST_TIME_MS)
		left = REQUEST_TIME_MS;
	s->status = 0;
	s->retry_after = 0;
	s->location[0] = '\0';
	buf_clear(&s->body);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, (long)left);
	s->stats->requests++;
	code = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_NUM_CONNECTS, &connects);
	s->stats->connections += (uint64_t)connects;
	if (code != CURLE_OK) {
		snprintf(kind, sizeof(kind), "%s: %s", what, curl_easy_strerror(code));
		return session_fail(s, kind, "%s", url);
	}
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &s->status);
	return true;
}

/* A problem document (RFC 7807) in the last reply becomes kind and detail. */
static bool
fail_with_problem(struct session *s, const char *what, bool *bad_nonce)
{
	json_t *problem = json_loadb((const char *)s->body.data, s->body.len, 0, NULL);
	const char *type = json_string_value(json_object_get(problem, "type"));
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	const char *colon = type != NULL ? strrchr(type, ':') : NULL;
	char kind[128];

	*bad_nonce = colon != NULL && strcmp(colon, ":badNonce") == 0;
	snprintf(kind, sizeof(kind), "%s: %ld %.60s", what, s->status, colon != NULL ? colon + 1 : "");
	session_fail(s, kind, "%s", detail != NULL ? detail : "");
	json_decref(problem);
	return false;
}

static bool
fetch_nonce(struct session *s)
{
	bool ok, bad;

	curl_easy_setopt(s->curl, CURLOPT_NOBODY, 1L);
	ok = perform(s, "newNonce", s->directory->new_nonce);
	curl_easy_setopt(s->curl, CURLOPT_NOBODY, 0L);
	if (!ok)
		return false;
	if (s->status >= 400)
		return fail_with_problem(s, "newNonce", &bad);
	return s->nonce[0] != '\0' || session_fail(s, "newNonce: no Replay-Nonce", "status %ld", s->status);
}

/* Appends the flattened JWS (RFC 8555, 6.2). */
static void
sign(const struct account *a, const char *nonce, const char *url, const char *payload, struct buf *out)
{
	struct buf header = { 0 }, input = { 0 };

	buf_printf(&header, "{\"alg\":\"%s\",\"nonce\":\"%s\",\"url\":\"%s\",",
	    a->key.rsa ? "RS256" : "ES256", nonce, url);
	if (a->url[0] != '\0')
		buf_printf(&header, "\"kid\":\"%s\"}", a->url);
	else
		buf_printf(&header, "\"jwk\":%s}", a->key.jwk);
	base64url_put(&input, header.data, header.len);
	buf_put_byte(&input, '.');
	buf_put_str(out, "{\"protected\":\"");
	buf_put(out, input.data, input.len - 1);
	buf_put_str(out, "\",\"payload\":\"");
	base64url_put(&input, payload, strlen(payload));
	base64url_put(out, payload, strlen(payload));
	buf_put_str(out, "\",\"signature\":\"");
	account_key_sign(&a->key, buf_slice(&input), out);
	buf_put_str(out, "\"}");
	buf_free(&header);
	buf_free(&input);
}

/* One signed request. *again: it may be sent once more. */
static bool
post_once(struct session *s, const char *what, const struct account *a, const char *url, const char *payload,
    bool *bad_nonce, bool *lost)
{
	struct buf jws = { 0 };
	bool ok;

	*bad_nonce = *lost = false;
	if (s->nonce[0] == '\0' && !fetch_nonce(s)) {
		*lost = s->status == 0 || s->status >= 500;
		return false;
	}
	sign(a, s->nonce, url, payload, &jws);
	s->nonce[0] = '\0'; /* used up, whatever comes back */
	if (jws.failed)
		abort();
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, (const char *)jws.data);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE, (long)jws.len);
	ok = perform(s, what, url);
	buf_free(&jws);
	if (ok && s->status < 400)
		return true;
	*lost = !ok || s->status >= 500 || s->status == 429;
	return ok ? fail_with_problem(s, what, bad_nonce) : false;
}

static bool
take_object(struct session *s, const char *what, json_t **out)
{
	char kind[128];

	*out = json_loadb((const char *)s->body.data, s->body.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*out))
		return true;
	json_decref(*out);
	*out = NULL;
	snprintf(kind, sizeof(kind), "%s: the reply is no JSON object", what);
	return session_fail(s, kind, "status %ld, %zu bytes", s->status, s->body.len);
}

bool
session_post(struct session *s, const char *what, const struct account *a, const char *url,
    const char *payload, json_t **out)
{
	unsigned backoff = BACKOFF_MIN_MS, nonces = 0;
	bool bad_nonce, lost;

	while (!post_once(s, what, a, url, payload, &bad_nonce, &lost)) {
		if (session_late(s))
			return false;
		if (bad_nonce && nonces++ < BAD_NONCE_MAX) {
			s->stats->bad_nonces++;
			continue;
		}
		if (!lost || !s->options->retry)
			return false;
		s->stats->retries++;
		session_sleep(backoff);
		backoff = backoff * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : backoff * 2;
	}
	return out == NULL || take_object(s, what, out);
}

static bool
copy_member(struct session *s, const json_t *object, const char *name, char out[URL_MAX])
{
	const char *value = json_string_value(json_object_get(object, name));

	if (value == NULL || strlen(value) >= URL_MAX || strpbrk(value, "\"\\") != NULL)
		return session_fail(s, "directory: a member is missing", "%s", name);
	strcpy(out, value);
	return true;
}

bool
session_directory(struct session *s, struct directory *out)
{
	json_t *object;
	bool ok;

	curl_easy_setopt(s->curl, CURLOPT_HTTPGET, 1L);
	ok = perform(s, "directory", s->options->directory);
	if (!ok)
		return false;
	if (s->status != 200)
		return session_fail(s, "directory: refused", "status %ld", s->status);
	if (!take_object(s, "directory", &object))
		return false;
	ok = copy_member(s, object, "newNonce", out->new_nonce) &&
	     copy_member(s, object, "newAccount", out->new_account) &&
	     copy_member(s, object, "newOrder", out->new_order);
	json_decref(object);
	return ok;
}
