#include "va/server_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/log.h"
#include "va/dns_message.h"
#include "va/sockets.h"

#define TRY_MS 1500 /* the first wait for one server; doubled each round */
#define ROUNDS 3 /* 1.5 + 3 + 6 s for one server: half of the default va.timeout */
#define PORT_QUESTIONS 16 /* through one socket; then another one, with another port, takes over */
#define STRAYS_MAX 8 /* answers to nothing that was asked, before a socket is given up for TCP */
#define REPLY_MAX 4096 /* by UDP; we ask for less */
#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 65536
#define DNS_PORT 53

struct server {
	struct address address;
	uint16_t port;
};

/* One UDP socket to one server. */
struct port {
	struct server_set *set;
	int fd;
	struct port **current; /* where it takes further questions, or NULL */
	unsigned used, strays;
	LIST_HEAD(, question) live;
};

/*  waiting by UDP --the answer--> over, or the next server
 *   ^    |  +--truncated, other letters, strays--> by TCP --the answer, or none--> the same
 *   +----+ time, and the next server */
struct question {
	struct server_set *set;
	char name[DNS_NAME_MAX + 1];
	uint16_t type;
	unsigned flags;
	bool direct; /* servers are its own: for server_set_ask_at() */
	struct server own[SERVERS_MAX];
	size_t own_count;
	unsigned tries, failed; /* a bit for each server that said something of no use */
	struct server_answer worst; /* what it was */
	char extra[DNS_EXTRA_MAX + 1];
	bool probing; /* SERVFAIL: whether it is for DNSSEC */
	bool fell_back; /* to TCP, after an answer by UDP */
	struct dns_question sent;
	size_t at; /* whom: an index of servers */
	struct port *port;
	LIST_ENTRY(question) by_port, by_set;
	int tcp; /* -1: none */
	size_t written;
	struct buf read;
	uv_timer_t timer;
	server_set_done *done;
	void *arg;
};

/* Whose a descriptor is. */
struct owner {
	struct port *port;
	struct question *tcp;
};

struct server_set {
	struct server servers[SERVERS_MAX];
	size_t count;
	enum dnssec_mode mode;
	const struct egress *egress;
	char *text;
	struct port *open[SERVERS_MAX]; /* which takes more questions, by server */
	LIST_HEAD(, question) questions;
	struct owner *owners; /* by descriptor */
	size_t owner_count;
	uv_loop_t *loop;
	struct sockets *sockets; /* when started */
	size_t handles; /* timers that the loop holds */
	bool ended;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* --- whom to ask --------------------------------------------------------------------------------- */

static bool
servers_add(struct server_set *set, const char *host, uint16_t port)
{
	struct server *s = &set->servers[set->count];

	if (set->count == SERVERS_MAX || !address_parse(host, &s->address))
		return false;
	s->port = port;
	set->count++;
	return true;
}

/* resolv.conf(5): "nameserver ADDRESS". Others of its lines say what we don't ask for. */
static void
servers_add_system(struct server_set *set)
{
	static const char key[] = "nameserver";
	struct buf file = { 0 };
	char *text, *line, *rest = NULL, host[ADDRESS_TEXT_SIZE + 16];

	if (file_read(RESOLV_CONF, RESOLV_CONF_MAX, &file) == ERR_OK && (text = buf_take_str(&file)) != NULL) {
		for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
			if (strncmp(line, key, sizeof(key) - 1) == 0 && sscanf(line + sizeof(key) - 1, " %60s", host) == 1) {
				host[strcspn(host, "%")] = '\0'; /* a scope: link-local servers are of no use here */
				(void)servers_add(set, host, DNS_PORT);
			}
		free(text);
	}
	buf_free(&file);
	if (set->count > 0)
		return;
	log_event(LOG_WARNING, "no system resolver", F_STR("file", RESOLV_CONF), F_STR("instead", "127.0.0.1:53"),
	    F_STR("advice", "set va.resolvers"));
	servers_add(set, "127.0.0.1", DNS_PORT);
}

static bool
servers_add_words(struct server_set *set, const struct strings *words)
{
	char host[ADDRESS_TEXT_SIZE];
	struct address address;
	uint16_t port;

	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->items[i], "system") == 0)
			servers_add_system(set);
		else if (address_parse(words->items[i], &address) ? !servers_add(set, words->items[i], DNS_PORT)
				 : !config_address(words->items[i], host, sizeof(host), &port) ||
				 !servers_add(set, host, port))
			return false;
	}
	if (words->count == 0)
		servers_add_system(set);
	return set->count > 0;
}

