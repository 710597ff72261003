#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/chance.h"
#include "lib/json.h"
#include "lib/log.h"
#include "ra/conduct.h"
#include "ra/request.h"

bool
reply_json(struct request *request, uint16_t status, json_t *owned)
{
	if (owned == NULL)
		return request_broken(request, "reply_json", ERR_MEMORY);
	request->reply.status = status;
	request->reply.media = MEDIA_JSON;
	json_put_indented(&request->reply_body, owned, request->site.surface->json_indent);
	json_decref(owned);
	return true;
}

/* A challenge without a token stays last: clients older than dns-persist-01 read one after the other until one suits
 * them, and want a token in each. */
static size_t
movable(const json_t *list)
{
	const json_t *first = json_array_get(list, 0);
	size_t	      count = json_array_size(list);

	while (count > 0 && json_object_get(first, "token") != NULL &&
	    json_object_get(json_array_get(list, count - 1), "token") == NULL)
		count--;
	return count;
}

static void
shuffle(json_t *list)
{
	for (size_t i = movable(list); i > 1; i--) {
		size_t	j = chance_below(CHANCE_SHUFFLE, (uint32_t)i);
		json_t *a = json_incref(json_array_get(list, i - 1)), *b = json_incref(json_array_get(list, j));

		if ((json_array_set_new(list, i - 1, b) | json_array_set_new(list, j, a)) != 0)
			abort();
	}
}

bool
reply_object(struct request *request, uint16_t status, json_t *owned)
{
	static const char *const lists[] = { "identifiers", "authorizations", "challenges" };

	for (size_t i = 0; request->ra->config->ra.shuffle && i < sizeof(lists) / sizeof(lists[0]); i++)
		shuffle(json_object_get(owned, lists[i]));
	return reply_json(request, status, owned);
}

void
reply_poll_after(struct request *request, int64_t seconds)
{
	request->reply.retry_after = (uint32_t)seconds;
	request->reply.retry_date = request->ra->config->ra.retry_after_dates && seconds > 0 &&
	    chance_percent(CHANCE_RETRY_AFTER, 50);
}

void
reply_location(struct request *request, enum route route, const struct id *id)
{
	struct buf url = { 0 };

	route_url(&url, &request->site, route, id, NULL);
	if (!url.failed && url.len < sizeof(request->reply.location)) {
		memcpy(request->reply.location, url.data, url.len);
		request->reply.location[url.len] = '\0';
	}
	buf_free(&url);
}

void
reply_link(struct request *request, const char *url, const char *relation)
{
	struct msg_reply *reply = &request->reply;
	size_t		  size = sizeof(reply->links[0]);

	if (reply->link_count == REPLY_LINKS_MAX)
		return;
	/* Half a link is worse than none: clients stumble over the whole header. */
	if ((size_t)snprintf(reply->links[reply->link_count], size, "<%s>;rel=\"%s\"", url, relation) < size)
		reply->link_count++;
}

/* RFC 8555, 6.6: where a person reads about limits. */
static void
link_help(struct request *request)
{
	const struct wfe_config *wfe = &request->ra->config->wfe;
	char url[512];

	if (wfe->website[0] != '\0')
		reply_link(request, wfe->website, "help");
	else if (wfe->plain_url[0] != '\0' &&
	    (size_t)snprintf(url, sizeof(url), "%s/limits", wfe->plain_url) < sizeof(url))
		reply_link(request, url, "help");
}

/* Replaces whatever a handler had begun. */
static void
answer_problem(struct request *request)
{
	struct problem	 *problem = &request->problem;
	struct msg_reply *reply = &request->reply;
	json_t		 *json;

	surface_retell(request->site.surface, problem);
	json = problem_json(problem);
	if (problem->type == PROBLEM_RATE_LIMITED)
		link_help(request);
	buf_clear(&request->reply_body);
	reply->status = problem->status != 0 ? problem->status : problem_status(problem->type);
	reply->media = MEDIA_PROBLEM;
	snprintf(reply->problem, sizeof(reply->problem), "%s", problem_name(problem->type));
	snprintf(reply->detail, sizeof(reply->detail), "%s", problem->detail.text);
	if (request->site.surface->problems[problem->said].bare)
		reply->media = MEDIA_NONE;
	else if (json != NULL)
		json_put_indented(&request->reply_body, json, request->site.surface->json_indent);
	json_decref(json);
}

/* What the script does to an answer that is ready. */
static void
apply_fault(struct request *request)
{
	const struct fault *fault = &request->fault;
	struct msg_reply   *reply = &request->reply;

	if (fault->retry_after > 0) {
		reply->retry_after = fault->retry_after;
		reply->retry_date = fault->retry_date;
	}
	if (fault->nonce == NONCE_STALE)
		(void)nonce_redeem(request->ra->nonces, reply->nonce);
	else if (fault->nonce == NONCE_MISSING)
		reply->nonce[0] = '\0';
	if (fault->has_media)
		reply->media = fault->media;
	reply->fault = fault->connection;
}

void
reply_send(struct request *request)
{
	struct msg_reply *reply = &request->reply;
	struct buf	  out = { 0 };

	if (request->problem.type != PROBLEM_NONE)
		answer_problem(request);
	if (request->reply_body.failed || request->reply_body.len > REPLY_BODY_MAX) {
		buf_clear(&request->reply_body);
		reply->status = 500;
		reply->media = MEDIA_NONE;
	}
	if (!id_is_zero(request->account.id))
		id_text(request->account.id, reply->account);
	snprintf(reply->route, sizeof(reply->route), "%s", route_name(request->target.route));
	if (!request->lookup || request->target.route == ROUTE_NEW_NONCE)
		nonce_issue(request->ra->nonces, reply->nonce);
	apply_fault(request);
	conduct_request(request->ra->conduct, request);
	reply->body = buf_slice(&request->reply_body);
	put_reply(&out, reply);
	if (channel_send(request->ra->wfe, MSG_REPLY, &out) != ERR_OK)
		log_event(LOG_WARNING, "a reply was lost: wfe is gone", F_STR("path", request->msg.path));
	buf_free(&out);
}
