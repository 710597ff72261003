#include "tests/bench/stats.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KINDS_MAX 64 /* of failure; the rest is counted together */

static const char *const step_names[STEP_COUNT] = { "newAccount", "newOrder", "authorization", "challenge",
	"validation", "finalize", "signing", "certificate", "issuance" };

static struct {
	pthread_mutex_t lock;
	size_t count;
	struct failure {
		char kind[128], detail[512];
		uint64_t count;
	} kinds[KINDS_MAX];
} failures = { .lock = PTHREAD_MUTEX_INITIALIZER };

int64_t
stats_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
samples_put(struct samples *s, uint32_t us)
{
	if (s->len == s->cap) {
		s->cap = s->cap == 0 ? 64 : s->cap * 2;
		if ((s->us = realloc(s->us, s->cap * sizeof(*s->us))) == NULL)
			abort();
	}
	s->us[s->len++] = us;
}

void
stats_add(struct stats *stats, enum step step, int64_t us)
{
	samples_put(&stats->steps[step], us > UINT32_MAX ? UINT32_MAX : (uint32_t)us);
}

void
stats_merge(struct stats *into, struct stats *from)
{
	for (size_t step = 0; step < STEP_COUNT; step++)
		for (size_t i = 0; i < from->steps[step].len; i++)
			samples_put(&into->steps[step], from->steps[step].us[i]);
	into->requests += from->requests;
	into->connections += from->connections;
	into->retries += from->retries;
	into->bad_nonces += from->bad_nonces;
	into->polls += from->polls;
	into->issued += from->issued;
	into->failed += from->failed;
}

void
stats_free(struct stats *stats)
{
	for (size_t step = 0; step < STEP_COUNT; step++)
		free(stats->steps[step].us);
	memset(stats, 0, sizeof(*stats));
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The smallest sample that at least so many per cent do not exceed, in ms. */
static json_t *
percentile(const struct samples *s, unsigned percent)
{
	size_t rank = (s->len * percent + 99) / 100;

	return json_real((double)s->us[rank == 0 ? 0 : rank - 1] / 1000);
}

json_t *
stats_json(struct stats *stats)
{
	json_t *all = json_object();

	for (size_t step = 0; step < STEP_COUNT; step++) {
		struct samples *s = &stats->steps[step];
		json_t *one;

		if (s->len == 0)
			continue;
		qsort(s->us, s->len, sizeof(*s->us), compare);
		one = json_pack("{s:I, s:o, s:o, s:o, s:o}", "count", (json_int_t)s->len, "p50",
		    percentile(s, 50), "p90", percentile(s, 90), "p99", percentile(s, 99), "max",
		    percentile(s, 100));
		json_object_set_new(all, step_names[step], one);
	}
	return all;
}

void
failure_add(const char *kind, const char *detail)
{
	struct failure *f = NULL;

	pthread_mutex_lock(&failures.lock);
	for (size_t i = 0; i < failures.count; i++)
		if (strncmp(failures.kinds[i].kind, kind, sizeof(f->kind) - 1) == 0)
			f = &failures.kinds[i];
	if (f == NULL && failures.count == KINDS_MAX)
		f = &failures.kinds[KINDS_MAX - 1];
	if (f == NULL) {
		f = &failures.kinds[failures.count++];
		strncpy(f->kind, kind, sizeof(f->kind) - 1);
		strncpy(f->detail, detail, sizeof(f->detail) - 1);
	}
	f->count++;
	pthread_mutex_unlock(&failures.lock);
}

json_t *
failures_json(void)
{
	json_t *all = json_array();

	pthread_mutex_lock(&failures.lock);
	for (size_t i = 0; i < failures.count; i++) {
		const struct failure *f = &failures.kinds[i];
		json_t *detail = json_string(f->detail);

		json_array_append_new(
		    all, json_pack("{s:s, s:I, s:o}", "kind", f->kind, "count", (json_int_t)f->count, "first",
			     detail != NULL ? detail : json_string("not UTF-8")));
	}
	pthread_mutex_unlock(&failures.lock);
	return all;
}