static char *
servers_text(const struct server_set *set)
{
	struct buf text = { 0 };
	char host[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < set->count; i++) {
		address_text(&set->servers[i].address, host);
		buf_printf(&text, set->servers[i].address.family == AF_INET6 ? "%s[%s]:%u" : "%s%s:%u",
		    i > 0 ? "," : "", host, set->servers[i].port);
	}
	return buf_take_str(&text);
}

struct server_set *
server_set_new(const struct strings *words, enum dnssec_mode mode, const struct egress *egress)
{
	struct server_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->mode = mode;
	set->egress = egress;
	if (servers_add_words(set, words) && (set->text = servers_text(set)) != NULL)
		return set;
	log_event(LOG_ERROR, "resolvers refused", F_STR("first", words->count > 0 ? words->items[0] : ""),
	    F_STR("advice", "write \"system\" or addresses like 10.0.0.53:53 in va.resolvers and va.zones"));
	server_set_free(set, NULL, NULL);
	return NULL;
}

const char *
server_set_text(const struct server_set *set)
{
	return set->text;
}

/* --- descriptors --------------------------------------------------------------------------------- */

static bool
owner_set(struct server_set *set, int fd, struct port *port, struct question *tcp)
{
	size_t want = (size_t)fd + 1;
	struct owner *grown;

	if (want > set->owner_count) {
		want = want < 64 ? 64 : want * 2;
		if ((grown = reallocarray(set->owners, want, sizeof(*grown))) == NULL)
			return false;
		memset(grown + set->owner_count, 0, (want - set->owner_count) * sizeof(*grown));
		set->owners = grown;
		set->owner_count = want;
	}
	set->owners[fd] = (struct owner){ port, tcp };
	return true;
}

