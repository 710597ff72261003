#include "va/connector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/clock.h"
#include "va/proxy_talk.h"
#include "va/sockets.h"

#define READ_SIZE 4096

struct connector {
	const struct egress *egress;
	struct sockets *sockets;
	struct connecting **owners; /* by descriptor */
	size_t owner_count;
	uv_timer_t timer; /* to the first deadline */
	TAILQ_HEAD(, connecting) list; /* by deadline: all have the same time, but those that failed at once */
};

/* With a proxy. */
struct talk {
	struct proxy_talk talk;
	struct buf out;
	size_t sent;
};

struct connecting {
	struct connector *owner;
	TAILQ_ENTRY(connecting) next;
	int64_t deadline; /* clock_monotonic_ms(); 0: it failed at once */
	int fd; /* -1: none */
	int error; /* when it failed at once */
	struct address address;
	uint16_t port;
	struct talk *talk; /* NULL: not with a proxy, or not yet */
	const char *responder;
	connect_done *done;
	void *arg;
};

/* --- how it ends --------------------------------------------------------------------------------- */

static bool
owner_set(struct connector *k, int fd, struct connecting *c)
{
	size_t want = (size_t)fd + 1;
	struct connecting **grown;

	if (want > k->owner_count) {
		want = want < 64 ? 64 : want * 2;
		if ((grown = reallocarray(k->owners, want, sizeof(struct connecting *))) == NULL)
			return false;
		memset(grown + k->owner_count, 0, (want - k->owner_count) * sizeof(struct connecting *));
		k->owners = grown;
		k->owner_count = want;
	}
	k->owners[fd] = c;
	return true;
}

/* Its socket, which nobody watches from now on. -1: none. */
static int
connecting_let_go(struct connecting *c)
{
	int fd = c->fd;

	c->fd = -1;
	if (fd >= 0) {
		sockets_watch(c->owner->sockets, fd, false, false);
		if ((size_t)fd < c->owner->owner_count)
			c->owner->owners[fd] = NULL;
	}
	return fd;
}

static void
connecting_free(struct connecting *c)
{
	int fd = connecting_let_go(c);

	if (fd >= 0)
		close(fd);
	TAILQ_REMOVE(&c->owner->list, c, next);
	if (c->talk != NULL) {
		proxy_talk_end(&c->talk->talk);
		buf_cleanse(&c->talk->out); /* the password */
		free(c->talk);
	}
	free(c);
}

static void
connecting_end(struct connecting *c, struct connect_answer answer)
{
	connect_done *done = c->done;
	void *arg = c->arg;

	if (answer.outcome == CONNECT_DONE)
		answer.fd = connecting_let_go(c);
	/* What it says may live in the talk. */
	done(arg, &answer);
	connecting_free(c);
}

/* What errno means to people; *advice says what to do. */
static const char *
explain(int error, const char **advice)
{
	*advice = "check that the address in DNS is right, and that no firewall stands between the CA and it";
	switch (error) {
	case ETIMEDOUT:
		return "did not accept a connection in time";
	case ECONNREFUSED:
		return "refused the connection";
	case ECONNRESET:
		return "reset the connection";
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return "can't be reached from the CA: no route";
	default:
		return "could not be connected to";
	}
}

static const char *
proxy_name(const struct connecting *c, char out[ADDRESS_TEXT_SIZE + 16])
{
	const struct proxy *proxy = c->owner->egress->proxy;
	char text[ADDRESS_TEXT_SIZE];

	address_text(&proxy->address, text);
	snprintf(out, ADDRESS_TEXT_SIZE + 16, "%s port %u", text, proxy->port);
	return out;
}

/* The proxy stands in the way: that is no fault of the target. */
static void
connecting_fail_proxy(struct connecting *c, const char *why)
{
	char name[ADDRESS_TEXT_SIZE + 16], text[256];

	snprintf(text, sizeof(text), "was not asked: this perspective's proxy %s %s", proxy_name(c, name), why);
	connecting_end(c, (struct connect_answer){ .outcome = CONNECT_NO_WAY, .fd = -1, .why = text,
	    .advice = "the CA's administrator finds it in va.perspectives" });
}

