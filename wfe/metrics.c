#include "wfe/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Every status that this server sends; the last entry takes the rest. */
static const unsigned statuses[] = { 200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 429, 431, 500,
	503, 0 };
#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

struct metrics {
	_Atomic uint64_t requests[ROUTE_COUNT][STATUS_COUNT];
	_Atomic uint64_t duration_ms[ROUTE_COUNT];
};

struct metrics *
metrics_new(void)
{
	return calloc(1, sizeof(struct metrics));
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

void
metrics_count(struct metrics *m, enum route route, unsigned status, int64_t ms)
{
	size_t i = 0;

	if (route >= ROUTE_COUNT)
		abort();
	while (i < STATUS_COUNT - 1 && statuses[i] != status)
		i++;
	atomic_fetch_add_explicit(&m->requests[route][i], 1, memory_order_relaxed);
	if (ms > 0)
		atomic_fetch_add_explicit(&m->duration_ms[route], (uint64_t)ms, memory_order_relaxed);
}

/* What is no ACME resource is counted together: paths that clients invent may not become labels. */
static const char *
label(int route)
{
	return route == ROUTE_NONE ? "other" : route_name((enum route)route);
}

static void
put_requests(struct buf *out, struct metrics *m)
{
	buf_put_str(out, "# HELP signet_wfe_requests_total Requests by route and status; 0: no answer sent.\n"
			 "# TYPE signet_wfe_requests_total counter\n");
	for (int r = 0; r < ROUTE_COUNT; r++) {
		for (size_t i = 0; i < STATUS_COUNT; i++) {
			uint64_t n = atomic_load_explicit(&m->requests[r][i], memory_order_relaxed);

			if (n == 0)
				continue;
			buf_printf(out, "signet_wfe_requests_total{route=\"%s\",status=\"%u\"} %" PRIu64 "\n",
			    label(r), statuses[i], n);
		}
	}
}

static void
put_durations(struct buf *out, struct metrics *m)
{
	buf_put_str(out, "# HELP signet_wfe_request_duration_seconds From request line to the answer's end.\n"
			 "# TYPE signet_wfe_request_duration_seconds summary\n");
	for (int r = 0; r < ROUTE_COUNT; r++) {
		uint64_t ms = atomic_load_explicit(&m->duration_ms[r], memory_order_relaxed);
		uint64_t n = 0;

		for (size_t i = 0; i < STATUS_COUNT; i++)
			n += atomic_load_explicit(&m->requests[r][i], memory_order_relaxed);
		if (n == 0)
			continue;
		buf_printf(out,
		    "signet_wfe_request_duration_seconds_sum{route=\"%s\"} %" PRIu64 ".%03" PRIu64 "\n"
		    "signet_wfe_request_duration_seconds_count{route=\"%s\"} %" PRIu64 "\n",
		    label(r), ms / 1000, ms % 1000, label(r), n);
	}
}

static void
put_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	buf_printf(out, "# HELP signet_wfe_%s %s\n# TYPE signet_wfe_%s gauge\n", name, help, name);
	buf_printf(out, "signet_wfe_%s %" PRIu64 "\n", name, value);
}

void
metrics_put(struct buf *out, struct metrics *m, const struct gauges *g)
{
	put_requests(out, m);
	put_durations(out, m);
	put_gauge(out, "connections", "Open connections, all listeners.", g->connections);
	put_gauge(out, "requests_in_flight", "Requests that wait for ra.", g->in_flight);
	put_gauge(out, "requests_waiting", "Requests of clients that ask for much, which wait for their turn.", g->waiting);
	put_gauge(out, "nonce_stock", "Nonces ready for newNonce.", g->nonces);
}
