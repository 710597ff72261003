#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/chance.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "va/caa.h"
#include "va/check.h"
#include "va/method.h"
#include "va/record.h"

#define WAITING_FACTOR 10 /* checks that may wait for each that may run */
#define SWEEP_MS 100 /* how exactly va.timeout is kept */
#define BEGIN_BATCH 1 /* before other events get their turn: a burst delays those that are under way by no more */

struct list {
	struct check *first, *last;
	size_t count;
};

struct checker {
	const struct means *means;
	struct lines *waiting;
	struct list running; /* by deadline: all have the same time */
	struct list napping; /* by deadline */
	bool pumping;
	size_t begun; /* since other events had their turn */
	uv_idle_t turn; /* runs after some were begun */
	uv_timer_t sweep; /* runs while checks run or nap */
	int handles; /* that libuv has not let go of */
};

static void
list_insert(struct list *list, struct check *after, struct check *c)
{
	c->prev = after;
	c->next = after != NULL ? after->next : list->first;
	if (c->prev != NULL)
		c->prev->next = c;
	else
		list->first = c;
	if (c->next != NULL)
		c->next->prev = c;
	else
		list->last = c;
	list->count++;
}

static void
list_append(struct list *list, struct check *c)
{
	list_insert(list, list->last, c);
}

static void
list_remove(struct list *list, struct check *c)
{
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		list->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		list->last = c->prev;
	list->count--;
}

static void check_prove(struct check *, enum caa_outcome);
static void checker_sweep(uv_timer_t *);

/* Everything is there for a statement, or CAA forbids it, or CAA is still under way. */
static void
check_conclude(struct check *c)
{
	const struct caa_result *result = c->caa != NULL ? caa_result(c->caa) : NULL;
	char detail[sizeof(result->detail)];

	if (c->caa == NULL) {
		check_prove(c, c->means->config->caa == CAA_OFF ? CAA_NOT_CHECKED : CAA_ABSENT);
	} else if (result != NULL && result->outcome != 0) {
		check_prove(c, result->outcome);
	} else if (result != NULL) {
		memcpy(detail, result->detail, sizeof(detail));
		check_fail(c, result->problem, "%s", detail);
	}
}

static void
check_caa_over(void *arg)
{
	struct check *c = arg;

	if (c->proved)
		check_conclude(c);
}

/* False: it failed, for want of memory. */
static bool
check_start_caa(struct check *c)
{
	const struct msg_check *asked = &c->asked;
	struct caa_question question = { asked->wildcard, c->means->caa_identities, asked->account_url,
		challenge_name(asked->method) };

	/* RFC 8659 is about names; there is no tree above an address. */
	if (c->means->config->caa == CAA_OFF || asked->identifier.type != IDENTIFIER_DNS)
		return true;
	c->caa = caa_start(c->means->resolver, c->means->config->caa, asked->identifier.value, &question,
	    check_caa_over, c);
	if (c->caa != NULL)
		return true;
	check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
	return false;
}

static bool
is_caa_alone(const struct check *c)
{
	return !id_is_zero(c->asked.order);
}

static void
check_run(struct check *c)
{
	if (!check_start_caa(c))
		return;
	if (!is_caa_alone(c)) {
		c->method->start(c);
	} else {
		c->proved = true;
		check_conclude(c);
	}
}

static void checker_turn(uv_idle_t *);

/* Starts what waits while there is room, a few at a time. A check may end before its start() returns and come here again;
 * then the loop that is on the stack goes on, so that the stack stays flat. */
static void
checker_pump(struct checker *k)
{
	struct check *c;

	if (k->pumping)
		return;
	k->pumping = true;
	while (k->begun < BEGIN_BATCH && k->running.count < (size_t)k->means->config->concurrent &&
	       (c = (struct check *)lines_take(k->waiting)) != NULL) {
		if (!uv_is_active((uv_handle_t *)&k->sweep))
			uv_timer_start(&k->sweep, checker_sweep, SWEEP_MS, SWEEP_MS);
		if (k->begun++ == 0)
			uv_idle_start(&k->turn, checker_turn);
		c->deadline = clock_monotonic_ms() + k->means->config->timeout * 1000;
		list_append(&k->running, c);
		check_run(c);
	}
	k->pumping = false;
	if (k->running.count == 0 && k->napping.count == 0)
		uv_timer_stop(&k->sweep);
}

