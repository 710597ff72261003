#include "va/ballot_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/quorum.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"

#define SWEEP_MS 100 /* how exactly va.retry_interval is kept */
#define RESTING_FACTOR 10 /* validations that may rest for each that may run */

/* One question that is under way. */
struct vote {
	struct ballot *ballot;
	size_t voter;
	unsigned round;
	int64_t asked; /* clock_monotonic_ms() */
};

static void
said_clear(struct stance *said)
{
	free(said->detail);
	free(said->record);
	buf_free(&said->statement);
	*said = (struct stance){ .outcome = UNSAID };
}

static void
ballot_free(struct ballot *b)
{
	for (size_t i = 0; i < b->owner->count; i++)
		said_clear(&b->said[i]);
	buf_free(&b->old);
	free(b->claim);
	free(b);
}

/* --- what came of a round -------------------------------------------------------------------------- */

/* Old statements about CAA alone make room for the new ones; those about the validation stay. */
static void
put_renewed(const struct ballot *b, struct bundle *bundle, const struct bundle *old)
{
	struct evidence_key key;
	struct evidence statement;
	char name[PERSPECTIVE_MAX + 1];

	for (size_t i = 0; i < old->count; i++) {
		bool keep = false;

		for (size_t v = 0; v < b->owner->count && !keep; v++) {
			key = b->owner->voters[v].key;
			keep = evidence_by(old->statements[i], name) &&
			    strcmp(name, b->owner->voters[v].name) == 0 &&
			    evidence_get(old->statements[i], &key, &statement) == ERR_OK && statement.validated != 0;
		}
		if (keep && bundle->count <= PERSPECTIVES_MAX)
			bundle->statements[bundle->count++] = old->statements[i];
	}
}

static bool
put_agreed(const struct ballot *b, struct buf *out, struct msg_result *result)
{
	struct bundle bundle = { .count = 0 }, old;

	if (ballot_is_caa_alone(b) && bundle_get(buf_slice(&b->old), &old))
		put_renewed(b, &bundle, &old);
	for (size_t i = 0; i < b->owner->count; i++) {
		if (b->said[i].outcome != AGREED)
			continue;
		bundle.statements[bundle.count++] = buf_slice(&b->said[i].statement);
		if (result->caa_checked == 0 || b->said[i].caa_checked < result->caa_checked)
			result->caa_checked = b->said[i].caa_checked;
		if (b->said[i].until != 0 && (result->until == 0 || b->said[i].until < result->until))
			result->until = b->said[i].until;
	}
	bundle_put(out, &bundle);
	result->evidence = buf_slice(out);
	result->validated = b->validated;
	return !out->failed;
}

static void
deliver(const struct ballot *b, struct msg_result *result)
{
	struct buf votes = { 0 };

	ballot_put_votes(b, &votes);
	result->votes = buf_slice(&votes);
	ballot_log(b, result);
	b->owner->answer(b->owner->arg, result);
	buf_free(&votes);
}

/* The last word; the ballot goes when nobody has to answer it any more. */
static void
ballot_answer_now(struct ballot *b, struct msg_result *result)
{
	struct ballots *all = b->owner;

	if (!ballot_is_caa_alone(b))
		map_remove(all->by_authorization, &b->asked.authorization, sizeof(b->asked.authorization));
	b->state = ANSWERED;
	b->ok = result->ok;
	deliver(b, result);
	if (b->pending == 0 && !b->starting)
		ballot_free(b);
}

static void ballots_sweep(uv_timer_t *);

/* RFC 8555, 8.2: a failure that is not final; the next try comes by itself, or when the client asks. */
static void
ballot_rest(struct ballot *b, struct msg_result *result)
{
	struct ballots *all = b->owner;

	result->next_try = clock_now() + all->config->retry_interval;
	b->retries--;
	b->state = RESTING;
	b->deadline = clock_monotonic_ms() + all->config->retry_interval * 1000;
	TAILQ_INSERT_TAIL(&all->resting, b, next);
	if (all->resting_count++ == 0)
		uv_timer_start(&all->sweep, ballots_sweep, SWEEP_MS, SWEEP_MS);
	deliver(b, result);
}

