#include "ra/conduct.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/memory.h"
#include "ra/conduct_book.h"
#include "ra/request.h"

#define ENDLESS_AFTER 20	/* badNonce answers in a row */
#define EARLY_MS 500		/* clocks and a slow network are forgiven that much */
#define LOOK_MS 10000		/* what va has not seen then is not judged */

const struct conduct_rule_text conduct_rules[RULE_COUNT] = {
#define X(name, section, level, title, right) [RULE_##name] = { #name, section, level, title, right },
	CONDUCT_RULES(X)
#undef X
};

struct conduct {
	pthread_mutex_t	lock;
	struct id	looks;		/* what waits for the looks is parked for this */
	struct book	book;
};

/* Looks of an earlier book are known by their round. */
static void
book_begin(struct conduct *conduct, uint32_t round)
{
	memset(&conduct->book, 0, sizeof(conduct->book));
	conduct->book.round = round;
	memcpy(conduct->book.mark, conduct->looks.bytes, sizeof(conduct->book.mark));
}

struct conduct *
conduct_new(void)
{
	struct conduct *conduct = calloc(1, sizeof(*conduct));

	if (conduct == NULL)
		return NULL;
	pthread_mutex_init(&conduct->lock, NULL);
	conduct->looks = id_new();
	book_begin(conduct, 0);
	return conduct;
}

void
conduct_reset(struct conduct *conduct)
{
	if (conduct == NULL)
		return;
	pthread_mutex_lock(&conduct->lock);
	for (size_t i = 0; i < conduct->book.client_count; i++)
		free(conduct->book.clients[i]);
	for (size_t i = 0; i < EARLY_MAX; i++)
		buf_free(&conduct->book.early[i].votes);
	book_begin(conduct, conduct->book.round);
	pthread_mutex_unlock(&conduct->lock);
}

/* --- writing it down ------------------------------------------------------------------------------- */

/* The last place takes all for whom there is none. */
static struct conduct_client *
client_of(struct book *book, const char *agent, const char *account)
{
	struct conduct_client *client;

	for (size_t i = 0; i < book->client_count; i++)
		if (strcmp(book->clients[i]->agent, agent) == 0 && strcmp(book->clients[i]->account, account) == 0)
			return book->clients[i];
	if (book->client_count == CLIENTS_MAX)
		return book->clients[CLIENTS_MAX - 1];
	if ((client = calloc(1, sizeof(*client))) == NULL)
		memory_out();
	snprintf(client->agent, sizeof(client->agent), "%s", agent);
	snprintf(client->account, sizeof(client->account), "%s", account);
	book->clients[book->client_count++] = client;
	return client;
}

static struct tracked *
find_path(struct book *book, enum tracked_kind kind, const struct conduct_client *client, const char *path)
{
	for (size_t i = 0; i < TRACKED_MAX; i++)
		if (book->tracked[i].kind == kind && book->tracked[i].client == client &&
		    strcmp(book->tracked[i].path, path) == 0)
			return &book->tracked[i];
	return NULL;
}

