#include "va/remote.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/map.h"
#include "va/frame.h"
#include "va/link.h"
#include "va/tls.h"
#include "va/url.h"

#define REST_MIN_MS 250
#define REST_MAX_MS 10000
#define TICK_MS 250 /* how exactly the times below are kept */
#define GRACE_MS 3000 /* beyond va.timeout: the way there and back, and its own bookkeeping */
#define PENDING_FACTOR 11 /* as many as run and wait here (check.h) */

enum state { CONNECTING, UP, RESTING };

/* A question that is under way. */
struct pending {
	struct remote *owner;
	uint64_t number;
	struct id authorization, order;
	checker_answer *answer;
	void *arg;
	int64_t deadline;
	TAILQ_ENTRY(pending) next;
};

struct remote {
	const struct perspective_config *config;
	const struct va_config *va;
	EVP_PKEY *tls_key, *evidence_key; /* public */
	SSL_CTX *context;
	uv_loop_t *loop;
	uv_timer_t tick;
	struct resolver *resolver;
	char host[URL_HOST_MAX + 1];
	uint16_t port;
	struct address addresses[LOOKUP_ADDRESSES_MAX]; /* of the host */
	size_t count, next; /* the first that was not tried */
	enum state state;
	struct link *link; /* NULL: resting, or its name is being looked up */
	struct buf unsent; /* frames asked for while it connects */
	int64_t rest_ms, rest_until, up_since; /* clock_monotonic_ms() */
	bool told; /* that it is down: once for each time */
	char why[256];
	uint64_t number;
	struct map *by_number;
	TAILQ_HEAD(questions, pending) questions; /* by deadline: all have the same time */
};

static void
pending_end(struct pending *p, const struct msg_result *result)
{
	map_remove(p->owner->by_number, &p->number, sizeof(p->number));
	TAILQ_REMOVE(&p->owner->questions, p, next);
	p->answer(p->arg, result);
	free(p);
}

/* What the client is told when nobody said anything. */
static void
absent_result(const char *why, struct msg_result *result)
{
	result->problem = PROBLEM_SERVER_INTERNAL;
	snprintf(result->record, sizeof(result->record), "[]");
	snprintf(result->detail, sizeof(result->detail),
	    "this perspective of the CA %s; its administrator finds the cause in the log", why);
}

static void
pending_fail(struct pending *p, const char *why)
{
	struct msg_result result = { .authorization = p->authorization, .order = p->order };

	absent_result(why, &result);
	pending_end(p, &result);
}

/* --- the connection -------------------------------------------------------------------------------- */

static void
remote_rest(struct remote *r, const char *why)
{
	struct pending *p;
	uint8_t chance;

	/* Who greets and hangs up at once is not dialled four times a second, with two lines in the log for each. */
	if (r->state == UP && clock_monotonic_ms() - r->up_since >= REST_MAX_MS)
		r->rest_ms = REST_MIN_MS;
	r->link = NULL;
	buf_free(&r->unsent);
	if (!r->told)
		log_event(LOG_WARNING, "a perspective is down", F_STR("perspective", r->config->name),
		    F_STR("address", r->config->address), F_STR("cause", why));
	r->told = true;
	snprintf(r->why, sizeof(r->why), "%s", why);
	r->state = RESTING;
	/* Up to a quarter less, so that several don't come back at the same instant. */
	if (RAND_bytes(&chance, 1) != 1)
		chance = 0;
	r->rest_until = clock_monotonic_ms() + r->rest_ms - r->rest_ms * chance / 1024;
	r->rest_ms = r->rest_ms * 2 < REST_MAX_MS ? r->rest_ms * 2 : REST_MAX_MS;
	while ((p = TAILQ_FIRST(&r->questions)) != NULL)
		pending_fail(p, "can't be reached at the moment");
}

static void
on_up(void *arg)
{
	(void)arg; /* whether it takes our key shows in its HELLO */
}

static void remote_try(struct remote *);

static void
remote_failed(struct remote *r, const char *why)
{
	r->link = NULL;
	if (r->state == CONNECTING && r->next < r->count)
		remote_try(r);
	else
		remote_rest(r, why);
}

static void
on_down(void *arg, const char *why)
{
	remote_failed(arg, why);
}

static bool
on_hello(struct remote *r, struct slice body)
{
	struct frame_hello hello;

	if (r->state != CONNECTING || !frame_get_hello(body, &hello))
		return false;
	if (strcmp(hello.perspective, r->config->name) != 0)
		log_event(LOG_ERROR, "a perspective has another name than here; its statements won't count",
		    F_STR("perspective", r->config->name), F_STR("its_name", hello.perspective));
	log_event(LOG_INFO, "a perspective is up", F_STR("perspective", r->config->name),
	    F_STR("address", r->config->address));
	r->state = UP;
	r->up_since = clock_monotonic_ms();
	buf_free(&r->unsent);
	r->told = false;
	return true;
}

static bool
on_answer(struct remote *r, struct slice body)
{
	static struct frame_answer answer;	/* large, and nothing of it is kept */
	struct pending *p;

	if (r->state != UP || !frame_get_answer(body, &answer))
		return false;
	p = map_get(r->by_number, &answer.number, sizeof(answer.number));
	if (p == NULL) /* its time was up */
		return true;
	answer.result.authorization = p->authorization;
	answer.result.order = p->order;
	answer.result.next_try = 0;
	pending_end(p, &answer.result);
	return true;
}

static bool
on_frame(void *arg, struct slice body)
{
	switch (frame_type(body)) {
	case FRAME_HELLO:
		return on_hello(arg, body);
	case FRAME_ANSWER:
		return on_answer(arg, body);
	default:
		return false;
	}
}