static void
ballot_fail(struct ballot *b, struct msg_result *result)
{
	const struct ballots *all = b->owner;

	if (b->said[0].outcome == FAILED)
		ballot_tell_primary(b, result);
	else
		ballot_tell_quorum(b, result);
	if (b->retries > 0 && all->resting_count < (size_t)all->config->concurrent * RESTING_FACTOR)
		ballot_rest(b, result);
	else
		ballot_answer_now(b, result);
}

static void
ballot_succeed(struct ballot *b, struct msg_result *result)
{
	struct buf bundle = { 0 };

	result->ok = true;
	if (!put_agreed(b, &bundle, result))
		abort(); /* some KiB; the supervisor starts us again, and ra asks again */
	ballot_answer_now(b, result);
	buf_free(&bundle);
}

/* A trial is over when all have said what they see. */
static void
trial_decide(struct ballot *b, struct msg_result *result)
{
	if (b->pending > 0)
		return;
	result->reached = b->said[0].outcome == AGREED && quorum_reached(b->owner->config, ballot_set(b, AGREED));
	if (!result->reached)
		ballot_tell_trial(b, result);
	ballot_answer_now(b, result);
}

static void
ballot_decide(struct ballot *b)
{
	struct msg_result result = { .authorization = b->asked.authorization, .order = b->asked.order,
		.method = b->asked.method };
	const struct va_config *config = b->owner->config;

	snprintf(result.record, sizeof(result.record), "%s", b->said[0].record != NULL ? b->said[0].record : "[]");
	if (b->asked.trial)
		trial_decide(b, &result);
	else if (b->said[0].outcome == AGREED && quorum_reached(config, ballot_set(b, AGREED)))
		ballot_succeed(b, &result);
	else if ((b->said[0].outcome == FAILED || quorum_lost(config, ballot_set(b, FAILED))) &&
		 (b->pending == 0 || !config->hear_all))
		ballot_fail(b, &result);
}

/* --- the votes ------------------------------------------------------------------------------------- */

/* Whether it is the account's key, or one before it where those count too. */
static bool
is_account_key(const struct msg_check *asked, const char *thumbprint)
{
	for (uint32_t i = 0; i < asked->former_count; i++)
		if (strcmp(asked->former[i], thumbprint) == 0)
			return true;
	return strcmp(asked->thumbprint, thumbprint) == 0;
}

/* Whether the statement is the voter's, and says what it was asked. */
static bool
is_sound(const struct ballot *b, const struct voter *voter, const struct msg_result *result)
{
	const struct msg_check *asked = &b->asked;
	struct evidence said, claim = { .identifier = asked->identifier, .wildcard = asked->wildcard, .method = asked->method };

	if (evidence_get(result->evidence, &voter->key, &said) != ERR_OK)
		return false;
	memcpy(claim.token, asked->token, sizeof(claim.token));
	memcpy(claim.thumbprint, said.thumbprint, sizeof(claim.thumbprint));
	memcpy(claim.account_url, asked->account_url, sizeof(claim.account_url));
	return strcmp(said.perspective, voter->name) == 0 && is_account_key(asked, said.thumbprint) &&
	    evidence_same_claim(&said, &claim) && (said.validated == 0) == ballot_is_caa_alone(b);
}

static void
take_statement(struct stance *said, const struct msg_result *result)
{
	said->outcome = AGREED;
	said->caa_checked = result->caa_checked;
	said->until = result->until;
	buf_put(&said->statement, result->evidence.data, result->evidence.len);
	if (said->statement.failed)
		abort(); /* a KiB; the supervisor starts us again, and ra asks again */
}

