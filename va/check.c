#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/chance.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/map.h"
#include "va/caa.h"
#include "va/check.h"
#include "va/method.h"
#include "va/record.h"

#define WAITING_FACTOR 10 /* checks that may wait for each that may run */
#define SWEEP_MS 100 /* how exactly va.timeout is kept */
#define PERSPECTIVE "primary" /* the one beside ca */

struct list {
	struct check *first, *last;
	size_t count;
};

struct checker {
	const struct means *means;
	checker_answer *answer;
	void *arg;
	struct map *by_authorization; /* whole validations */
	struct list waiting;
	struct list running; /* by deadline: all have the same time */
	struct list resting; /* by deadline */
	bool pumping;
	uv_timer_t sweep; /* runs while checks run or rest */
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

/* Naps are of different lengths; of those that aren't, each comes last. */
static void
list_insert_by_deadline(struct list *list, struct check *c)
{
	struct check *after = list->last;

	while (after != NULL && after->deadline > c->deadline)
		after = after->prev;
	list_insert(list, after, c);
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

static void
check_move(struct check *c, struct list *from, struct list *to)
{
	struct checker *k = c->owner;

	list_remove(from, c);
	if (to == &k->resting)
		list_insert_by_deadline(to, c);
	else
		list_append(to, c);
	c->state = to == &k->waiting ? CHECK_WAITING : to == &k->running ? CHECK_RUNNING : CHECK_RESTING;
}

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

static void
check_run(struct check *c)
{
	if (!check_start_caa(c))
		return;
	if (c->renews == NULL) {
		c->method->start(c);
	} else {
		c->proved = true;
		check_conclude(c);
	}
}

/* Starts what waits while there is room. A check may end before its start() returns and come here again;
 * then the loop that is on the stack goes on, so that the stack stays flat. */
static void
checker_pump(struct checker *k)
{
	struct check *c;

	if (k->pumping)
		return;
	k->pumping = true;
	while (k->waiting.first != NULL && k->running.count < (size_t)k->means->config->concurrent) {
		c = k->waiting.first;
		if (!uv_is_active((uv_handle_t *)&k->sweep))
			uv_timer_start(&k->sweep, checker_sweep, SWEEP_MS, SWEEP_MS);
		c->deadline = clock_monotonic_ms() + k->means->config->timeout * 1000;
		check_move(c, &k->waiting, &k->running);
		check_run(c);
	}
	k->pumping = false;
	if (k->running.count == 0 && k->resting.count == 0)
		uv_timer_stop(&k->sweep);
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

static void
checker_sweep(uv_timer_t *timer)
{
	struct checker *k = timer->data;
	int64_t now = clock_monotonic_ms();

	while (k->running.first != NULL && k->running.first->deadline <= now)
		check_late(k->running.first);
	while (k->resting.first != NULL && k->resting.first->deadline <= now)
		check_move(k->resting.first, &k->resting, &k->waiting);
	checker_pump(k);
}

struct checker *
checker_new(const struct means *means, checker_answer *answer, void *arg)
{
	struct checker *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->by_authorization = map_new()) == NULL) {
		free(k);
		return NULL;
	}
	k->means = means;
	k->answer = answer;
	k->arg = arg;
	uv_timer_init(means->loop, &k->sweep);
	k->sweep.data = k;
	return k;
}

/* Back to before it ran. */
static void
check_clear(struct check *c)
{
	c->method->end(c);
	caa_free(c->caa);
	c->caa = NULL;
	c->proved = false;
	c->until = 0;
	c->addresses[0] = '\0';
}

static void
check_free(struct check *c)
{
	check_clear(c);
	if (c->renews == NULL)
		map_remove(c->owner->by_authorization, &c->asked.authorization, sizeof(c->asked.authorization));
	free(c->renews);
	json_decref(c->record);
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
	free(handle->data);
}

void
checker_free(struct checker *k)
{
	if (k == NULL)
		return;
	list_drop(&k->waiting);
	list_drop(&k->running);
	list_drop(&k->resting);
	map_free(k->by_authorization);
	uv_close((uv_handle_t *)&k->sweep, checker_closed);
}

size_t
checker_running(const struct checker *k)
{
	return k->running.count;
}

/* Says no to a check that never began. */
static void
checker_refuse(struct checker *k, const struct msg_check *asked, const char *why)
{
	struct msg_result result = {
		.authorization = asked->authorization, .problem = PROBLEM_SERVER_INTERNAL, .record = "[]",
		.order = asked->order
	};

	snprintf(result.detail, sizeof(result.detail), "%s", why);
	log_event(LOG_WARNING, "validation refused", F_STR("identifier", asked->identifier.value),
	    F_STR("detail", why));
	k->answer(k->arg, &result);
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

/* A CHECK for what is known already. False: it is not. */
static bool
checker_again(struct checker *k, const struct msg_check *asked)
{
	struct check *c;

	if (!id_is_zero(asked->order))
		return false;
	c = map_get(k->by_authorization, &asked->authorization, sizeof(asked->authorization));
	if (c != NULL && c->state == CHECK_RESTING) {
		check_move(c, &k->resting, &k->waiting);
		checker_pump(k);
	}
	return c != NULL;
}

/* The statement whose CAA part is made anew: its words count, whatever ra wrote beside it. */
static bool
check_renews(struct check *c)
{
	const struct means *means = c->means;

	if ((c->renews = calloc(1, sizeof(*c->renews))) == NULL ||
	    evidence_get(c->asked.evidence, means->evidence_key, c->renews) != ERR_OK)
		return false;
	c->asked.identifier = c->renews->identifier;
	c->asked.wildcard = c->renews->wildcard;
	c->asked.method = c->renews->method;
	memcpy(c->asked.account_url, c->renews->account_url, sizeof(c->asked.account_url));
	return true;
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

/* Some seconds before the first try. */
static void
check_nap(struct check *c)
{
	struct checker *k = c->owner;
	uint32_t most = (uint32_t)k->means->config->sleep;
	uint32_t seconds = most > 0 ? chance_below(CHANCE_SLEEP, most) : 0;

	if (seconds == 0)
		return;
	c->deadline = clock_monotonic_ms() + seconds * 1000;
	check_move(c, &k->waiting, &k->resting);
	if (!uv_is_active((uv_handle_t *)&k->sweep))
		uv_timer_start(&k->sweep, checker_sweep, SWEEP_MS, SWEEP_MS);
}

static struct check *
check_new(struct checker *k, const struct msg_check *asked, const struct method *method)
{
	struct check *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->asked = *asked;
	c->means = k->means;
	c->owner = k;
	c->method = method;
	c->retries = id_is_zero(asked->order) ? k->means->config->retries : 0;
	if ((c->record = json_array()) != NULL &&
	    (!id_is_zero(asked->order) || map_put(k->by_authorization, &asked->authorization,
					      sizeof(asked->authorization), c) == ERR_OK))
		return c;
	json_decref(c->record);
	free(c);
	return NULL;
}

void
checker_add(struct checker *k, const struct msg_check *asked)
{
	const struct method *method = checker_method(k, asked->method);
	struct check *c;

	if (checker_again(k, asked))
		return;
	if (method == NULL) {
		checker_refuse(k, asked, "this perspective does not validate that challenge type");
		return;
	}
	if (k->waiting.count >= (size_t)k->means->config->concurrent * WAITING_FACTOR) {
		checker_refuse(k, asked, "the validation queue is full: try again in a minute");
		return;
	}
	if ((c = check_new(k, asked, method)) == NULL) {
		checker_refuse(k, asked, "the CA is out of memory: try again later");
		return;
	}
	if (!id_is_zero(asked->order) && !check_renews(c)) {
		checker_refuse(k, asked, "the evidence of the validation is not authentic: order again");
		free(c->renews);
		json_decref(c->record);
		free(c);
		return;
	}
	c->asked.evidence = slice_of(NULL, 0); /* it was borrowed */
	list_append(&k->waiting, c);
	if (id_is_zero(asked->order))
		check_nap(c);
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

/* What came of a run, in the words that go to ra and into the log. */
static void
check_tell(struct check *c, struct msg_result *result)
{
	result->authorization = c->asked.authorization;
	result->order = c->asked.order;
	record_text(c->record, result->record, sizeof(result->record));
	log_event(LOG_INFO, c->renews != NULL ? "caa checked" : "validated",
	    F_STR("identifier", c->asked.identifier.value), F_STR("method", challenge_name(c->asked.method)),
	    F_STR("outcome", result->ok ? "valid" : result->next_try != 0 ? "failed, tried again" : "invalid"),
	    F_STR("addresses", c->addresses), F_STR("problem", result->ok ? "" : problem_name(result->problem)),
	    F_STR("detail", result->detail),
	    F_INT("ms", clock_monotonic_ms() - c->deadline + c->means->config->timeout * 1000));
}

/* Frees the check, answers, and starts the next. */
static void
check_answer(struct check *c, struct msg_result *result)
{
	struct checker *k = c->owner;

	check_tell(c, result);
	list_remove(&k->running, c);
	check_free(c);
	k->answer(k->arg, result);
	checker_pump(k);
}

/* RFC 8555, 8.2: a failure that is not final; the next try comes by itself, or when the client asks. */
static void
check_rest(struct check *c, struct msg_result *result)
{
	struct checker *k = c->owner;
	int64_t wait = k->means->config->retry_interval;

	result->next_try = clock_now() + wait;
	check_tell(c, result);
	check_clear(c);
	json_array_clear(c->record);
	c->retries--;
	c->deadline = clock_monotonic_ms() + wait * 1000;
	check_move(c, &k->running, &k->resting);
	k->answer(k->arg, result);
	checker_pump(k);
}

void
check_pass(struct check *c)
{
	c->method->end(c);
	c->proved = true;
	check_conclude(c);
}

static void
check_prove(struct check *c, enum caa_outcome caa)
{
	struct evidence evidence = { .identifier = c->asked.identifier,
		.wildcard = c->asked.wildcard,
		.method = c->asked.method,
		.validated = clock_now(),
		.until = c->until,
		.perspective = PERSPECTIVE };
	struct msg_result result = { .ok = true };
	struct buf statement = { 0 };

	memcpy(evidence.token, c->asked.token, sizeof(evidence.token));
	memcpy(evidence.thumbprint, c->asked.thumbprint, sizeof(evidence.thumbprint));
	memcpy(evidence.account_url, c->asked.account_url, sizeof(evidence.account_url));
	memcpy(evidence.addresses, c->addresses, sizeof(evidence.addresses));
	if (c->renews != NULL)
		evidence = *c->renews;
	evidence.caa = caa;
	evidence.caa_checked = caa == CAA_NOT_CHECKED ? 0 : clock_now();
	evidence_put(&statement, &evidence, c->means->evidence_key);
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

void
check_fail(struct check *c, enum problem_type type, const char *format, ...)
{
	const struct va_config *config = c->means->config;
	struct msg_result result = { .problem = type };
	unsigned char *at;
	va_list args;

	va_start(args, format);
	vsnprintf(result.detail, sizeof(result.detail), format, args);
	va_end(args);
	for (at = (unsigned char *)result.detail; *at != '\0'; at++) /* it becomes JSON and a log line */
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	if (c->retries > 0 && c->owner->resting.count < (size_t)config->concurrent * WAITING_FACTOR)
		check_rest(c, &result);
	else
		check_answer(c, &result);
}