/* The target can't be reached. said: what the proxy says of it, or NULL. */
static void
connecting_fail_target(struct connecting *c, int error, const char *said)
{
	char name[ADDRESS_TEXT_SIZE + 16], why[256], advice[160];
	struct connect_answer answer = { .outcome = CONNECT_UNREACHABLE, .fd = -1, .error = error };

	answer.why = explain(error, &answer.advice);
	if (said != NULL) {
		snprintf(why, sizeof(why), "%s: this perspective's proxy %s %s", answer.why, proxy_name(c, name), said);
		answer.why = why;
	}
	if (error == ECONNREFUSED) {
		snprintf(advice, sizeof(advice), "is the client's %s responder running, and reachable from the CA on that port?",
		    c->responder);
		answer.advice = advice;
	}
	connecting_end(c, answer);
}

/* There is no connection to whom it went. */
static void
connecting_fail(struct connecting *c, int error)
{
	const char *advice, *why = explain(error, &advice);

	if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS)
		connecting_end(c, (struct connect_answer){ .outcome = CONNECT_NO_WAY, .fd = -1,
		    .why = "was not asked: the CA is out of memory or descriptors", .advice = "try again later" });
	else if (c->talk != NULL && error == ETIMEDOUT && proxy_talk_asked(&c->talk->talk))
		connecting_fail_target(c, error, "got no connection to it");
	else if (c->owner->egress->proxy != NULL)
		connecting_fail_proxy(c, why);
	else
		connecting_fail_target(c, error, NULL);
}

/* --- the proxy ----------------------------------------------------------------------------------- */

/* Sends what it can. False: the connection is over. */
static bool
talk_flush(struct connecting *c)
{
	struct talk *t = c->talk;
	ssize_t len;

	if (t->out.failed) {
		connecting_fail(c, ENOMEM);
		return false;
	}
	if (t->sent < t->out.len) {
		len = send(c->fd, t->out.data + t->sent, t->out.len - t->sent, MSG_NOSIGNAL);
		if (len < 0 && errno != EAGAIN && errno != EINTR) {
			connecting_fail(c, errno);
			return false;
		}
		t->sent += len > 0 ? (size_t)len : 0;
	}
	sockets_watch(c->owner->sockets, c->fd, true, t->sent < t->out.len);
	return true;
}

static void
talk_begin(struct connecting *c)
{
	if ((c->talk = calloc(1, sizeof(*c->talk))) == NULL) {
		connecting_fail(c, ENOMEM);
		return;
	}
	proxy_talk_begin(&c->talk->talk, c->owner->egress->proxy, &c->address, c->port, &c->talk->out);
	(void)talk_flush(c);
}

static void
talk_read(struct connecting *c)
{
	uint8_t data[READ_SIZE];
	struct talk_result result;
	ssize_t len = recv(c->fd, data, sizeof(data), 0);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		connecting_fail_proxy(c, len == 0 ? "closed the connection" : "broke the connection off");
		return;
	}
	result = proxy_talk_hear(&c->talk->talk, slice_of(data, (size_t)len), &c->talk->out);
	switch (result.outcome) {
	case TALK_ON:
		(void)talk_flush(c);
		return;
	case TALK_THROUGH:
		connecting_end(c, (struct connect_answer){ .outcome = CONNECT_DONE, .why = "", .advice = "" });
		return;
	case TALK_TARGET:
		connecting_fail_target(c, result.error, result.why);
		return;
	case TALK_PROXY:
		connecting_fail_proxy(c, result.why);
		return;
	}
}

/* --- events -------------------------------------------------------------------------------------- */

static void
connecting_connected(struct connecting *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0)
		connecting_fail(c, error);
	else if (c->owner->egress->proxy != NULL)
		talk_begin(c);
	else
		connecting_end(c, (struct connect_answer){ .outcome = CONNECT_DONE, .why = "", .advice = "" });
}