/* FNV-1a; 0 is kept for none. */
static uint64_t
digest_of(const json_t *json)
{
	char	*text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	uint64_t hash = 14695981039346656037u;

	for (const char *p = text; p != NULL && *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211u;
	free(text);
	return hash != 0 ? hash : 1;
}

/* A URL's path, as a request has it. */
static const char *
path_of(const char *url)
{
	const char *host = strstr(url, "://"), *path = host != NULL ? strchr(host + 3, '/') : NULL;

	return path != NULL ? path : "";
}

/* --- what a request shows ------------------------------------------------------------------------------ */

struct look {
	struct book		*book;
	struct conduct_client	*client;
	const struct request	*request;
	const char		*id;		/* of the request */
	bool			 good;		/* it was answered without a problem */
};

/* RFC 8555, 6.2: from the bytes, since nothing of a body that can't be parsed is kept. */
static void
look_at_body(struct look *l)
{
	json_t	   *body = NULL;
	const char *key, *text;
	json_t	   *value;

	if (l->request->lookup)
		return;
	if (json_object_parse(l->request->msg.body, &body, NULL) != ERR_OK)
		return;
	if (json_object_get(body, "header") != NULL)
		book_broke(l->client, RULE_UNPROTECTED, l->id, "the JWS has a member \"header\"");
	else
		book_keep(l->client, RULE_UNPROTECTED);
	json_object_foreach(body, key, value)
		if ((text = json_string_value(value)) != NULL && strchr(text, '=') != NULL)
			book_broke(l->client, RULE_PADDING, l->id, "\"%.20s\" has a \"=\"", key);
	if (l->request->jws != NULL)
		book_keep(l->client, RULE_PADDING);
	json_decref(body);
}

/* False: the client owes no retry of this. Who asks several things at once has several fresh nonces, and may take any. */
static bool
look_at_retry(struct look *l, struct conduct_client *client, const char *nonce)
{
	if (client->retry_nonce[0] == '\0')
		return false;
	if (strcmp(client->retry_path, l->request->msg.path) != 0) {
		client->retry_beside = true;
		return false;
	}
	book_keep(client, RULE_RETRY);
	if (nonce != NULL && strcmp(nonce, client->retry_nonce) == 0)
		book_keep(client, RULE_FRESH_NONCE);
	else if (!client->retry_beside)
		book_broke(client, RULE_FRESH_NONCE, l->id, "the retry had another nonce than the badNonce answer gave");
	client->retry_nonce[0] = '\0';
	return true;
}

static void
look_at_nonce(struct look *l)
{
	struct conduct_client *client = l->client, *nobody = client;
	const struct problem  *problem = &l->request->problem;
	const char	      *nonce = l->request->jws != NULL ? jws_nonce(l->request->jws) : NULL;

	client->posts++;
	/* What a newAccount owes it owes before anybody knows whose it is. */
	if (client->account[0] != '\0')
		nobody = client_of(l->book, client->agent, "");
	if (!look_at_retry(l, client, nonce))
		(void)look_at_retry(l, nobody, nonce);
	if (problem->type != PROBLEM_BAD_NONCE) {
		client->bad_nonces = nobody->bad_nonces = 0;
		if (nonce != NULL)
			book_keep(client, RULE_NONCE);
		return;
	}
	if (!l->request->nonce_is_ours_to_blame)
		book_broke(client, RULE_NONCE, l->id, "%.200s", problem->detail.text);
	if (++client->bad_nonces > ENDLESS_AFTER)
		book_broke(client, RULE_ENDLESS, l->id, "%u badNonce answers in a row", client->bad_nonces);
	snprintf(client->retry_nonce, sizeof(client->retry_nonce), "%s", l->request->reply.nonce);
	client->retry_beside = false;
	snprintf(client->retry_path, sizeof(client->retry_path), "%s", l->request->msg.path);
	snprintf(client->retry_request, sizeof(client->retry_request), "%s", l->id);
}

/* RFC 8555, 6.6 and 7.5.1; RFC 9773, 4.3. */
static void
look_at_time(struct look *l)
{
	const struct request   *r = l->request;
	bool			renewal = r->target.route == ROUTE_RENEWAL_INFO_OF && r->lookup;
	enum conduct_rule	rule = renewal ? RULE_ARI_RETRY_AFTER : RULE_RETRY_AFTER;
	struct tracked	       *t = find_path(l->book, TRACKED_POLL, l->client, r->msg.path);
	int64_t			now = clock_now_ms();

	if (t != NULL && t->until - now > EARLY_MS)
		book_broke(l->client, rule, l->id, "%.120s was asked for %lld ms before its Retry-After was over", r->msg.path,
		    (long long)(t->until - now));
	else if (t != NULL)
		book_keep(l->client, rule);
	if (t != NULL)
		t->kind = TRACKED_NONE;
	/* A badNonce answer is retried at once, and errors of ours are no wish of ours. */
	if (r->reply.retry_after == 0 || r->problem.type == PROBLEM_BAD_NONCE)
		return;
	t = book_track(l->book, TRACKED_POLL, l->client);
	t->until = now + (int64_t)r->reply.retry_after * 1000;
	snprintf(t->path, sizeof(t->path), "%s",
	    route_is_finalize(r->target.route) && l->good ? path_of(r->reply.location) : r->msg.path);
}

/* Problems that speak for themselves. */
static void
look_at_problem(struct look *l)
{
	static const struct {
		enum said	  said;
		enum conduct_rule rule;
	} rows[] = {
		{ SAID_URL, RULE_URL },
		{ SAID_KEY_FORM, RULE_KEY_FORM },
		{ SAID_PAYLOAD_NOT_EMPTY, RULE_EMPTY_PAYLOAD },
		{ SAID_TERMS, RULE_TERMS },
		{ SAID_CONTACT_COUNT, RULE_CONTACT },
		{ SAID_ORDER_NOT_READY, RULE_FINALIZE },
		{ SAID_CSR_COUNT, RULE_CSR_NAMES },
		{ SAID_CSR_NAME, RULE_CSR_NAMES },
		{ SAID_CSR_KEY, RULE_ACCOUNT_KEY },
		{ SAID_REASON, RULE_REASON },
		{ SAID_ALREADY_REVOKED, RULE_REVOKE_TWICE },
		{ SAID_ALREADY_REPLACED, RULE_REPLACES },
		{ SAID_NO_RESOURCE, RULE_HARD_CODED },
	};
	const struct problem *problem = &l->request->problem;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (problem->said == rows[i].said)
			book_broke(l->client, rows[i].rule, l->id, "%.200s", problem->detail.text);
	if (problem->type == PROBLEM_INVALID_CONTACT || problem->type == PROBLEM_UNSUPPORTED_CONTACT)
		book_broke(l->client, RULE_CONTACT, l->id, "%.200s", problem->detail.text);
	if (problem->said == SAID_CHALLENGE_OVER)
		book_broke(l->client, strcmp(problem->about, "processing") == 0 || strcmp(problem->about, "pending") == 0 ?
		    RULE_SEVERAL : RULE_DEAD, l->id, "%.200s", problem->detail.text);
	if (problem->said == SAID_ORDER_NOT_READY && strcmp(problem->about, "invalid") == 0)
		book_broke(l->client, RULE_DEAD, l->id, "%.200s", problem->detail.text);
}

static void
look_at_account(struct look *l)
{
	const struct request *r = l->request;
	const struct problem *problem = &r->problem;
	bool		      bound = json_object_get(r->payload, "externalAccountBinding") != NULL;

	if (problem->type == PROBLEM_EXTERNAL_ACCOUNT_REQUIRED ||
	    (bound && !l->good && problem->said == SAID_NOTHING && problem->type != PROBLEM_INVALID_CONTACT &&
		problem->type != PROBLEM_UNSUPPORTED_CONTACT && problem->type != PROBLEM_BAD_NONCE))
		book_broke(l->client, RULE_EAB, l->id, "%.200s", problem->detail.text);
	if (!l->good || r->reply.status != 201)
		return;
	book_keep(l->client, RULE_TERMS);
	book_keep(l->client, RULE_CONTACT);
	if (bound)
		book_keep(l->client, RULE_EAB);
	for (size_t i = 0; i < l->book->client_count; i++) {
		const struct conduct_client *other = l->book->clients[i];

		if (other != l->client && other->account[0] != '\0' && strcmp(other->agent, l->client->agent) == 0) {
			book_broke(l->client, RULE_NEW_ACCOUNT, l->id, "another account after %s", other->account);
			return;
		}
	}
}

/* RFC 8738, 3, and RFC 8555, 6.7.1. */
static void
look_at_refused_names(struct look *l, uint64_t digest)
{
	const struct problem *problem = &l->request->problem;

	for (size_t i = 0; i < problem->sub_count; i++)
		if (problem->subs[i].identifier.type == IDENTIFIER_IP && problem->subs[i].type == PROBLEM_MALFORMED)
			book_broke(l->client, RULE_ADDRESS, l->id, "%.200s", problem->subs[i].detail.text);
	if (problem->sub_count == 0)
		return;
	if (l->client->refused == digest)
		book_broke(l->client, RULE_SUBPROBLEMS, l->id, "the same identifiers were ordered again after they were refused");
	l->client->refused = digest;
}

static bool
asked_renewal(const struct book *book, const char *agent)
{
	for (size_t i = 0; i < book->client_count; i++)
		if (book->clients[i]->asked_renewal && strcmp(book->clients[i]->agent, agent) == 0)
			return true;
	return false;
}

static bool
had_before(const struct book *book, const struct conduct_client *client, uint64_t names)
{
	for (size_t i = 0; i < TRACKED_MAX; i++)
		if (book->tracked[i].kind == TRACKED_ORDER && book->tracked[i].client == client &&
		    book->tracked[i].names == names && book->tracked[i].step == STEP_DOWNLOADED)
			return true;
	return false;
}

static void
look_at_new_order(struct look *l)
{
	const struct request *r = l->request;
	uint64_t	      digest = digest_of(json_object_get(r->payload, "identifiers"));
	bool		      replaces = json_object_get(r->payload, "replaces") != NULL;
	struct tracked	     *t;
	struct site	      any = { r->site.surface, NULL };
	struct target	      made;

	if (!l->good) {
		look_at_refused_names(l, digest);
		if (replaces && r->problem.said == SAID_NOTHING && r->problem.sub_count == 0 &&
		    (r->problem.type == PROBLEM_MALFORMED || r->problem.type == PROBLEM_UNAUTHORIZED) && r->known != NULL)
			book_broke(l->client, RULE_REPLACES, l->id, "%.200s", r->problem.detail.text);
		return;
	}
	if (l->client->refused != 0 && l->client->refused != digest)
		book_keep(l->client, RULE_SUBPROBLEMS);
	l->client->refused = 0;
	if (replaces) {
		book_keep(l->client, RULE_REPLACES);
		trace_renewal(l->book, l->client, r);
	} else if (asked_renewal(l->book, l->client->agent) && had_before(l->book, l->client, digest))
		book_broke(l->client, RULE_REPLACES, l->id, "a client that reads renewal information renewed without \"replaces\"");
	if (!route_parse_url(&any, r->reply.location, &made))
		return;
	t = book_track(l->book, TRACKED_ORDER, l->client);
	t->id = made.id;
	t->names = digest;
	snprintf(t->request, sizeof(t->request), "%s", l->id);
}

/* After finalize and after each poll: where the order stands. */
static void
look_at_order(struct look *l)
{
	const struct request *r = l->request;
	struct tracked	     *t = book_find(l->book, TRACKED_ORDER, r->target.id);
	json_t		     *shown = NULL;
	const char	     *status, *certificate;

	if (t == NULL || !l->good || json_object_parse(buf_slice(&r->reply_body), &shown, NULL) != ERR_OK)
		return;
	if (route_is_finalize(r->target.route)) {
		book_keep(l->client, RULE_FINALIZE);
		book_keep(l->client, RULE_CSR_NAMES);
		book_keep(l->client, RULE_ACCOUNT_KEY);
		t->step = STEP_FINALIZED;
		snprintf(t->request, sizeof(t->request), "%s", l->id);
	} else if (t->step == STEP_FINALIZED) {
		t->polls++;
		book_keep(l->client, RULE_POLL);
	}
	status = json_member_str(shown, "status");
	certificate = json_member_str(shown, "certificate");
	if (certificate == NULL)
		certificate = json_member_str(shown, "star-certificate");
	if (status != NULL && (strcmp(status, "valid") == 0 || strcmp(status, "invalid") == 0) && t->step < STEP_ENDED) {
		t->step = STEP_ENDED;
		book_keep(l->client, RULE_ABANDONED);
		if (strcmp(status, "valid") == 0 && json_array_size(json_object_get(shown, "identifiers")) > 1)
			book_keep(l->client, RULE_ARRAY_ORDER);
	}
	snprintf(t->path, sizeof(t->path), "%s", certificate != NULL ? path_of(certificate) : "");
	json_decref(shown);
}

static void
look_at_certificate(struct look *l)
{
	struct tracked *t;

	if (l->request->target.route == ROUTE_CERTIFICATE_CHAIN)
		book_keep(l->client, RULE_ALTERNATES);
	if ((t = find_path(l->book, TRACKED_ORDER, l->client, l->request->msg.path)) == NULL)
		return;
	t->step = STEP_DOWNLOADED;
	book_keep(l->client, RULE_DOWNLOAD);
}

static void
look_at_challenge(struct look *l)
{
	const struct request *r = l->request;
	enum challenge_type   type = challenge_by_name(r->target.tail);
	struct tracked	     *t = book_find(l->book, TRACKED_AUTHORIZATION, r->target.id);

	if (r->payload == NULL || !l->good)
		return;
	if (t != NULL && t->method != type) {
		book_broke(l->client, RULE_SEVERAL, l->id, "%s was answered after %s", challenge_name(type),
		    challenge_name(t->method));
		return;
	}
	book_keep(l->client, RULE_SEVERAL);
	t = t != NULL ? t : book_track(l->book, TRACKED_AUTHORIZATION, l->client);
	t->id = r->target.id;
	t->method = type;
	snprintf(t->request, sizeof(t->request), "%s", l->id);
	trace_challenge(l->book, t);
}

static void
look_at_orders_list(struct look *l)
{
	const struct msg_reply *reply = &l->request->reply;
	struct conduct_client  *client = l->client;

	if (client->next_page[0] != '\0' && strcmp(client->next_page, l->request->msg.path) == 0) {
		book_keep(client, RULE_ORDERS_LIST);
		client->next_page[0] = '\0';
	}
	for (uint32_t i = 0; i < reply->link_count; i++)
		if (strstr(reply->links[i], "rel=\"next\"") != NULL) {
			snprintf(client->next_page, sizeof(client->next_page), "%s", path_of(reply->links[i]));
			client->next_page[strcspn(client->next_page, ">")] = '\0';
			snprintf(client->next_request, sizeof(client->next_request), "%s", l->id);
		}
}

static void
look_at_route(struct look *l)
{
	switch (l->request->target.route) {
	case ROUTE_NEW_ACCOUNT:
		look_at_account(l);
		break;
	case ROUTE_NEW_ORDER:
		look_at_new_order(l);
		break;
	case ROUTE_KEY_CHANGE:
		if (l->good)
			book_keep(l->client, RULE_ROLLOVER);
		else if (l->request->known != NULL && l->request->problem.said == SAID_NOTHING)
			book_broke(l->client, RULE_ROLLOVER, l->id, "%.200s", l->request->problem.detail.text);
		break;
	case ROUTE_REVOKE_CERT:
		if (l->good) {
			book_keep(l->client, RULE_REASON);
			book_keep(l->client, RULE_REVOKE_TWICE);
		}
		break;
	case ROUTE_ORDER:
	case ROUTE_FINALIZE:
	case ROUTE_FINALIZE_STAR:
		look_at_order(l);
		break;
	case ROUTE_CERTIFICATE:
	case ROUTE_CERTIFICATE_CHAIN:
	case ROUTE_STAR_CERTIFICATE:
		if (l->good)
			look_at_certificate(l);
		break;
	case ROUTE_CHALLENGE:
		look_at_challenge(l);
		break;
	case ROUTE_AUTHORIZATION:
		if (l->good)
			trace_authorization(l->book, l->client, l->request);
		break;
	case ROUTE_RENEWAL_INFO_OF:
		if (l->good)
			trace_window(l->book, l->client, l->request);
		break;
	case ROUTE_ORDERS:
	case ROUTE_ORDERS_PAGE:
		look_at_orders_list(l);
		break;
	default:
		break;
	}
}

/* What every authenticated request shows. */
static void
look_at_form(struct look *l)
{
	const struct request *r = l->request;

	if (r->lookup || r->key == NULL || r->problem.said == SAID_KEY_FORM)
		return;
	book_keep(l->client, RULE_URL);
	book_keep(l->client, RULE_HARD_CODED);
	book_keep(l->client, RULE_KEY_FORM);
	book_keep(l->client, RULE_MEDIA_TYPE);
	if (r->msg.user_agent[0] != '\0')
		book_keep(l->client, RULE_AGENT);
	if (l->good && r->payload == NULL && jws_payload(r->jws).len == 0) {
		book_keep(l->client, RULE_EMPTY_PAYLOAD);
		book_keep(l->client, RULE_GET);
	}
}

/* The account that signed, or that the request says so of: what can't be verified is somebody's mistake, too. */
static void
whose(const struct request *request, char account[ID_TEXT_SIZE])
{
	struct site   any = { request->site.surface, NULL };
	struct target claimed;
	const char   *kid = request->jws != NULL ? jws_kid(request->jws) : NULL;

	if (!id_is_zero(request->account.id))
		id_text(request->account.id, account);
	else if (kid != NULL && route_parse_url(&any, kid, &claimed) && !claimed.nowhere && !id_is_zero(claimed.id))
		id_text(claimed.id, account);
}

void
conduct_request(struct conduct *conduct, const struct request *request)
{
	char	    account[ID_TEXT_SIZE] = "";
	struct look l = { .request = request, .id = request->msg.id, .good = request->problem.type == PROBLEM_NONE };

	if (conduct == NULL)
		return;
	whose(request, account);
	pthread_mutex_lock(&conduct->lock);
	l.book = &conduct->book;
	l.client = client_of(l.book, request->msg.user_agent, account);
	if (request->msg.user_agent[0] == '\0')
		book_broke(l.client, RULE_AGENT, l.id, "%.200s was asked for without one", request->msg.path);
	if (request->lookup) {
		l.client->asked_renewal |= request->target.route == ROUTE_RENEWAL_INFO_OF;
		l.client->directories += request->target.route == ROUTE_DIRECTORY;
	} else {
		look_at_nonce(&l);
	}
	look_at_body(&l);
	look_at_time(&l);
	/* What a script or chance answered says nothing of the client. */
	if (!request->is_scripted) {
		look_at_problem(&l);
		look_at_form(&l);
		look_at_route(&l);
	}
	pthread_mutex_unlock(&conduct->lock);
}

/* --- what others saw ---------------------------------------------------------------------------------------- */

void
conduct_seen(struct conduct *conduct, const struct msg_seen *seen)
{
	static const struct {
		enum conduct_rule rule;
		const char	 *words;
	} rows[SEEN_COUNT] = {
		[SEEN_NO_AGENT] = { RULE_AGENT, "was asked for without one" },
		[SEEN_MEDIA_TYPE] = { RULE_MEDIA_TYPE, "was sent another Content-Type" },
		[SEEN_GET] = { RULE_GET, "was asked for by another method than POST" },
		[SEEN_NO_RESOURCE] = { RULE_HARD_CODED, "was never given out" },
	};
	struct conduct_client *client;

	if (conduct == NULL)
		return;
	pthread_mutex_lock(&conduct->lock);
	client = client_of(&conduct->book, seen->user_agent, "");
	if (seen->what == SEEN_NEW_NONCE)
		client->new_nonces++;
	else
		book_broke(client, rows[seen->what].rule, seen->id, "%.200s %s", seen->path, rows[seen->what].words);
	pthread_mutex_unlock(&conduct->lock);
}

bool
conduct_validation(struct ra *ra, const struct msg_result *result)
{
	struct conduct *conduct = ra->conduct;
	bool		look, last;

	if (conduct == NULL || !id_is_zero(result->order))
		return false;
	pthread_mutex_lock(&conduct->lock);
	if (!(look = book_look_result(&conduct->book, result)))
		trace_result(&conduct->book, result);
	last = look && conduct->book.looking == 0;
	pthread_mutex_unlock(&conduct->lock);
	if (last)
		park_wake(ra->park, conduct->looks);
	return look;
}

static bool
look_next(struct conduct *conduct, size_t *place, struct buf *check)
{
	struct msg_check one;
	bool		 found;

	buf_clear(check);
	pthread_mutex_lock(&conduct->lock);
	if (*place == 0)
		book_look_begin(&conduct->book);
	if ((found = book_look_next(&conduct->book, place, &one)))
		put_check(check, &one);
	pthread_mutex_unlock(&conduct->lock);
	return found;
}

void
conduct_look(struct ra *ra, struct parked *parked)
{
	struct buf check = { 0 };
	size_t	   place = 0;
	bool	   under_way;

	parked->object = ra->conduct->looks;
	parked->stamp = park_stamp(ra->park, parked->object);
	parked->until = clock_monotonic_ms() + LOOK_MS;
	while (look_next(ra->conduct, &place, &check))
		if (channel_send(ra->va, MSG_CHECK, &check) != ERR_OK)
			break;		/* va is gone; those that were under way are not judged */
	buf_free(&check);
	pthread_mutex_lock(&ra->conduct->lock);
	under_way = ra->conduct->book.looking > 0;
	pthread_mutex_unlock(&ra->conduct->lock);
	if (under_way)
		park_put(ra->park, parked);
	else
		parked->run(parked);
}

void
conduct_report(struct conduct *conduct, enum conduct_form form, unsigned indent, struct buf *out)
{
	pthread_mutex_lock(&conduct->lock);
	if (form == CONDUCT_JSON)
		book_put_json(&conduct->book, indent, out);
	else if (form == CONDUCT_JUNIT)
		book_put_junit(&conduct->book, out);
	else
		book_put_page(&conduct->book, out);
	pthread_mutex_unlock(&conduct->lock);
}