static const struct link_events events = { on_up, on_frame, on_down };

static int
connect_to(const struct address *address, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t len = address_sockaddr(address, port, &to);
	int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), saved;

	if (fd == -1 || connect(fd, (const struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* The next of its addresses; there is one. */
static void
remote_try(struct remote *r)
{
	int fd = connect_to(&r->addresses[r->next++], r->port);

	if (fd == -1)
		remote_failed(r, strerror(errno));
	else if ((r->link = link_new(r->loop, r->context, false, fd, &events, r)) == NULL)
		remote_failed(r, "out of memory or descriptors");
	else if (r->unsent.len > 0)
		(void)link_send(r->link, buf_slice(&r->unsent)); /* all that waits was no more than it takes */
}

static void
remote_found(void *arg, const struct lookup_answer *answer)
{
	struct remote *r = arg;
	char why[256];

	r->next = 0;
	r->count = answer->count;
	memcpy(r->addresses, answer->addresses, answer->count * sizeof(r->addresses[0]));
	if (r->count > 0) {
		remote_try(r);
		return;
	}
	snprintf(why, sizeof(why), "resolver %.100s %.100s", answer->servers, answer->verdict);
	remote_rest(r, why);
}

static void
remote_connect(struct remote *r)
{
	struct lookup_answer literal = { .count = 1 };

	r->state = CONNECTING;
	if (address_parse(r->host, &literal.addresses[0]))
		remote_found(r, &literal);
	else
		(void)resolver_lookup(r->resolver, r->host, remote_found, r);
}

static void
remote_tick(uv_timer_t *timer)
{
	struct remote *r = timer->data;
	int64_t now = clock_monotonic_ms();
	struct pending *p;

	while ((p = TAILQ_FIRST(&r->questions)) != NULL && p->deadline <= now)
		pending_fail(p, "did not answer in time");
	if (r->state == RESTING && r->rest_until <= now)
		remote_connect(r);
}

/* --- for others ------------------------------------------------------------------------------------ */

struct remote *
remote_new(const struct perspective_config *config, const struct va_config *va, EVP_PKEY *own)
{
	struct remote *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->config = config;
	r->va = va;
	r->rest_ms = REST_MIN_MS;
	TAILQ_INIT(&r->questions);
	if ((r->by_number = map_new()) != NULL &&
	    config_address(config->address, r->host, sizeof(r->host), &r->port) &&
	    (r->tls_key = evidence_public_key(config->tls_key)) != NULL &&
	    (r->evidence_key = evidence_public_key(config->evidence_key)) != NULL &&
	    (r->context = tls_context(false, own, r->tls_key)) != NULL)
		return r;
	log_event(LOG_ERROR, "a perspective can't be asked", F_STR("perspective", config->name),
	    F_STR("cause", "out of memory, or its address or a key can't be used"));
	return NULL;
}

void
remote_start(struct remote *r, uv_loop_t *loop, struct resolver *resolver)
{
	r->loop = loop;
	r->resolver = resolver;
	uv_timer_init(loop, &r->tick);
	r->tick.data = r;
	uv_timer_start(&r->tick, remote_tick, TICK_MS, TICK_MS);
	remote_connect(r);
}

static struct pending *
pending_new(struct remote *r, const struct msg_check *asked, checker_answer *answer, void *arg)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = (struct pending){ .owner = r, .number = ++r->number, .authorization = asked->authorization,
		.order = asked->order, .answer = answer, .arg = arg,
		.deadline = clock_monotonic_ms() + r->va->timeout * 1000 + GRACE_MS };
	if (map_put(r->by_number, &p->number, sizeof(p->number), p) == ERR_OK) {
		TAILQ_INSERT_TAIL(&r->questions, p, next);
		return p;
	}
	free(p);
	return NULL;
}

/* At once, or when it has connected. */
static bool
remote_send(struct remote *r, struct slice frame)
{
	if (r->state == UP)
		return link_send(r->link, frame);
	if (r->unsent.len + frame.len > LINK_QUEUE_MAX || (r->link != NULL && !link_send(r->link, frame)))
		return false;
	buf_put(&r->unsent, frame.data, frame.len);
	return !r->unsent.failed;
}

void
remote_ask(void *remote, const struct msg_check *asked, checker_answer *answer, void *arg)
{
	struct remote *r = remote;
	struct msg_result result = { .authorization = asked->authorization, .order = asked->order };
	struct frame_ask ask = { .caa_alone = !id_is_zero(asked->order), .check = *asked };
	struct buf frame = { 0 };
	struct pending *p;

	if (r->state == RESTING && asked->trial) { /* the administrator asks */
		result.problem = PROBLEM_SERVER_INTERNAL;
		snprintf(result.record, sizeof(result.record), "[]");
		snprintf(result.detail, sizeof(result.detail), "this perspective can't be reached at the moment: %s", r->why);
		answer(arg, &result);
		return;
	}
	if (r->state == RESTING || map_count(r->by_number) >= (size_t)r->va->concurrent * PENDING_FACTOR ||
	    (p = pending_new(r, asked, answer, arg)) == NULL) {
		absent_result(r->state == RESTING ? "can't be reached at the moment" : "has too much to do", &result);
		answer(arg, &result);
		return;
	}
	ask.number = p->number;
	frame_put_ask(&frame, &ask);
	if (frame.failed || !remote_send(r, buf_slice(&frame)))
		pending_fail(p, "has too much to do");
	buf_free(&frame);
}

EVP_PKEY *
remote_evidence_key(const struct remote *r)
{
	return r->evidence_key;
}