static void
vote_take(struct ballot *b, const struct vote *v, const struct msg_result *result)
{
	const struct voter *voter = &b->owner->voters[v->voter];
	struct stance *said = &b->said[v->voter];

	said->ms = clock_monotonic_ms() - v->asked;
	said->record = strdup(result->record);
	said->outcome = b->asked.trial && result->reached ? AGREED : FAILED;
	said->problem = result->problem;
	if (result->ok && is_sound(b, voter, result)) {
		take_statement(said, result);
	} else if (result->ok) {
		said->problem = PROBLEM_SERVER_INTERNAL;
		said->detail = strdup("its statement is not authentic, or not what it was asked for");
		log_event(LOG_ERROR, "a perspective's statement is not authentic or not what was asked",
		    F_STR("perspective", voter->name), F_STR("identifier", b->asked.identifier.value));
	} else {
		said->detail = strdup(result->detail);
	}
	if (v->voter == 0)
		b->validated = b->claim != NULL ? b->claim->validated : result->validated;
}

/* What is as expected is for debugging, what failed is worth a line, and who differs from what was decided more. */
static void
log_vote(const struct vote *v, const struct msg_result *result, bool late)
{
	const struct ballot *b = v->ballot;
	bool differs = b->state == ANSWERED && b->ok != result->ok;
	bool good = result->ok || result->reached;

	log_event(differs ? LOG_WARNING : good ? LOG_DEBUG : LOG_INFO, late ? "late vote" : "vote",
	    F_STR("perspective", b->owner->voters[v->voter].name), F_STR("identifier", b->asked.identifier.value),
	    F_STR("outcome", good ? "agreed" : "failed"), F_STR("problem", good ? "" : problem_name(result->problem)),
	    F_STR("detail", result->detail), F_INT("ms", clock_monotonic_ms() - v->asked));
}

static void
vote_answered(void *arg, const struct msg_result *result)
{
	struct vote *v = arg;
	struct ballot *b = v->ballot;
	bool late = b->state != ASKING || v->round != b->round;

	b->pending--;
	if (v->voter > 0)
		log_vote(v, result, late);
	if (!late)
		vote_take(b, v, result);
	free(v);
	if (!late && !b->starting)
		ballot_decide(b);
	else if (b->state == ANSWERED && b->pending == 0 && !b->starting)
		ballot_free(b);
}

/* Asks all. What one says before its ask() returns is looked at when all were asked. */
static void
round_start(struct ballot *b)
{
	struct ballots *all = b->owner;
	struct vote *v;

	b->state = ASKING;
	b->round++;
	b->starting = true;
	for (size_t i = 0; i < all->count; i++) {
		said_clear(&b->said[i]);
		if ((v = malloc(sizeof(*v))) == NULL)
			memory_out();
		*v = (struct vote){ b, i, b->round, clock_monotonic_ms() };
		b->pending++;
		all->voters[i].ask(all->voters[i].self, &b->asked, vote_answered, v);
	}
	b->starting = false;
	ballot_decide(b);
}

static void
rest_end(struct ballot *b)
{
	struct ballots *all = b->owner;

	TAILQ_REMOVE(&all->resting, b, next);
	if (--all->resting_count == 0)
		uv_timer_stop(&all->sweep);
	round_start(b);
}

static void
ballots_sweep(uv_timer_t *timer)
{
	struct ballots *all = timer->data;
	int64_t now = clock_monotonic_ms();
	struct ballot *b;

	while ((b = TAILQ_FIRST(&all->resting)) != NULL && b->deadline <= now)
		rest_end(b);
}

/* --- from CHECK ------------------------------------------------------------------------------------ */