/* A socket that connects to the server. -1 with errno. */
static int
server_socket(const struct server_set *set, const struct server *server, int type)
{
	struct sockaddr_storage to;
	socklen_t len = address_sockaddr(&server->address, server->port, &to);
	int fd = socket(server->address.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd >= 0 && egress_bind(set->egress, fd, server->address.family) &&
	    (connect(fd, (const struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS))
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

static void
port_close(struct port *p)
{
	if (p->current != NULL)
		*p->current = NULL;
	sockets_watch(p->set->sockets, p->fd, false, false);
	p->set->owners[p->fd] = (struct owner){ 0 };
	close(p->fd);
	free(p);
}

static struct port *
port_open(struct server_set *set, const struct server *server, struct port **current)
{
	struct port *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->set = set;
	LIST_INIT(&p->live);
	if ((p->fd = server_socket(set, server, SOCK_DGRAM)) >= 0) {
		if (owner_set(set, p->fd, p, NULL) && sockets_watch(set->sockets, p->fd, true, false)) {
			if ((p->current = current) != NULL)
				*current = p;
			return p;
		}
		close(p->fd);
		errno = ENOMEM;
	}
	free(p);
	return NULL;
}

/* --- one question -------------------------------------------------------------------------------- */

static void question_try(struct question *);

static size_t
question_servers(const struct question *q)
{
	return q->direct ? q->own_count : q->set->count;
}

static const struct server *
question_server(const struct question *q)
{
	return q->direct ? &q->own[q->at] : &q->set->servers[q->at];
}

/* It waits for nothing any more. */
static void
question_rest(struct question *q)
{
	struct port *p = q->port;

	uv_timer_stop(&q->timer);
	if (p != NULL) {
		LIST_REMOVE(q, by_port);
		q->port = NULL;
		if (LIST_EMPTY(&p->live))
			port_close(p);
	}
	if (q->tcp >= 0) {
		sockets_watch(q->set->sockets, q->tcp, false, false);
		q->set->owners[q->tcp] = (struct owner){ 0 };
		close(q->tcp);
		q->tcp = -1;
	}
}

static void
set_release(struct server_set *set)
{
	void (*closed)(void *) = set->closed;
	void *arg = set->closed_arg;

	if (!set->ended || set->handles > 0)
		return;
	free(set->owners);
	free(set->text);
	free(set);
	if (closed != NULL)
		closed(arg);
}

static void
question_closed(uv_handle_t *handle)
{
	struct question *q = handle->data;
	struct server_set *set = q->set;

	buf_free(&q->read);
	free(q);
	set->handles--;
	set_release(set);
}

static void
question_end(struct question *q, const struct server_answer *answer)
{
	question_rest(q);
	LIST_REMOVE(q, by_set);
	q->done(q->arg, answer);
	uv_close((uv_handle_t *)&q->timer, question_closed);
}

/* This server is of no use; what it said is told when no other one says better. */
static void
question_fail(struct question *q, enum dns_status status, const struct dns_head *head)
{
	question_rest(q);
	if (status == DNS_UNREACHABLE && q->fell_back)
		status = DNS_NO_TCP;
	if (q->worst.status == 0 || status < q->worst.status) {
		q->worst = (struct server_answer){ .status = status, .error = head != NULL ? head->error : -1,
			.extra = q->extra };
		snprintf(q->extra, sizeof(q->extra), "%s", head != NULL ? head->extra : "");
	}
	q->failed |= 1u << q->at;
	q->probing = false;
	q->flags &= ~(unsigned)DNS_PLAIN;
	question_try(q);
}

static void
question_late(uv_timer_t *timer)
{
	struct question *q = timer->data;

	question_rest(q);
	if (q->worst.status == 0)
		q->worst = (struct server_answer){ .status = q->fell_back ? DNS_NO_TCP : DNS_TIMEOUT, .error = -1, .extra = "" };
	q->tries++;
	question_try(q);
}

/* The next server that has not failed; false: none, or the rounds are over. */
static bool
question_choose(struct question *q)
{
	size_t count = question_servers(q);

	if (q->failed == (1u << count) - 1)
		return false;
	for (; q->tries < ROUNDS * count; q->tries++)
		if ((q->failed & 1u << q->tries % count) == 0) {
			q->at = q->tries % count;
			return true;
		}
	return false;
}

static bool
question_make(struct question *q)
{
	return dns_question_make(&q->sent, q->name, q->type, q->flags | (q->probing ? DNS_UNCHECKED : 0u));
}

static uint64_t
question_patience(const struct question *q)
{
	return (uint64_t)TRY_MS << q->tries / question_servers(q);
}

static void
question_by_udp(struct question *q)
{
	struct server_set *set = q->set;
	struct port **current = q->direct ? NULL : &set->open[q->at];
	struct port *p = current != NULL ? *current : NULL;

	if (p != NULL && p->used == PORT_QUESTIONS) {
		p->current = NULL;
		*current = p = NULL;
	}
	if (p == NULL && (p = port_open(set, question_server(q), current)) == NULL) {
		question_fail(q, errno == ENOMEM || errno == EMFILE || errno == ENFILE ? DNS_NO_MEMORY : DNS_UNREACHABLE,
		    NULL);
		return;
	}
	p->used++;
	q->port = p;
	LIST_INSERT_HEAD(&p->live, q, by_port);
	if (!question_make(q)) {
		question_fail(q, DNS_BAD_NAME, NULL);
		return;
	}
	/* A full buffer is a lost packet: the next try sends another. */
	if (send(p->fd, q->sent.bytes, q->sent.len, MSG_NOSIGNAL) < 0 && errno != EAGAIN && errno != ENOBUFS) {
		question_fail(q, DNS_UNREACHABLE, NULL);
		return;
	}
	uv_timer_start(&q->timer, question_late, question_patience(q), 0);
}

static void
question_by_tcp(struct question *q)
{
	const struct server *server = question_server(q);

	question_rest(q);
	q->written = 0;
	buf_clear(&q->read);
	if ((q->tcp = server_socket(q->set, server, SOCK_STREAM)) < 0 || !question_make(q) ||
	    !owner_set(q->set, q->tcp, NULL, q) || !sockets_watch(q->set->sockets, q->tcp, false, true))
		question_fail(q, DNS_UNREACHABLE, NULL);
	else
		uv_timer_start(&q->timer, question_late, question_patience(q), 0);
}

static void
question_fall_back(struct question *q)
{
	q->fell_back = true;
	question_by_tcp(q);
}

static void
question_send(struct question *q)
{
	q->fell_back = false;
	if (q->set->egress->tcp)
		question_by_tcp(q);
	else
		question_by_udp(q);
}

static void
question_try(struct question *q)
{
	if (question_choose(q))
		question_send(q);
	else
		question_end(q, &q->worst);
}

/* --- answers ------------------------------------------------------------------------------------- */

/* What a head says without regard to DNSSEC. */
static enum dns_status
status_of(const struct question *q, const struct dns_head *head)
{
	switch (head->rcode) {
	case 0:
		if (q->direct && !head->authoritative)
			return DNS_REFERRED;
		return head->answers > 0 ? DNS_ANSWERED : DNS_NO_DATA;
	case 1:
		return DNS_FORMERR;
	case 2:
		return dns_error_is_bogus(head->error) ? DNS_BOGUS : DNS_SERVFAIL;
	case 3: /* a resolver among the name servers would answer so out of its memory */
		return q->direct && !head->authoritative ? DNS_REFERRED : DNS_NO_NAME;
	case 4:
		return DNS_NOTIMP;
	case 5:
		return DNS_REFUSED;
	default:
		return DNS_OTHER_RCODE;
	}
}

static void
question_judge(struct question *q, struct slice reply)
{
	struct dns_head head;
	struct server_answer answer = { .reply = reply };
	enum dns_status status = dns_head_read(reply, &head) ? status_of(q, &head) : DNS_MALFORMED;

	if (q->probing) { /* without validation there is an answer: validation was what failed */
		struct dns_head none = { .error = -1 };

		question_fail(q, status <= DNS_NO_NAME ? DNS_BOGUS : DNS_SERVFAIL, &none);
		return;
	}
	if (status == DNS_FORMERR && (q->flags & DNS_PLAIN) == 0) { /* RFC 6891, 7: it knows no EDNS */
		question_rest(q);
		q->flags |= DNS_PLAIN;
		question_send(q);
		return;
	}
	if (status == DNS_SERVFAIL && head.error < 0 && !q->direct && q->set->mode != DNSSEC_OFF) {
		question_rest(q);
		q->probing = true;
		question_send(q);
		return;
	}
	if (status <= DNS_NO_NAME && !q->direct && q->set->mode == DNSSEC_REQUIRED && !head.authentic)
		status = DNS_UNSIGNED;
	if (status > DNS_BOGUS) {
		question_fail(q, status, &head);
		return;
	}
	answer.status = status;
	answer.authentic = head.authentic && q->set->mode != DNSSEC_OFF;
	answer.error = head.error;
	answer.extra = head.extra;
	question_end(q, &answer);
}

/* One datagram. */
static void
port_hear(struct port *p, struct slice reply)
{
	struct question *q, *next;
	struct dns_head head;

	LIST_FOREACH(q, &p->live, by_port)
		switch (dns_reply_match(reply, &q->sent)) {
		case DNS_FOREIGN:
			continue;
		case DNS_OTHER_CASE:
			question_fall_back(q);
			return;
		case DNS_EXACT:
			if (dns_head_read(reply, &head) && head.truncated)
				question_fall_back(q);
			else
				question_judge(q, reply);
			return;
		}
	if (++p->strays < STRAYS_MAX)
		return;
	p->strays = 0;
	for (q = LIST_FIRST(&p->live); q != NULL; q = next) {
		next = LIST_NEXT(q, by_port); /* the last one takes the socket with it */
		question_fall_back(q);
	}
}

static void
port_refused(struct port *p)
{
	struct question *q, *next;

	for (q = LIST_FIRST(&p->live); q != NULL; q = next) {
		next = LIST_NEXT(q, by_port);
		question_fail(q, DNS_UNREACHABLE, NULL);
	}
}

static void
port_read(struct server_set *set, int fd)
{
	uint8_t data[REPLY_MAX];
	struct port *p;
	ssize_t len;

	/* What is heard may close the socket. */
	for (int i = 0; i < PORT_QUESTIONS && (p = set->owners[fd].port) != NULL; i++) {
		if ((len = recv(fd, data, sizeof(data), 0)) >= 0) {
			port_hear(p, slice_of(data, (size_t)len));
		} else if (errno == EAGAIN || errno == EINTR) {
			return;
		} else {
			port_refused(p);
			return;
		}
	}
}

static void
tcp_write(struct question *q)
{
	uint8_t message[2 + DNS_QUESTION_MAX];
	ssize_t len;

	message[0] = (uint8_t)(q->sent.len >> 8);
	message[1] = (uint8_t)q->sent.len;
	memcpy(message + 2, q->sent.bytes, q->sent.len);
	len = send(q->tcp, message + q->written, q->sent.len + 2 - q->written, MSG_NOSIGNAL);
	if (len < 0 && errno != EAGAIN)
		question_fail(q, DNS_UNREACHABLE, NULL);
	else if (len > 0 && (q->written += (size_t)len) == q->sent.len + 2)
		sockets_watch(q->set->sockets, q->tcp, true, false);
}

static void
tcp_read(struct question *q)
{
	uint8_t data[REPLY_MAX];
	ssize_t len = recv(q->tcp, data, sizeof(data), 0);
	struct buf reply;
	size_t want;

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		question_fail(q, DNS_UNREACHABLE, NULL);
		return;
	}
	buf_put(&q->read, data, (size_t)len);
	want = q->read.len >= 2 ? (size_t)(q->read.data[0] << 8 | q->read.data[1]) + 2 : 2;
	if (!q->read.failed && (q->read.len < 2 || q->read.len < want))
		return;
	reply = q->read;
	q->read = (struct buf){ 0 };
	/* Here nobody guesses: letters may be in any case. */
	if (reply.failed || dns_reply_match(slice_of(reply.data + 2, want - 2), &q->sent) == DNS_FOREIGN)
		question_fail(q, reply.failed ? DNS_NO_MEMORY : DNS_MALFORMED, NULL);
	else
		question_judge(q, slice_of(reply.data + 2, want - 2));
	buf_free(&reply);
}

static void
set_ready(void *arg, int fd, bool readable, bool writable)
{
	struct server_set *set = arg;
	struct owner *owner = (size_t)fd < set->owner_count ? &set->owners[fd] : NULL;

	if (owner == NULL)
		return;
	if (owner->port != NULL)
		port_read(set, fd);
	else if (owner->tcp != NULL && owner->tcp->written < owner->tcp->sent.len + 2 && writable)
		tcp_write(owner->tcp);
	else if (owner->tcp != NULL && readable)
		tcp_read(owner->tcp);
}

/* --- the set ------------------------------------------------------------------------------------- */

bool
server_set_start(struct server_set *set, uv_loop_t *loop)
{
	set->loop = loop;
	return (set->sockets = sockets_new(loop, set_ready, set)) != NULL;
}

void
server_set_free(struct server_set *set, void (*closed)(void *), void *arg)
{
	const struct server_answer gone = { .status = DNS_NO_MEMORY, .error = -1, .extra = "" };
	struct question *q;

	while ((q = LIST_FIRST(&set->questions)) != NULL)
		question_end(q, &gone);
	if (set->sockets != NULL)
		sockets_free(set->sockets);
	set->closed = closed;
	set->closed_arg = arg;
	set->ended = true;
	set_release(set);
}

static struct question *
question_new(struct server_set *set, const char *name, uint16_t type, server_set_done *done, void *arg)
{
	const struct server_answer none = { .status = DNS_NO_MEMORY, .error = -1, .extra = "" };
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		done(arg, &none);
		return NULL;
	}
	q->set = set;
	q->type = type;
	q->done = done;
	q->arg = arg;
	q->tcp = -1;
	snprintf(q->name, sizeof(q->name), "%s", name);
	uv_timer_init(set->loop, &q->timer);
	q->timer.data = q;
	set->handles++;
	LIST_INSERT_HEAD(&set->questions, q, by_set);
	return q;
}

void
server_set_ask(struct server_set *set, const char *name, uint16_t type, server_set_done *done, void *arg)
{
	struct question *q = question_new(set, name, type, done, arg);

	if (q == NULL)
		return;
	q->flags = DNS_RECURSE | (set->mode == DNSSEC_OFF ? DNS_UNCHECKED : DNS_AUTHENTIC);
	question_try(q);
}

void
server_set_ask_at(struct server_set *set, const struct address *addresses, size_t count, const char *name,
    uint16_t type, server_set_done *done, void *arg)
{
	struct question *q = question_new(set, name, type, done, arg);

	if (q == NULL)
		return;
	q->direct = true;
	q->own_count = count < SERVERS_MAX ? count : SERVERS_MAX;
	for (size_t i = 0; i < q->own_count; i++)
		q->own[i] = (struct server){ addresses[i], DNS_PORT };
	question_try(q);
}
