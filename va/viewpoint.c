#include "va/viewpoint.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "va/method.h"
#include "va/own.h"

struct viewpoint {
	struct own *own;
	struct targets *targets;
	struct va_config config;	/* va's, with what is this one's own */
	struct egress egress;
	struct proxy proxy;
	struct connector *connector;
	struct means means;
	struct checker *checker;
};

static const struct zone_config *
zone_find(const struct zone_config *zones, size_t count, const char *zone)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(zones[i].zone, zone) == 0)
			return &zones[i];
	return NULL;
}

/* va's zones, but for those that are its own. */
static bool
configure_zones(struct viewpoint *v, const struct perspective_config *own)
{
	size_t count = own->zone_count;
	struct zone_config *zones = calloc(v->config.zone_count + count + 1, sizeof(*zones));

	if (zones == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		zones[i] = own->zones[i];
	for (size_t i = 0; i < v->config.zone_count; i++)
		if (zone_find(own->zones, own->zone_count, v->config.zones[i].zone) == NULL)
			zones[count++] = v->config.zones[i];
	v->config.zones = zones;
	v->config.zone_count = count;
	return true;
}

/* This one's own options take the place of va's. */
static bool
configure(struct viewpoint *v, const struct perspective_config *own, struct reason *reason)
{
	v->egress.tcp = v->config.dns_tcp;
	if (own == NULL)
		return true;
	if (own->resolvers.count > 0)
		v->config.resolvers = own->resolvers;
	if (!configure_zones(v, own))
		return false;
	if (own->source[0] != '\0' && !address_parse(own->source, &v->egress.source))
		return false;
	if (own->proxy[0] == '\0')
		return true;
	v->egress.proxy = &v->proxy;
	return proxy_parse(own->proxy, &v->proxy, reason);
}

struct viewpoint *
viewpoint_new(const struct config *config, const char *name, const struct perspective_config *own,
    const struct evidence_key *key)
{
	struct viewpoint *v = calloc(1, sizeof(*v));
	struct address self[SELF_MAX];
	size_t count = targets_listeners(config, self, targets_self(self));
	struct reason reason = { "out of memory, or an option can't be used" };

	if (v == NULL)
		return NULL;
	v->config = config->va;
	v->means = (struct means){ .config = &v->config, .key = *key, .perspective = name,
		.caa_identities = &config->ra.caa_identities, .persist = &config->ra };
	if (configure(v, own, &reason) && (v->means.prober = prober_new(TLS_ALPN_PROTOCOL)) != NULL &&
	    (v->targets = targets_new(&v->config, self, count, &reason)) != NULL &&
	    (v->means.resolver = resolver_new(&v->config, &v->egress, v->targets)) != NULL)
		return v;
	log_event(LOG_ERROR, "a perspective can't start", F_STR("perspective", name), F_STR("cause", reason.text));
	return NULL;
}

bool
viewpoint_start(struct viewpoint *v, uv_loop_t *loop)
{
	v->means.loop = loop;
	v->means.targets = v->targets;
	if ((v->own = own_new()) != NULL)
		targets_watch(v->targets, own_has, v->own);
	if ((v->connector = connector_new(loop, &v->egress)) == NULL)
		return false;
	prober_start(v->means.prober, loop, v->connector);
	return resolver_start(v->means.resolver, loop) &&
	    (v->means.fetcher = fetcher_new(loop, v->connector, v->config.user_agent)) != NULL &&
	    (v->means.gates = gates_new(loop, (size_t)v->config.target_limit)) != NULL &&
	    (v->checker = checker_new(&v->means)) != NULL;
}

struct resolver *
viewpoint_resolver(const struct viewpoint *v)
{
	return v->means.resolver;
}

void
viewpoint_ask(void *viewpoint, const struct msg_check *asked, checker_answer *answer, void *arg)
{
	struct viewpoint *v = viewpoint;

	checker_add(v->checker, asked, answer, arg);
}