/* The statement whose CAA part is looked at anew: its words count, whatever ra wrote beside it. */
static bool
claim_read(struct ballot *b, struct slice bytes)
{
	const struct voter *primary = &b->owner->voters[0];
	struct msg_check *asked = &b->asked;
	struct bundle bundle;
	char name[PERSPECTIVE_MAX + 1];

	if ((b->claim = calloc(1, sizeof(*b->claim))) == NULL || !bundle_get(bytes, &bundle))
		return false;
	for (size_t i = 0; i < bundle.count; i++) {
		if (!evidence_by(bundle.statements[i], name) || strcmp(name, primary->name) != 0 ||
		    evidence_get(bundle.statements[i], &primary->key, b->claim) != ERR_OK || b->claim->validated == 0)
			continue;
		asked->identifier = b->claim->identifier;
		asked->wildcard = b->claim->wildcard;
		asked->method = b->claim->method;
		memcpy(asked->token, b->claim->token, sizeof(asked->token));
		memcpy(asked->thumbprint, b->claim->thumbprint, sizeof(asked->thumbprint));
		memcpy(asked->account_url, b->claim->account_url, sizeof(asked->account_url));
		buf_put(&b->old, bytes.data, bytes.len);
		return !b->old.failed;
	}
	return false;
}

static struct ballot *
ballot_new(struct ballots *all, const struct msg_check *asked)
{
	struct ballot *b = calloc(1, sizeof(*b) + all->count * sizeof(b->said[0]));

	if (b == NULL)
		return NULL;
	b->owner = all;
	b->asked = *asked;
	b->asked.evidence = slice_of(NULL, 0);	/* it is borrowed */
	b->retries = ballot_is_caa_alone(b) || b->asked.trial ? 0 : all->config->retries;
	if (ballot_is_caa_alone(b) ||
	    map_put(all->by_authorization, &asked->authorization, sizeof(asked->authorization), b) == ERR_OK)
		return b;
	free(b);
	return NULL;
}

static void
refuse(struct ballots *all, const struct msg_check *asked, const char *why)
{
	struct msg_result result = { .authorization = asked->authorization, .order = asked->order, .method = asked->method,
		.problem = PROBLEM_SERVER_INTERNAL, .record = "[]" };

	snprintf(result.detail, sizeof(result.detail), "%s", why);
	log_event(LOG_WARNING, "validation refused", F_STR("identifier", asked->identifier.value), F_STR("detail", why));
	all->answer(all->arg, &result);
}

void
ballots_add(struct ballots *all, const struct msg_check *asked)
{
	bool caa_alone = !id_is_zero(asked->order);
	struct ballot *b = caa_alone ? NULL
	    : map_get(all->by_authorization, &asked->authorization, sizeof(asked->authorization));

	if (b != NULL) {
		if (b->state == RESTING)
			rest_end(b);
		return;
	}
	if ((b = ballot_new(all, asked)) == NULL) {
		refuse(all, asked, "the CA is out of memory: try again later");
	} else if (caa_alone && !claim_read(b, asked->evidence)) {
		refuse(all, asked, "the evidence of the validation is not authentic: order again");
		ballot_free(b);
	} else {
		round_start(b);
	}
}

struct ballots *
ballots_new(const struct va_config *config, uv_loop_t *loop, const struct voter *voters, ballot_answer *answer, void *arg)
{
	struct ballots *all = calloc(1, sizeof(*all));

	if (all == NULL || (all->by_authorization = map_new()) == NULL) {
		free(all);
		return NULL;
	}
	all->config = config;
	all->voters = voters;
	all->count = config->perspective_count + 1;
	all->answer = answer;
	all->arg = arg;
	TAILQ_INIT(&all->resting);
	uv_timer_init(loop, &all->sweep);
	all->sweep.data = all;
	return all;
}

static void
ballot_drop(void *value, void *arg)
{
	(void)arg;
	ballot_free(value);
}

static void
ballots_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
ballots_free(struct ballots *all)
{
	if (all == NULL)
		return;
	map_each(all->by_authorization, ballot_drop, NULL);
	map_free(all->by_authorization);
	uv_close((uv_handle_t *)&all->sweep, ballots_closed);
}
