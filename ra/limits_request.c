#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "ra/request.h"

bool
limits_is_renewal(struct request *request, const struct order *order, bool *renewal)
{
	struct storage_tx *tx = request_tx(request);
	uint8_t hash[NAME_SET_HASH_SIZE];
	enum err err;

	if (tx == NULL)
		return false;
	limits_set_hash(order->identifiers, order->identifier_count, hash);
	err = name_set_known(tx, slice_of(hash, sizeof(hash)));
	*renewal = err == ERR_OK;
	return err == ERR_OK || err == ERR_NOT_FOUND || request_broken(request, "name_set_known", err);
}

/* --- pauses ---------------------------------------------------------------------------------------- */

static void
tell_pause(struct request *request, const struct identifier *identifier, const struct pause *pause)
{
	char last[CLOCK_RFC3339_SIZE], account[ID_TEXT_SIZE];

	clock_rfc3339(pause->last, last);
	id_text(request->account.id, account);
	problem_add(&request->problem, PROBLEM_RATE_LIMITED, identifier,
	    "validations of it failed %lld times one after the other for this account, the last time at %s; mend the "
	    "cause, then have the CA's administrator run: signet limit unpause %s",
	    (long long)pause->failures, last, account);
}

bool
limits_check_pauses(struct request *request, const struct identifier *identifiers, size_t count)
{
	struct storage_tx *tx = request_tx(request);
	struct identifier base;
	struct pause pause;
	enum err err;

	if (tx == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		base = identifier_base(&identifiers[i]);
		err = pause_get(tx, request->account.id, &base, &pause);
		if (err != ERR_OK && err != ERR_NOT_FOUND)
			return request_broken(request, "pause_get", err);
		if (err == ERR_OK && pause.paused != 0)
			tell_pause(request, &identifiers[i], &pause);
	}
	if (request->problem.sub_count == 0)
		return true;
	problem_sum_up(&request->problem, "the account is paused for names that failed again and again");
	return false;
}

/* --- what there is no more of ---------------------------------------------------------------------- */

/* "50 in 7d" */
static void
rate_text(const struct bucket *bucket, char *out, size_t size)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (bucket->period % units[i].seconds != 0)
		i++;
	snprintf(out, size, "%lld in %lld%c", (long long)bucket->count, (long long)(bucket->period / units[i].seconds),
	    units[i].unit);
}

static void
tell(const struct bucket *bucket, const struct charge *note, struct reason *out)
{
	char rate[64], until[CLOCK_RFC3339_SIZE];
	bool set = note->limit == LIMIT_CERTIFICATES_PER_SET;

	rate_text(bucket, rate, sizeof(rate));
	clock_rfc3339((bucket->until + 999) / 1000, until);
	reason_set(out, "too many %s%s%.160s (ra.limits.%s: %s); the next one from %s on", limit_counts(note->limit),
	    set ? " of this order" : " ", set ? "" : note->subject, limit_name(note->limit), rate, until);
}

bool
limits_refuse(struct request *request)
{
	struct charges *charges = &request->charges;
	struct reason first = { "" }, one;
	int64_t now = clock_now_ms(), until = now;
	size_t refused = 0;

	for (size_t i = 0; i < charges->count; i++) {
		const struct bucket *bucket = &charges->buckets[i];
		const struct charge *note = &charges->notes[i];

		if (bucket->until == 0)
			continue;
		tell(bucket, note, &one);
		if (refused++ == 0)
			first = one;
		if (note->identifier.type != 0)
			problem_add(&request->problem, PROBLEM_RATE_LIMITED, &note->identifier, "%s", one.text);
		until = bucket->until > until ? bucket->until : until;
	}
	/* RFC 8555, 6.6: when all limits allow it again. */
	request->reply.retry_after = until > now ? (uint32_t)((until - now + 999) / 1000) : 1;
	if (refused > 1)
		return problem_set(&request->problem, PROBLEM_RATE_LIMITED, "%s; and %zu limits more (RFC 8555, 6.6)",
		    first.text, refused - 1);
	return problem_set(&request->problem, PROBLEM_RATE_LIMITED, "%s (RFC 8555, 6.6)", first.text);
}
