/* conduct_trace.c: the book's pen, and what shows only over several requests. */
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "ra/conduct_book.h"
#include "ra/request.h"

#define SAME_PLACE 1000		/* millionths of the window: two renewals by chance are so near once in 500 times */

void
book_keep(struct conduct_client *client, enum conduct_rule rule)
{
	client->of[rule].kept++;
}

void
book_broke(struct conduct_client *client, enum conduct_rule rule, const char *request, const char *format, ...)
{
	struct verdict *verdict = &client->of[rule];
	va_list		args;

	if (verdict->broken++ > 0)
		return;
	snprintf(verdict->request, sizeof(verdict->request), "%s", request);
	va_start(args, format);
	vsnprintf(verdict->detail, sizeof(verdict->detail), format, args);
	va_end(args);
}

struct tracked *
book_track(struct book *book, enum tracked_kind kind, struct conduct_client *client)
{
	struct tracked *t = &book->tracked[book->next++ % TRACKED_MAX];

	if (t->remains == REMAINS_LOOKING)
		book->looking--;
	*t = (struct tracked){ .kind = kind, .client = client };
	return t;
}

struct tracked *
book_find(struct book *book, enum tracked_kind kind, struct id id)
{
	for (size_t i = 0; i < TRACKED_MAX; i++)
		if (book->tracked[i].kind == kind && id_eq(book->tracked[i].id, id))
			return &book->tracked[i];
	return NULL;
}

/* --- dns-01: what stands at one name -------------------------------------------------------------------- */

static struct tracked *
find_digest(struct book *book, const struct conduct_client *client, const char *digest)
{
	for (size_t i = 0; i < TRACKED_MAX; i++)
		if (book->tracked[i].kind == TRACKED_TOKEN && book->tracked[i].client == client &&
		    strcmp(book->tracked[i].digest, digest) == 0)
			return &book->tracked[i];
	return NULL;
}

/* RFC 8555, 8.4 */
static void
digest_make(const char *token, const char *thumbprint, char out[DIGEST_TEXT_SIZE])
{
	uint8_t	   digest[SHA256_DIGEST_LENGTH];
	struct buf text = { 0 };

	buf_printf(&text, "%s.%s", token, thumbprint);
	SHA256(text.data, text.failed ? 0 : text.len, digest);
	buf_free(&text);
	base64url_text(digest, sizeof(digest), out);
}

/* An authorization's challenges share their token. */
static const char *
token_of(const json_t *authorization)
{
	const json_t *challenges = json_object_get(authorization, "challenges"), *one;
	const char   *token = NULL;
	size_t	      i;

	json_array_foreach((json_t *)(uintptr_t)challenges, i, one)
		if (token == NULL)
			token = json_member_str(one, "token");
	return token;
}

void
trace_authorization(struct book *book, struct conduct_client *client, const struct request *r)
{
	json_t	       *shown = NULL;
	const char     *token;
	struct identifier identifier;
	struct tracked *t;

	if (r->key == NULL || book_find(book, TRACKED_TOKEN, r->target.id) != NULL ||
	    json_object_parse(buf_slice(&r->reply_body), &shown, NULL) != ERR_OK)
		return;
	token = token_of(shown);
	if (token != NULL && strlen(token) < sizeof(t->token) &&
	    identifier_parse(json_object_get(shown, "identifier"), &identifier, NULL) == ERR_OK) {
		t = book_track(book, TRACKED_TOKEN, client);
		t->id = r->target.id;
		t->since = clock_now_ms();
		t->identifier = identifier;
		snprintf(t->path, sizeof(t->path), "%s", identifier.value);
		snprintf(t->request, sizeof(t->request), "%s", r->msg.id);
		memcpy(t->token, token, strlen(token) + 1);
		memcpy(t->thumbprint, r->key->thumbprint, sizeof(t->thumbprint));
		digest_make(token, r->key->thumbprint, t->digest);
	}
	json_decref(shown);
}

/* Final before the other was ever shown: nobody needed its record any more. */
static bool
is_over(const struct tracked *other, const struct tracked *own)
{
	return other->until != 0 && other->until < own->since;
}

