#include "tests/bench/issue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/method.h"
#include "tests/bench/record.h"
#include "tests/bench/verify.h"

#define POLL_FIRST_MS 20
#define POLL_EAGER_MS 50 /* the first polls are no further apart, whatever Retry-After says */
#define POLL_EAGER 10 /* so many polls */
#define POLL_MAX_MS 1000 /* a longer Retry-After is cut: the load should end today */

/* One authorization of the order under way. */
struct proof {
	char url[URL_MAX], challenge[URL_MAX], token[128], name[256];
	bool valid;
};

struct issue {
	struct session *s;
	const struct account *account;
	const struct request *request;
	const struct method *method;
	char order[URL_MAX], finalize[URL_MAX], certificate[URL_MAX], status[32];
	struct proof proofs[NAMES_MAX];
	size_t proof_count;
};

bool
issue_account(struct session *s, struct account *account)
{
	int64_t start = stats_clock_us();

	account->url[0] = '\0';
	if (!session_post(
		s, "newAccount", account, s->directory->new_account, "{\"termsOfServiceAgreed\":true}", NULL))
		return false;
	if (s->location[0] == '\0')
		return session_fail(s, "newAccount: no Location", "status %ld", s->status);
	strcpy(account->url, s->location);
	record_account(account->url);
	stats_add(s->stats, STEP_ACCOUNT, stats_clock_us() - start);
	return true;
}

static bool
copy(struct session *s, const char *what, const json_t *object, const char *name, char *out, size_t size)
{
	const char *value = json_string_value(json_object_get(object, name));
	char kind[128];

	if (value != NULL && strlen(value) < size && strpbrk(value, "\"\\") == NULL) {
		strcpy(out, value);
		return true;
	}
	snprintf(kind, sizeof(kind), "%s: no %s in the reply", what, name);
	return session_fail(s, kind, "status %ld", s->status);
}

static void
pause_before_poll(struct session *s, unsigned turn)
{
	double said = s->retry_after * 1000;
	unsigned ms = POLL_FIRST_MS + turn * 5;

	if (turn < POLL_EAGER)
		ms = ms > POLL_EAGER_MS ? POLL_EAGER_MS : ms;
	else if (said > 0)
		ms = said > POLL_MAX_MS ? POLL_MAX_MS : (unsigned)said;
	else
		ms = turn * POLL_EAGER_MS / 2 > POLL_MAX_MS ? POLL_MAX_MS : turn * POLL_EAGER_MS / 2;
	s->stats->polls++;
	session_sleep(ms);
}

static bool
take_order(struct issue *i, const char *what, const json_t *order)
{
	if (!copy(i->s, what, order, "status", i->status, sizeof(i->status)))
		return false;
	record_order(i->account->url, i->order, i->status);
	if (strcmp(i->status, "valid") != 0)
		return true;
	return copy(i->s, what, order, "certificate", i->certificate, sizeof(i->certificate));
}

static bool
new_order(struct issue *i)
{
	struct session *s = i->s;
	struct buf payload = { 0 };
	json_t *order = NULL, *list, *url;
	size_t n;
	char *text;
	bool ok;

	for (n = 0; n < i->request->name_count; n++)
		buf_printf(&payload, "%s{\"type\":\"dns\",\"value\":\"%s\"}",
		    n == 0 ? "{\"identifiers\":[" : ",", i->request->names[n]);
	buf_put_str(&payload, "]}");
	if ((text = buf_take_str(&payload)) == NULL)
		abort();
	ok = session_post(s, "newOrder", i->account, s->directory->new_order, text, &order);
	free(text);
	if (!ok)
		return false;
	list = json_object_get(order, "authorizations");
	if (s->location[0] == '\0' || json_array_size(list) != i->request->name_count)
		ok = session_fail(
		    s, "newOrder: no Location, or authorizations are missing", "status %ld", s->status);
	strcpy(i->order, s->location);
	json_array_foreach(list, n, url) if (ok && n < NAMES_MAX && json_string_length(url) < URL_MAX)
	    strcpy(i->proofs[i->proof_count++].url, json_string_value(url));
	ok = ok && copy(s, "newOrder", order, "finalize", i->finalize, sizeof(i->finalize)) &&
	     take_order(i, "newOrder", order);
	json_decref(order);
	return ok;
}

