/* A perspective on another machine than the rest of the CA. It holds the key by which ca knows its word, and the key of
 * its TLS. It trusts the primary to say what to check, and for nothing else: whom it names, what it asks for and how
 * CAA is judged follow from its own configuration. It may open sockets to resolvers and to targets that va.targets
 * allows, and accept those that its listeners get; it opens no file once it is confined. */
#include "va/station.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/memory.h"
#include "va/fetch.h"
#include "va/frame.h"
#include "va/link.h"
#include "va/tls.h"
#include "va/viewpoint.h"

#define CLIENTS_MAX 32 /* one primary; what knocks beside it is refused in the handshake, within ten seconds */

struct client {
	struct station *owner;
	struct link *link; /* NULL: it is gone, and what it asked is dropped when it is answered */
	size_t questions; /* under way */
	char remote[ADDRESS_TEXT_SIZE];
	bool up;
};

/* One question under way. */
struct question {
	struct client *client;
	uint64_t number;
};

struct station {
	struct proc *proc;
	EVP_PKEY *tls_key, *evidence_key, *primary_key;
	SSL_CTX *context;
	struct viewpoint *viewpoint;
	uv_loop_t loop;
	uv_poll_t control, listeners[LISTENERS_MAX];
	size_t clients;
};

/* As va_calls, and what a listener takes. */
static const char *const station_calls[] = { "connect", "getsockopt", "setsockopt", "getsockname", "getpeername",
	"fcntl", "accept4", NULL };

static const struct sandbox station_sandbox = { .role = "va", .allow = station_calls, .tcp_connect = true };

static void
client_release(struct client *c)
{
	if (c->link != NULL || c->questions > 0)
		return;
	c->owner->clients--;
	free(c);
}

static void
question_answered(void *arg, const struct msg_result *result)
{
	struct question *q = arg;
	struct client *c = q->client;
	struct frame_answer answer = { .number = q->number, .result = *result };
	struct buf frame = { 0 };

	memset(&answer.result.authorization, 0, sizeof(answer.result.authorization));
	memset(&answer.result.order, 0, sizeof(answer.result.order));
	if (c->link != NULL) {
		frame_put_answer(&frame, &answer);
		if (frame.failed || !link_send(c->link, buf_slice(&frame)))
			log_event(LOG_WARNING, "the primary does not read its answers: one is dropped",
			    F_STR("primary", c->remote));
	}
	buf_free(&frame);
	free(q);
	c->questions--;
	client_release(c);
}

static void
on_up(void *arg)
{
	struct client *c = arg;
	struct frame_hello hello = { "" };
	struct buf frame = { 0 };

	strncpy(hello.perspective, c->owner->proc->config->perspective.name, sizeof(hello.perspective) - 1);
	frame_put_hello(&frame, &hello);
	if (frame.failed || !link_send(c->link, buf_slice(&frame)))
		abort();
	buf_free(&frame);
	c->up = true;
	log_event(LOG_INFO, "the primary is connected", F_STR("primary", c->remote));
}

static bool
on_frame(void *arg, struct slice body)
{
	struct client *c = arg;
	struct frame_ask ask;
	struct question *q;

	if (frame_type(body) != FRAME_ASK || !frame_get_ask(body, &ask) || !check_sound(&ask.check))
		return false;
	if ((q = malloc(sizeof(*q))) == NULL)
		memory_out();
	*q = (struct question){ c, ask.number };
	if (ask.caa_alone)
		ask.check.order = id_new();
	c->questions++;
	viewpoint_ask(c->owner->viewpoint, &ask.check, question_answered, q);
	return true;
}

static void
on_down(void *arg, const char *why)
{
	struct client *c = arg;

	log_event(c->up ? LOG_INFO : LOG_WARNING, c->up ? "the primary is gone" : "a client was refused",
	    F_STR("remote", c->remote), F_STR("cause", why));
	c->link = NULL;
	client_release(c);
}

static const struct link_events events = { on_up, on_frame, on_down };

static void
station_take(struct station *s, int fd, const struct sockaddr *from)
{
	struct client *c = s->clients < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	struct address address = { 0 };

	if (c == NULL) {
		close(fd);
		return;
	}
	c->owner = s;
	if (address_from_sockaddr(from, &address))
		address_text(&address, c->remote);
	if ((c->link = link_new(&s->loop, s->context, true, fd, &events, c)) == NULL)
		free(c);
	else
		s->clients++;
}

static void
station_accept(uv_poll_t *poll, int status, int ignored)
{
	struct station *s = poll->data;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int listener, fd;

	(void)status;
	(void)ignored;
	if (uv_fileno((const uv_handle_t *)poll, &listener) != 0)
		abort();
	fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd != -1)
		station_take(s, fd, (const struct sockaddr *)&from);
}

static _Noreturn void
station_stop(const char *why)
{
	log_event(LOG_INFO, "stopping", F_STR("why", why));
	_exit(0);
}

static void
station_control(uv_poll_t *poll, int status, int events_)
{
	struct station *s = poll->data;

	(void)status;
	(void)events_;
	station_stop(proc_wait_stop(s->proc) ? "asked to" : "the supervisor hung up");
}

/* The last chance to open a file: resolv.conf, OpenSSL's configuration; and to list interfaces. */
static struct station *
station_open(struct proc *p)
{
	const struct own_perspective_config *own = &p->config->perspective;
	struct station *s = calloc(1, sizeof(*s));
	struct evidence_key key = { 0 };

	if (s == NULL || !fetch_prepare())
		return NULL;
	s->proc = p;
	s->tls_key = evidence_private_key(own->tls_key);
	s->evidence_key = key.ed25519 = evidence_private_key(own->evidence_key);
	s->primary_key = evidence_public_key(own->primary_key);
	if (s->tls_key == NULL || s->evidence_key == NULL || s->primary_key == NULL ||
	    (s->context = tls_context(true, s->tls_key, s->primary_key)) == NULL) {
		log_event(LOG_ERROR, "keys refused", F_STR("file", p->config->file));
		return NULL;
	}
	s->viewpoint = viewpoint_new(p->config, own->name, NULL, &key);
	return s->viewpoint != NULL ? s : NULL;
}

static bool
station_begin(struct station *s)
{
	struct proc *p = s->proc;

	if (uv_loop_init(&s->loop) != 0 || !viewpoint_start(s->viewpoint, &s->loop) ||
	    uv_poll_init(&s->loop, &s->control, channel_fd(p->control)) != 0)
		return false;
	s->control.data = s;
	for (size_t i = 0; i < p->listener_count; i++) {
		s->listeners[i].data = s;
		if (uv_poll_init(&s->loop, &s->listeners[i], p->listeners[i].fd) != 0 ||
		    uv_poll_start(&s->listeners[i], UV_READABLE, station_accept) != 0)
			return false;
		s->listeners[i].data = s;
	}
	return uv_poll_start(&s->control, UV_READABLE | UV_DISCONNECT, station_control) == 0;
}

_Noreturn void
station_main(struct proc *p)
{
	struct station *s;

	signal(SIGPIPE, SIG_IGN);
	if ((s = station_open(p)) == NULL) /* the last chance to open a file */
		_exit(1);
	proc_keep(p, NULL, 0);
	proc_drop(p);
	if (!station_begin(s))
		_exit(1);
	sandbox_enter(&station_sandbox);
	proc_ready(p);

	uv_run(&s->loop, UV_RUN_DEFAULT); /* until station_stop() */
	abort();
}