/* Other events had their turn. */
static void
checker_turn(uv_idle_t *turn)
{
	struct checker *k = turn->data;

	k->begun = 0;
	checker_pump(k);
	if (k->begun == 0)
		uv_idle_stop(&k->turn);
}

static void
check_late(struct check *c)
{
	if (!c->proved) {
		c->method->late(c);
		return;
	}
	caa_give_up(c->caa);
	check_conclude(c);
}

/* It stands in line from now on. */
static void
check_wait(struct check *c)
{
	struct checker *k = c->owner;

	if (lines_put(k->waiting, &c->waiter, c->asked.account_url))
		return;
	list_append(&k->running, c);
	check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
}

static void
checker_sweep(uv_timer_t *timer)
{
	struct checker *k = timer->data;
	struct check *c;
	int64_t now = clock_monotonic_ms();

	while (k->running.first != NULL && k->running.first->deadline <= now)
		check_late(k->running.first);
	while ((c = k->napping.first) != NULL && c->deadline <= now) {
		list_remove(&k->napping, c);
		check_wait(c);
	}
	checker_pump(k);
}

struct checker *
checker_new(const struct means *means)
{
	struct checker *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->waiting = lines_new((size_t)means->config->account_limit)) == NULL) {
		free(k);
		return NULL;
	}
	k->means = means;
	uv_timer_init(means->loop, &k->sweep);
	uv_idle_init(means->loop, &k->turn);
	k->sweep.data = k->turn.data = k;
	k->handles = 2;
	return k;
}

/* Ends the method's work, wherever it stands. */
static void
check_stop(struct check *c)
{
	c->method->end(c);
	gate_leave(c->means->gates, &c->turn);
}

static void
check_free(struct check *c)
{
	check_stop(c);
	lines_leave(c->owner->waiting, &c->waiter);
	caa_free(c->caa);
	json_decref(c->record);
	free(c->saw);
	free(c);
}

static void
list_drop(struct list *list)
{
	struct check *c;

	while ((c = list->first) != NULL) {
		list_remove(list, c);
		check_free(c);
	}
}

static void
checker_closed(uv_handle_t *handle)
{
	struct checker *k = handle->data;

	if (--k->handles == 0)
		free(k);
}

void
checker_free(struct checker *k)
{
	struct check *c;

	if (k == NULL)
		return;
	list_drop(&k->running);
	list_drop(&k->napping);
	while ((c = (struct check *)lines_take(k->waiting)) != NULL)
		check_free(c);
	lines_free(k->waiting);
	uv_close((uv_handle_t *)&k->sweep, checker_closed);
	uv_close((uv_handle_t *)&k->turn, checker_closed);
}

size_t
checker_running(const struct checker *k)
{
	return k->running.count;
}

/* Says no to a check that never began. */
static void
checker_refuse(const struct msg_check *asked, enum problem_type type, const char *why, checker_answer *answer, void *arg)
{
	struct msg_result result = {
		.authorization = asked->authorization, .problem = type, .record = "[]",
		.order = asked->order, .method = asked->method
	};

	snprintf(result.detail, sizeof(result.detail), "%s", why);
	log_event(LOG_WARNING, "validation refused", F_STR("identifier", asked->identifier.value),
	    F_STR("detail", why));
	answer(arg, &result);
}

/* 32 bytes in base64url. */
static bool
is_digest(const char *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return strlen(text) == THUMBPRINT_SIZE - 1 && strspn(text, alphabet) == THUMBPRINT_SIZE - 1;
}

_Static_assert(TOKEN_SIZE == THUMBPRINT_SIZE, "token_new() takes as many random bytes as SHA-256 gives");