static const json_t *
find_challenge(const struct issue *i, const json_t *authorization)
{
	json_t *list = json_object_get(authorization, "challenges"), *challenge;
	size_t n;

	json_array_foreach(list, n, challenge)
	{
		const char *type = json_string_value(json_object_get(challenge, "type"));

		if (type != NULL && strcmp(type, i->method->type) == 0)
			return challenge;
	}
	return NULL;
}

static const char *
status_of(const json_t *object)
{
	const char *status = json_string_value(json_object_get(object, "status"));

	return status != NULL ? status : "";
}

static bool
fetch_authorization(struct issue *i, struct proof *p)
{
	struct session *s = i->s;
	json_t *authorization;
	const json_t *challenge;
	int64_t start = stats_clock_us();
	bool ok = true;

	if (!session_post(s, "authorization", i->account, p->url, "", &authorization))
		return false;
	stats_add(s->stats, STEP_AUTHORIZATION, stats_clock_us() - start);
	challenge = find_challenge(i, authorization);
	p->valid = strcmp(status_of(authorization), "valid") == 0;
	if (!p->valid && challenge == NULL)
		ok = session_fail(s, "authorization: no such challenge", "%s, %s", i->method->type,
		    status_of(authorization));
	else if (!p->valid)
		ok = copy(s, "authorization", json_object_get(authorization, "identifier"), "value", p->name,
			 sizeof(p->name)) &&
		     copy(s, "authorization", challenge, "url", p->challenge, sizeof(p->challenge)) &&
		     copy(s, "authorization", challenge, "token", p->token, sizeof(p->token));
	json_decref(authorization);
	if (ok && !p->valid)
		i->method->publish(p->name, p->token, i->account->key.thumbprint);
	return ok;
}

static bool
post_challenge(struct issue *i, struct proof *p)
{
	struct session *s = i->s;
	int64_t start = stats_clock_us();
	json_t *challenge = NULL;

	/* Sent again after a lost reply, perhaps by curl itself, it may be refused, being under way: the poll will
	 * tell. */
	if (!session_post(s, "challenge", i->account, p->challenge, "{}", &challenge) &&
	    (!s->options->retry || s->status < 400 || s->status >= 500))
		return false;
	stats_add(s->stats, STEP_CHALLENGE, stats_clock_us() - start);
	/* A server that has waited for the validation says so: there is nothing to poll for. */
	p->valid = strcmp(status_of(challenge), "valid") == 0;
	json_decref(challenge);
	return true;
}

static bool
validation_failed(const struct issue *i, const json_t *authorization)
{
	struct session *s = i->s;
	const json_t *error = json_object_get(find_challenge(i, authorization), "error");
	const char *type = json_string_value(json_object_get(error, "type"));
	const char *detail = json_string_value(json_object_get(error, "detail"));
	char kind[128];

	type = type != NULL && strrchr(type, ':') != NULL ? strrchr(type, ':') + 1 : "";
	snprintf(kind, sizeof(kind), "authorization became %.20s: %.60s", status_of(authorization), type);
	return session_fail(s, kind, "%s", detail != NULL ? detail : "");
}

static bool
await_authorization(struct issue *i, struct proof *p)
{
	struct session *s = i->s;

	for (unsigned turn = 0; !p->valid; turn++) {
		json_t *authorization;
		const char *status, *challenge;
		bool ok = true;

		pause_before_poll(s, turn);
		if (!session_post(s, "validation", i->account, p->url, "", &authorization))
			return false;
		status = status_of(authorization);
		challenge = status_of(find_challenge(i, authorization));
		p->valid = strcmp(status, "valid") == 0;
		if (!p->valid && strcmp(status, "pending") != 0 && strcmp(status, "processing") != 0)
			ok = validation_failed(i, authorization);
		else if (!p->valid && s->options->retry && strcmp(challenge, "pending") == 0)
			ok = post_challenge(i, p);
		json_decref(authorization);
		if (!ok)
			return false;
	}
	return true;
}

