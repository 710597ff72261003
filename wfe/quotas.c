#include "wfe/quotas.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"

_Static_assert((int)WFE_LIMIT_COUNT <= TURNS_LIMITS, "each kind has its place");

struct quotas {
	struct {
		const char	*text;		/* "20/1s" */
		int64_t		 burst;		/* 0: no limit */
		int64_t		 interval;	/* us */
	} rates[WFE_LIMIT_COUNT];
	char help[512];
};

static void
set_help(struct quotas *quotas, const struct wfe_config *config)
{
	int n = 0;

	if (config->website[0] != '\0')
		n = snprintf(quotas->help, sizeof(quotas->help), "<%s>;rel=\"help\"", config->website);
	else if (config->plain_url[0] != '\0')
		n = snprintf(quotas->help, sizeof(quotas->help), "<%s/limits>;rel=\"help\"", config->plain_url);
	if (n < 0 || (size_t)n >= sizeof(quotas->help))
		quotas->help[0] = '\0';
}

struct quotas *
quotas_new(const struct wfe_config *config)
{
	struct quotas	*quotas = calloc(1, sizeof(*quotas));
	struct reason	 reason;
	int64_t		 count, seconds;

	if (quotas == NULL)
		return NULL;
	for (size_t i = 0; i < WFE_LIMIT_COUNT; i++) {
		if (!config_rate(config->limits[i], &count, &seconds, &reason))
			abort();	/* it was checked when it was read */
		quotas->rates[i].text = config->limits[i];
		quotas->rates[i].burst = count;
		if (count > 0)
			quotas->rates[i].interval = seconds * 1000000 / count;
	}
	set_help(quotas, config);
	return quotas;
}

const char *
quotas_help(const struct quotas *quotas)
{
	return quotas->help;
}

void
quotas_free(struct quotas *quotas)
{
	free(quotas);
}

static enum wfe_limit
limit_of(enum route route)
{
	switch (route) {
	case ROUTE_DIRECTORY:
		return WFE_LIMIT_DIRECTORY;
	case ROUTE_NEW_NONCE:
		return WFE_LIMIT_NEW_NONCE;
	case ROUTE_NEW_ACCOUNT:
		return WFE_LIMIT_NEW_ACCOUNT;
	case ROUTE_NEW_ORDER:
		return WFE_LIMIT_NEW_ORDER;
	case ROUTE_REVOKE_CERT:
		return WFE_LIMIT_REVOKE_CERT;
	case ROUTE_RENEWAL_INFO:
	case ROUTE_RENEWAL_INFO_OF:
		return WFE_LIMIT_RENEWAL_INFO;
	default:
		return WFE_LIMIT_OTHER;
	}
}

void
quotas_check(const struct quotas *quotas, struct request *r)
{
	enum wfe_limit	kind = limit_of(r->target.route);
	int64_t		burst = quotas->rates[kind].burst, wait;

	if (burst == 0)
		return;
	wait = turns_count(r->server->wfe->turns, &r->turn, kind, burst, quotas->rates[kind].interval, clock_monotonic_us());
	if (wait == 0 || r->refusal.type != PROBLEM_NONE)
		return;
	r->retry_after = (uint32_t)((wait + 999999) / 1000000);
	request_refuse(r, PROBLEM_RATE_LIMITED, MHD_HTTP_TOO_MANY_REQUESTS,
	    "More than %s requests of this kind (%s) came from %s; try again in %" PRIu32 " s (RFC 8555, 6.6)",
	    quotas->rates[kind].text, route_name(r->target.route), r->remote, r->retry_after);
}