bool
check_sound(const struct msg_check *asked)
{
	struct identifier same;

	for (uint32_t i = 0; i < asked->former_count; i++)
		if (!is_digest(asked->former[i]))
			return false;
	return identifier_check(asked->identifier.type, asked->identifier.value, &same, NULL) == ERR_OK &&
	       identifier_eq(&same, &asked->identifier) && !identifier_is_wildcard(&same) &&
	       challenge_proves(asked->method, same.type, asked->wildcard) &&
	       is_digest(asked->token) && is_digest(asked->thumbprint);
}

/* --- tests of clients: no look at all, and time that passes before it ------------------------------ */

static void
check_nothing(struct check *c)
{
	(void)c;
}

/* The evidence says which method it stands for. */
static const struct method taken_for_proven = { .start = check_pass, .late = check_nothing, .end = check_nothing };

static const struct method *
checker_method(const struct checker *k, enum challenge_type type)
{
	return k->means->config->always_valid ? &taken_for_proven : method_of(type);
}

/* False: it shall begin at once. */
static bool
check_nap(struct check *c)
{
	struct checker *k = c->owner;
	struct check *after = k->napping.last;
	uint32_t most = (uint32_t)k->means->config->sleep;
	uint32_t seconds = most > 0 && !is_caa_alone(c) ? chance_below(CHANCE_SLEEP, most) : 0;

	if (seconds == 0)
		return false;
	c->deadline = clock_monotonic_ms() + seconds * 1000;
	while (after != NULL && after->deadline > c->deadline)
		after = after->prev;
	list_insert(&k->napping, after, c);
	if (!uv_is_active((uv_handle_t *)&k->sweep))
		uv_timer_start(&k->sweep, checker_sweep, SWEEP_MS, SWEEP_MS);
	return true;
}

static struct check *
check_new(struct checker *k, const struct msg_check *asked, const struct method *method)
{
	struct check *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->asked = *asked;
	c->asked.evidence = slice_of(NULL, 0); /* it is borrowed */
	c->means = k->means;
	c->owner = k;
	c->method = method;
	if ((c->record = json_array()) != NULL)
		return c;
	free(c);
	return NULL;
}

/* Why no more can wait, or PROBLEM_NONE. */
static enum problem_type
checker_full(const struct checker *k, const struct msg_check *asked, char why[200])
{
	const struct va_config *config = k->means->config;
	size_t most = (size_t)config->account_limit * WAITING_FACTOR;

	/* Those that may run count as running, though they begin one by one. */
	if (lines_waiting(k->waiting) + k->running.count >= (size_t)config->concurrent * (WAITING_FACTOR + 1)) {
		snprintf(why, 200, "the validation queue is full: try again in a minute");
		return PROBLEM_SERVER_INTERNAL;
	}
	if (lines_of(k->waiting, asked->account_url) < most + (size_t)config->account_limit)
		return PROBLEM_NONE;
	snprintf(why, 200, "the account has %lld validations under way and %zu that wait for one of them to end, which is "
	    "as many as va.limits.account takes: order again when they are over", (long long)config->account_limit, most);
	return PROBLEM_RATE_LIMITED;
}

