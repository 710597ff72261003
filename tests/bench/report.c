#include "tests/bench/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/bench/idle.h"
#include "tests/bench/responder.h"

static double
own_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void
report_start(struct report *r, const struct options *o)
{
	usage_take(o, &r->before);
	r->client_start = own_cpu();
	r->responder_start = responder_cpu();
	r->start = stats_clock_us();
}

void
report_stop(struct report *r, const struct options *o)
{
	r->stop = stats_clock_us();
	r->client_stop = own_cpu();
	r->responder_stop = responder_cpu();
	usage_take(o, &r->after);
}

static json_t *
summary(struct report *r, const struct options *o)
{
	struct stats *s = &r->stats;
	double seconds = (double)(r->stop - r->start) / 1e6, each = s->issued > 0 ? (double)s->issued : 1;
	json_t *all;

	all = json_pack("{s:s, s:i, s:i, s:i, s:i, s:s, s:s, s:b}", "directory", o->directory, "clients",
	    (int)o->clients, "accounts", (int)o->accounts, "names", (int)o->names, "asked", (int)o->issuances,
	    "key_type", o->key_type, "account_key", o->account_key, "fresh_connections", o->fresh);
	json_object_update_new(all, json_pack("{s:i, s:i, s:i}", "rate", (int)o->rate, "idle", (int)o->idle,
	    "idle_open", (int)idle_count()));
	json_object_update_new(
	    all, json_pack("{s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I}", "issued", (json_int_t)s->issued,
		     "failed", (json_int_t)s->failed, "seconds", seconds, "per_second",
		     (double)s->issued / seconds, "requests_per_issuance", (double)s->requests / each,
		     "connections", (json_int_t)s->connections, "polls", (json_int_t)s->polls, "bad_nonces",
		     (json_int_t)s->bad_nonces, "retries", (json_int_t)s->retries));
	json_object_update_new(all, json_pack("{s:f, s:f, s:o, s:o, s:o}", "client_cpu_ms",
					(r->client_stop - r->client_start) * 1000 / each, "responder_cpu_ms",
					(r->responder_stop - r->responder_start) * 1000 / each, "server",
					usage_json(&r->before, &r->after, s->issued), "steps_ms",
					stats_json(s), "failures", failures_json()));
	return all;
}

static double
real(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static void
print_server(const json_t *server)
{
	json_t *list = json_object_get(server, "processes"), *p;
	size_t n;

	if (json_array_size(list) == 0)
		return;
	printf("\n%-32s %10s %10s %10s %10s %10s %10s\n", "ms CPU per issuance", "user", "system", "both",
	    "RSS MiB", "at most", "PSS MiB");
	json_array_foreach(list, n, p) printf("%-32s %10.3f %10.3f %10.3f %10.1f %10.1f %10.1f\n",
	    json_string_value(json_object_get(p, "name")), real(p, "user_ms"), real(p, "system_ms"),
	    real(p, "cpu_ms"), real(p, "resident_kib") / 1024, real(p, "peak_kib") / 1024, real(p, "pss_kib") / 1024);
	printf("%-32s %10s %10s %10.3f %10.1f %10s %10.1f\n", "all", "", "", real(server, "cpu_ms"),
	    real(server, "resident_kib") / 1024, "", real(server, "pss_kib") / 1024);
}

static void
print_text(const json_t *all, const struct options *o)
{
	json_t *steps = json_object_get(all, "steps_ms"), *failures = json_object_get(all, "failures"), *one;
	const char *name;
	size_t n;

	printf("%.0f of %.0f issued by %.0f clients in %.2f s: %.1f/s; %.0f failed\n", real(all, "issued"),
	    real(all, "asked"), real(all, "clients"), real(all, "seconds"), real(all, "per_second"),
	    real(all, "failed"));
	printf("%.2f requests per issuance; %.0f connections, %.0f polls, %.0f bad nonces, %.0f retries\n",
	    real(all, "requests_per_issuance"), real(all, "connections"), real(all, "polls"),
	    real(all, "bad_nonces"), real(all, "retries"));
	if (o->idle > 0)
		printf("%.0f of %.0f idle connections are open at the end\n", real(all, "idle_open"), real(all, "idle"));
	printf("client CPU %.3f ms per issuance, of which its responder %.3f ms\n\n",
	    real(all, "client_cpu_ms"), real(all, "responder_cpu_ms"));
	printf("%-32s %10s %10s %10s %10s %10s\n", "ms", "count", "p50", "p90", "p99", "max");
	json_object_foreach(steps, name, one) printf("%-32s %10.0f %10.2f %10.2f %10.2f %10.2f\n", name,
	    real(one, "count"), real(one, "p50"), real(one, "p90"), real(one, "p99"), real(one, "max"));
	print_server(json_object_get(all, "server"));
	json_array_foreach(failures, n, one) printf("\nfailed %.0f times: %s\n  first: %s\n",
	    real(one, "count"), json_string_value(json_object_get(one, "kind")),
	    json_string_value(json_object_get(one, "first")));
}

void
report_print(struct report *r, const struct options *o)
{
	json_t *all = summary(r, o);

	if (all == NULL)
		abort();
	if (o->json) {
		json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
		putchar('\n');
	} else
		print_text(all, o);
	json_decref(all);
}
