#include "wfe/access_log.h"

#include "lib/clock.h"
#include "lib/log.h"

static const char *
route_label(const struct request *r)
{
	switch (r->server->kind) {
	case LISTENER_PLAIN:
		return "plain";
	case LISTENER_METRICS:
		return "metrics";
	case LISTENER_MANAGEMENT:
		return "management";
	case LISTENER_ACME:
	case LISTENER_PERSPECTIVE: /* never wfe's */
		break;
	}
	return route_name(r->target.route);
}

void
access_log(const struct request *r)
{
	bool		metrics = r->server->kind == LISTENER_METRICS;
	int64_t		ms = clock_monotonic_ms() - r->started;
	const char	*problem = r->problem;
	const char	*detail = r->detail;

	if (r->refusal.type != PROBLEM_NONE) {
		problem = problem_name(r->refusal.type);
		detail = r->refusal.detail.text;
	}
	if (!metrics)
		metrics_count(r->server->wfe->metrics, r->target.route, r->status, ms);
	log_event(metrics ? LOG_DEBUG : LOG_INFO, "request", F_STR("id", r->id),
	    F_STR("remote", r->remote), F_STR("method", r->method), F_STR("path", r->path),
	    F_STR("route", route_label(r)), F_INT("status", r->status), F_INT("ms", ms),
	    F_STR("account", r->account), F_STR("problem", problem), F_STR("detail", detail),
	    F_STR("user_agent", r->user_agent));
}