/* One of this client's digests that stands where another's was looked up; true: that is why it wasn't found. Records of
 * several names may stand together where aliases lead to one. */
static bool
judge_other(struct tracked *own, const struct tracked *other, bool found, const char *request)
{
	bool same = strcmp(own->path, other->path) == 0;

	if (same && is_over(other, own)) {
		book_broke(own->client, RULE_TXT_STALE, request, "at _acme-challenge.%.200s still stands the record of an "
		    "authorization that is final", own->path);
		return false;
	}
	if (found && same)
		book_keep(own->client, RULE_TXT_TOGETHER);
	else if (same)
		book_broke(own->client, RULE_TXT_TOGETHER, request, "at _acme-challenge.%.200s stands the record of another "
		    "authorization for that name, in the place of this one's", own->path);
	else if (!found)
		book_broke(own->client, RULE_ARRAY_ORDER, request, "at _acme-challenge.%.100s stands what belongs to "
		    "%.100s", own->path, other->path);
	return !found;
}

/* A name that was proven before has been cleaned up when nothing of that stands there any more. */
static void
judge_clean(const struct book *book, const struct tracked *own)
{
	for (size_t i = 0; i < TRACKED_MAX; i++) {
		const struct tracked *t = &book->tracked[i];

		if (t->kind == TRACKED_TOKEN && t->client == own->client && is_over(t, own) &&
		    strcmp(t->path, own->path) == 0) {
			book_keep(own->client, RULE_TXT_STALE);
			return;
		}
	}
}

/* The digests at the name, as va's record has them; true: they tell why it failed. */
static bool
judge_records(struct book *book, struct tracked *own, const struct msg_result *result, const char *request)
{
	json_t	     *record = json_loads(result->record, 0, NULL);
	const json_t *txt = json_object_get(json_array_get(record, json_array_size(record) - 1), "txt"), *one;
	bool	      found = result->ok, stale = false, told = false;
	size_t	      i;

	json_array_foreach((json_t *)(uintptr_t)txt, i, one)
		found = found || strcmp(json_string_value(one), own->digest) == 0;
	json_array_foreach((json_t *)(uintptr_t)txt, i, one) {
		const struct tracked *other = find_digest(book, own->client, json_string_value(one));

		if (other == NULL || other == own)
			continue;
		stale = stale || is_over(other, own);
		told = judge_other(own, other, found, request) || told;
	}
	if (found && !stale)
		judge_clean(book, own);
	json_decref(record);
	return told;
}

/* --- http-01: how long the responder lives ---------------------------------------------------------------- */

/* Of several perspectives one was served, and another not. */
static bool
judge_responder(const struct tracked *t, const struct msg_result *result)
{
	json_t	     *votes = result->votes.len > 0 ?
		json_loadb((const char *)result->votes.data, result->votes.len, 0, NULL) : NULL;
	const json_t *one;
	bool	      served = false;
	size_t	      i;

	json_array_foreach(votes, i, one) {
		const char *outcome = json_member_str(one, "outcome");

		served = served || (outcome != NULL && strcmp(outcome, "agreed") == 0);
	}
	json_decref(votes);
	if (served && result->ok)
		book_keep(t->client, RULE_RESPONDER);
	else if (served)
		book_broke(t->client, RULE_RESPONDER, t->request, "one request was served, and another failed: %.150s",
		    result->detail);
	return served && !result->ok;
}

/* Whether a failure is told by it, so that no other rule is broken. */
static bool
trace_validation(struct book *book, const struct tracked *t, const struct msg_result *result)
{
	struct tracked *token = book_find(book, TRACKED_TOKEN, result->authorization);
	bool		told = false;

	if (t->method == CHALLENGE_DNS_01 && token != NULL)
		told = judge_records(book, token, result, t->request);
	else if (t->method == CHALLENGE_HTTP_01)
		told = judge_responder(t, result);
	if (token != NULL && result->next_try == 0) {
		token->until = clock_now_ms();
		token->method = t->method;
	}
	return told;
}

/* --- how validations end -------------------------------------------------------------------------------- */