static bool
prove(struct issue *i)
{
	int64_t start;
	bool ok = true;

	for (size_t n = 0; ok && n < i->proof_count; n++)
		ok = fetch_authorization(i, &i->proofs[n]);
	start = stats_clock_us();
	for (size_t n = 0; ok && n < i->proof_count; n++)
		ok = i->proofs[n].valid || post_challenge(i, &i->proofs[n]);
	for (size_t n = 0; ok && n < i->proof_count; n++)
		ok = await_authorization(i, &i->proofs[n]);
	stats_add(i->s->stats, STEP_VALIDATION, stats_clock_us() - start);
	for (size_t n = 0; n < i->proof_count; n++)
		if (i->proofs[n].token[0] != '\0')
			i->method->withdraw(i->proofs[n].name, i->proofs[n].token);
	return ok;
}

static bool
post_finalize(struct issue *i, json_t **order)
{
	struct session *s = i->s;
	struct buf payload = { 0 };
	int64_t start = stats_clock_us();
	char *text;
	bool ok;

	buf_printf(&payload, "{\"csr\":\"%s\"}", i->request->csr);
	if ((text = buf_take_str(&payload)) == NULL)
		abort();
	ok = session_post(s, "finalize", i->account, i->finalize, text, order);
	free(text);
	stats_add(s->stats, STEP_FINALIZE, stats_clock_us() - start);
	/* The first try may have succeeded and only its reply been lost: ask the order. */
	if (!ok && s->options->retry && s->status >= 400 && s->status < 500)
		ok = session_post(s, "order", i->account, i->order, "", order);
	return ok;
}

static bool
order_failed(struct issue *i, const json_t *order)
{
	const json_t *error = json_object_get(order, "error");
	const char *type = json_string_value(json_object_get(error, "type"));
	const char *detail = json_string_value(json_object_get(error, "detail"));
	char kind[128];

	type = type != NULL && strrchr(type, ':') != NULL ? strrchr(type, ':') + 1 : "";
	snprintf(kind, sizeof(kind), "order became %s: %.60s", i->status, type);
	return session_fail(i->s, kind, "%s", detail != NULL ? detail : "");
}

/* Finalizes and follows the order to its end. */
static bool
finalize(struct issue *i)
{
	struct session *s = i->s;
	json_t *order = NULL;
	int64_t start = stats_clock_us();
	bool ok = post_finalize(i, &order) && take_order(i, "finalize", order);

	for (unsigned turn = 0; ok && strcmp(i->status, "valid") != 0; turn++) {
		if (strcmp(i->status, "invalid") == 0) {
			ok = order_failed(i, order);
			break;
		}
		json_decref(order);
		order = NULL;
		pause_before_poll(s, turn);
		if (strcmp(i->status, "ready") == 0 && s->options->retry)
			ok = post_finalize(i, &order);
		else
			ok = session_post(s, "order", i->account, i->order, "", &order);
		ok = ok && take_order(i, "order", order);
	}
	json_decref(order);
	stats_add(s->stats, STEP_SIGNING, stats_clock_us() - start);
	return ok;
}

static bool
download(struct issue *i)
{
	struct session *s = i->s;
	int64_t start = stats_clock_us();
	const char *wrong;
	X509 *leaf;

	if (!session_post(s, "certificate", i->account, i->certificate, "", NULL))
		return false;
	stats_add(s->stats, STEP_CERTIFICATE, stats_clock_us() - start);
	if ((wrong = verify_chain(buf_slice(&s->body), i->request, &leaf)) != NULL)
		return session_fail(s, "certificate: wrong", "%s", wrong);
	record_certificate(i->account->url, i->order, leaf, buf_slice(&s->body));
	X509_free(leaf);
	return true;
}

bool
issue_certificate(struct session *s, const struct account *account, const struct request *request, int64_t due)
{
	struct issue *i = calloc(1, sizeof(*i));
	int64_t start = stats_clock_us(), us;
	bool ok;

	if (i == NULL)
		abort();
	i->s = s;
	i->account = account;
	i->request = request;
	i->method = method_find(s->options->challenge);
	s->deadline = start + (int64_t)s->options->timeout * 1000000;
	ok = new_order(i);
	us = stats_clock_us() - start;
	if (ok) {
		stats_add(s->stats, STEP_ORDER, us);
		ok = prove(i) && finalize(i) && download(i);
	}
	if (ok)
		stats_add(s->stats, STEP_ISSUANCE, stats_clock_us() - due);
	else
		record_failure(i->order, s->kind, s->detail);
	free(i);
	return ok;
}