void
checker_add(struct checker *k, const struct msg_check *asked, checker_answer *answer, void *arg)
{
	const struct method *method = checker_method(k, asked->method);
	enum problem_type refused;
	char why[200];
	struct check *c;

	if (method == NULL) {
		checker_refuse(asked, PROBLEM_SERVER_INTERNAL,
		    "this perspective does not validate that challenge type", answer, arg);
		return;
	}
	if ((refused = checker_full(k, asked, why)) != PROBLEM_NONE) {
		checker_refuse(asked, refused, why, answer, arg);
		return;
	}
	if ((c = check_new(k, asked, method)) == NULL) {
		checker_refuse(asked, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later", answer, arg);
		return;
	}
	c->answer = answer;
	c->arg = arg;
	if (check_nap(c))
		return;
	check_wait(c);
	checker_pump(k);
}

void
check_used(struct check *c, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t len = strlen(c->addresses);

	address_text(address, text);
	if (len + 1 + strlen(text) < sizeof(c->addresses))
		snprintf(c->addresses + len, sizeof(c->addresses) - len, "%s%s", len > 0 ? " " : "", text);
}

/* Frees the check, answers, and starts the next. */
static void
check_answer(struct check *c, struct msg_result *result)
{
	struct checker *k = c->owner;
	checker_answer *answer = c->answer;
	void *arg = c->arg;
	char seen[512];

	result->authorization = c->asked.authorization;
	result->order = c->asked.order;
	record_text(c->record, result->record, sizeof(result->record));
	record_words(c->record, seen, sizeof(seen));
	log_event(LOG_INFO, is_caa_alone(c) ? "caa checked" : "validated",
	    F_STR("perspective", c->means->perspective), F_STR("identifier", c->asked.identifier.value),
	    F_STR("method", challenge_name(c->asked.method)),
	    F_STR("outcome", result->ok ? "valid" : result->reached ? "reached" : "invalid"),
	    F_STR("addresses", c->addresses),
	    F_STR("problem", result->problem == PROBLEM_NONE ? "" : problem_name(result->problem)),
	    F_STR("detail", result->detail), F_STR("seen", seen),
	    F_INT("ms", clock_monotonic_ms() - c->deadline + c->means->config->timeout * 1000));
	list_remove(&k->running, c);
	check_free(c);
	answer(arg, result);
	checker_pump(k);
}

void
check_pass(struct check *c)
{
	check_stop(c);
	c->proved = true;
	check_conclude(c);
}

/* The end of a trial that got as far as can be. */
static void
check_tell(struct check *c, enum caa_outcome caa)
{
	struct msg_result result = { .reached = true };

	snprintf(result.detail, sizeof(result.detail), "%s%s", c->saw != NULL ? c->saw : "it answers as it should",
	    caa == CAA_ALLOWED ? "; CAA records let this CA issue" :
	    caa == CAA_ABSENT ? "; no CAA records stand against it" : "");
	check_answer(c, &result);
}

static void
check_prove(struct check *c, enum caa_outcome caa)
{
	struct evidence evidence = { .identifier = c->asked.identifier,
		.wildcard = c->asked.wildcard,
		.method = c->asked.method,
		.validated = is_caa_alone(c) ? 0 : clock_now(),
		.until = c->until };
	struct msg_result result = { .ok = true };
	struct buf statement = { 0 };

	if (c->asked.trial) {
		check_tell(c, caa);
		return;
	}
	memcpy(evidence.token, c->asked.token, sizeof(evidence.token));
	memcpy(evidence.thumbprint, c->asked.thumbprint, sizeof(evidence.thumbprint));
	memcpy(evidence.account_url, c->asked.account_url, sizeof(evidence.account_url));
	memcpy(evidence.addresses, c->addresses, sizeof(evidence.addresses));
	snprintf(evidence.perspective, sizeof(evidence.perspective), "%s", c->means->perspective);
	evidence.caa = caa;
	evidence.caa_checked = caa == CAA_NOT_CHECKED ? 0 : clock_now();
	evidence_put(&statement, &evidence, &c->means->key);
	if (statement.failed) {
		check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
	} else {
		result.validated = evidence.validated;
		result.until = evidence.until;
		result.caa_checked = evidence.caa_checked;
		result.evidence = buf_slice(&statement);
		check_answer(c, &result);
	}
	buf_free(&statement);
}

static void
add(char *text, size_t size, const char *before, const char *what, const char *behind)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s%s%s", before, what, behind);
}

void
check_fail(struct check *c, enum problem_type type, const char *format, ...)
{
	struct msg_result result = { .problem = type };
	unsigned char *at;
	va_list args;

	va_start(args, format);
	vsnprintf(result.detail, sizeof(result.detail), format, args);
	va_end(args);
	if (c->redirected && !c->proved)
		add(result.detail, sizeof(result.detail), " (a redirect of ", c->asked.identifier.value, " led there)");
	for (at = (unsigned char *)result.detail; *at != '\0'; at++) /* it becomes JSON and a log line */
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	if (c->asked.trial && c->reached && !c->proved && !challenge_persists(c->asked.method) &&
	    (c->saw = strdup(result.detail)) != NULL)
		check_pass(c);
	else
		check_answer(c, &result);
}

void
check_reached(struct check *c)
{
	c->reached = true;
}