static enum conduct_rule
rule_of_failure(const struct msg_result *result, enum challenge_type method)
{
	if (method == CHALLENGE_TLS_ALPN_01 &&
	    (result->problem == PROBLEM_INCORRECT_RESPONSE || result->problem == PROBLEM_TLS))
		return RULE_TLS_ALPN;
	return result->problem == PROBLEM_INCORRECT_RESPONSE ? RULE_KEY_AUTHORIZATION : RULE_PROVISIONED;
}

static void
judge_validation(struct book *book, const struct tracked *t, const struct msg_result *result)
{
	bool told = trace_validation(book, t, result);

	if (result->ok) {
		book_keep(t->client, RULE_PROVISIONED);
		book_keep(t->client, t->method == CHALLENGE_TLS_ALPN_01 ? RULE_TLS_ALPN : RULE_KEY_AUTHORIZATION);
	} else if (!told && result->problem != PROBLEM_SERVER_INTERNAL && result->problem != PROBLEM_CAA) {
		book_broke(t->client, rule_of_failure(result, t->method), t->request, "%.200s", result->detail);
	}
}

static void
early_put(struct book *book, const struct msg_result *result)
{
	struct early *early = &book->early[book->next_early++ % EARLY_MAX];

	early->result = *result;
	buf_clear(&early->votes);
	buf_put(&early->votes, result->votes.data, result->votes.len);
	early->result.votes = buf_slice(&early->votes);
	early->result.evidence = (struct slice){ 0 };
}

void
trace_challenge(struct book *book, const struct tracked *t)
{
	for (size_t i = 0; i < EARLY_MAX; i++)
		if (id_eq(book->early[i].result.authorization, t->id)) {
			judge_validation(book, t, &book->early[i].result);
			book->early[i].result.authorization = (struct id){ { 0 } };
		}
}

void
trace_result(struct book *book, const struct msg_result *result)
{
	const struct tracked *t = book_find(book, TRACKED_AUTHORIZATION, result->authorization);

	if (t != NULL)
		judge_validation(book, t, result);
	else
		early_put(book, result);
}

/* --- when it renews (RFC 9773, 4.2) ------------------------------------------------------------------------- */

void
trace_window(struct book *book, struct conduct_client *client, const struct request *r)
{
	json_t	       *shown = NULL;
	const json_t   *window;
	const char     *start, *end;
	int64_t		from, to;
	struct tracked *t;

	if (json_object_parse(buf_slice(&r->reply_body), &shown, NULL) != ERR_OK)
		return;
	window = json_object_get(shown, "suggestedWindow");
	start = json_member_str(window, "start");
	end = json_member_str(window, "end");
	if (start != NULL && end != NULL && clock_parse_rfc3339(start, &from) && clock_parse_rfc3339(end, &to) && from < to) {
		t = book_track(book, TRACKED_WINDOW, client);
		t->since = from * 1000;
		t->until = to * 1000;
		snprintf(t->path, sizeof(t->path), "%s", r->target.tail);
	}
	json_decref(shown);
}

/* The window that a client of this name was told last. */
static const struct tracked *
find_window(const struct book *book, const char *agent, const char *certificate)
{
	const struct tracked *found = NULL;

	for (size_t n = 0; n < TRACKED_MAX; n++) {
		const struct tracked *t = &book->tracked[(book->next + n) % TRACKED_MAX];

		if (t->kind == TRACKED_WINDOW && strcmp(t->client->agent, agent) == 0 && strcmp(t->path, certificate) == 0)
			found = t;
	}
	return found;
}

/* Before or after it there was another reason to renew. */
void
trace_renewal(struct book *book, struct conduct_client *client, const struct request *r)
{
	const char	     *replaced = json_string_value(json_object_get(r->payload, "replaces"));
	const struct tracked *window = replaced != NULL ? find_window(book, client->agent, replaced) : NULL;
	int64_t		      now = clock_now_ms(), place;

	if (window == NULL || now < window->since || now > window->until)
		return;
	place = 1 + (now - window->since) / ((window->until - window->since) / 1000000 + 1);
	if (client->place != 0 && place - client->place < SAME_PLACE && client->place - place < SAME_PLACE)
		book_broke(client, RULE_WINDOW, r->msg.id, "two renewals were at the same place of their windows");
	else if (client->place != 0)
		book_keep(client, RULE_WINDOW);
	client->place = place;
}