static void
connector_ready(void *arg, int fd, bool readable, bool writable)
{
	struct connector *k = arg;
	struct connecting *c = (size_t)fd < k->owner_count ? k->owners[fd] : NULL;

	if (c == NULL)
		return;
	if (c->talk == NULL)
		connecting_connected(c);
	else if (readable)
		talk_read(c);
	else if (writable)
		(void)talk_flush(c);
}

static void connector_timeout(uv_timer_t *);

static void
connector_set_timer(struct connector *k)
{
	const struct connecting *first = TAILQ_FIRST(&k->list);
	int64_t left = first != NULL ? first->deadline - clock_monotonic_ms() : 0;

	if (first == NULL)
		uv_timer_stop(&k->timer);
	else
		uv_timer_start(&k->timer, connector_timeout, left > 0 ? (uint64_t)left : 0, 0);
}

static void
connector_timeout(uv_timer_t *timer)
{
	struct connector *k = timer->data;
	struct connecting *c;
	int64_t now = clock_monotonic_ms();

	while ((c = TAILQ_FIRST(&k->list)) != NULL && c->deadline <= now)
		connecting_fail(c, c->error != 0 ? c->error : ETIMEDOUT);
	connector_set_timer(k);
}

/* --- for others ---------------------------------------------------------------------------------- */

struct connector *
connector_new(uv_loop_t *loop, const struct egress *egress)
{
	struct connector *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->sockets = sockets_new(loop, connector_ready, k)) == NULL) {
		free(k);
		return NULL;
	}
	k->egress = egress;
	TAILQ_INIT(&k->list);
	uv_timer_init(loop, &k->timer);
	k->timer.data = k;
	return k;
}

static void
connector_closed(uv_handle_t *handle)
{
	struct connector *k = handle->data;

	free(k->owners);
	free(k);
}

void
connector_free(struct connector *k)
{
	if (k == NULL)
		return;
	sockets_free(k->sockets);
	uv_close((uv_handle_t *)&k->timer, connector_closed);
}

/* 0, or errno. */
static int
connecting_begin(struct connecting *c)
{
	const struct egress *egress = c->owner->egress;
	const struct address *address = egress->proxy != NULL ? &egress->proxy->address : &c->address;
	uint16_t port = egress->proxy != NULL ? egress->proxy->port : c->port;
	struct sockaddr_storage to;
	socklen_t len = address_sockaddr(address, port, &to);

	if ((c->fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return errno;
	if (!owner_set(c->owner, c->fd, c))
		return ENOMEM;
	if (!egress_bind(egress, c->fd, address->family) ||
	    (connect(c->fd, (const struct sockaddr *)&to, len) != 0 && errno != EINPROGRESS))
		return errno;
	return sockets_watch(c->owner->sockets, c->fd, false, true) ? 0 : errno;
}

struct connecting *
connect_start(struct connector *k, const struct address *address, uint16_t port, const char *responder, connect_done *done,
    void *arg)
{
	struct connecting *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct connecting){ .owner = k, .fd = -1, .address = *address, .port = port, .responder = responder, .done = done,
		.arg = arg };
	if ((c->error = connecting_begin(c)) != 0) {
		TAILQ_INSERT_HEAD(&k->list, c, next);
	} else {
		c->deadline = clock_monotonic_ms() + CONNECT_MS;
		TAILQ_INSERT_TAIL(&k->list, c, next);
	}
	if (TAILQ_FIRST(&k->list) == c)
		connector_set_timer(k);
	return c;
}

void
connect_cancel(struct connecting *c)
{
	if (c != NULL)
		connecting_free(c);
}

const char *
connect_waits(const struct connecting *c)
{
	if (c->owner->egress->proxy == NULL)
		return "did not accept a connection";
	return c->talk == NULL ? "was not asked: this perspective's proxy did not accept a connection"
			       : "was not asked: this perspective's proxy did not get through to it";
}
