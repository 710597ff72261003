#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
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
	struct list waiting;
	struct list running; /* by deadline: all have the same time */
	bool pumping;
	uv_timer_t sweep; /* runs while checks do */
};

static void
list_append(struct list *list, struct check *c)
{
	c->next = NULL;
	c->prev = list->last;
	if (list->last != NULL)
		list->last->next = c;
	else
		list->first = c;
	list->last = c;
	list->count++;
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

static void
checker_sweep(uv_timer_t *timer)
{
	struct checker *k = timer->data;
	int64_t now = clock_monotonic_ms();

	while (k->running.first != NULL && k->running.first->deadline <= now)
		k->running.first->method->late(k->running.first);
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
		list_remove(&k->waiting, c);
		if (k->running.count == 0)
			uv_timer_start(&k->sweep, checker_sweep, SWEEP_MS, SWEEP_MS);
		c->deadline = clock_monotonic_ms() + k->means->config->timeout * 1000;
		list_append(&k->running, c);
		c->method->start(c);
	}
	k->pumping = false;
}

struct checker *
checker_new(const struct means *means, checker_answer *answer, void *arg)
{
	struct checker *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->means = means;
	k->answer = answer;
	k->arg = arg;
	uv_timer_init(means->loop, &k->sweep);
	k->sweep.data = k;
	return k;
}

static void
check_free(struct check *c)
{
	c->method->end(c);
	json_decref(c->record);
	free(c);
}

static void
checker_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
checker_free(struct checker *k)
{
	struct check *c;

	if (k == NULL)
		return;
	while ((c = k->waiting.first) != NULL) {
		list_remove(&k->waiting, c);
		check_free(c);
	}
	while ((c = k->running.first) != NULL) {
		list_remove(&k->running, c);
		check_free(c);
	}
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
		.authorization = asked->authorization, .problem = PROBLEM_SERVER_INTERNAL, .record = "[]"
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

	return identifier_check(asked->identifier.type, asked->identifier.value, &same, NULL) == ERR_OK &&
	       identifier_eq(&same, &asked->identifier) && !identifier_is_wildcard(&same) &&
	       is_digest(asked->token) && is_digest(asked->thumbprint);
}

void
checker_add(struct checker *k, const struct msg_check *asked)
{
	const struct method *method = method_of(asked->method);
	struct check *c;

	if (method == NULL) {
		checker_refuse(k, asked, "this perspective does not validate that challenge type");
		return;
	}
	if (k->waiting.count >= (size_t)k->means->config->concurrent * WAITING_FACTOR) {
		checker_refuse(k, asked, "the validation queue is full: try again in a minute");
		return;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL || (c->record = json_array()) == NULL) {
		free(c);
		checker_refuse(k, asked, "the CA is out of memory: try again later");
		return;
	}
	c->asked = *asked;
	c->means = k->means;
	c->owner = k;
	c->method = method;
	list_append(&k->waiting, c);
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

	result->authorization = c->asked.authorization;
	record_text(c->record, result->record, sizeof(result->record));
	log_event(LOG_INFO, "validated", F_STR("identifier", c->asked.identifier.value),
	    F_STR("method", challenge_name(c->asked.method)),
	    F_STR("outcome", result->ok ? "valid" : "invalid"), F_STR("addresses", c->addresses),
	    F_STR("problem", result->ok ? "" : problem_name(result->problem)),
	    F_STR("detail", result->detail),
	    F_INT("ms", clock_monotonic_ms() - c->deadline + k->means->config->timeout * 1000));
	list_remove(&k->running, c);
	if (k->running.count == 0)
		uv_timer_stop(&k->sweep);
	check_free(c);
	k->answer(k->arg, result);
	checker_pump(k);
}

void
check_pass(struct check *c)
{
	struct evidence evidence = { .identifier = c->asked.identifier,
		.wildcard = c->asked.wildcard,
		.method = c->asked.method,
		.caa = CAA_NOT_CHECKED,
		.validated = clock_now(),
		.perspective = PERSPECTIVE };
	struct msg_result result = { .ok = true, .validated = evidence.validated };
	struct buf statement = { 0 };

	memcpy(evidence.token, c->asked.token, sizeof(evidence.token));
	memcpy(evidence.thumbprint, c->asked.thumbprint, sizeof(evidence.thumbprint));
	memcpy(evidence.addresses, c->addresses, sizeof(evidence.addresses));
	evidence_put(&statement, &evidence, c->means->evidence_key);
	if (statement.failed) {
		check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
	} else {
		result.evidence = buf_slice(&statement);
		check_answer(c, &result);
	}
	buf_free(&statement);
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
	for (at = (unsigned char *)result.detail; *at != '\0'; at++) /* it becomes JSON and a log line */
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	check_answer(c, &result);
}
