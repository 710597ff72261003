#include "tests/bench/responder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/answer.h"
#include "tests/bench/tls.h"

#define BUCKETS 4096 /* four times the clients that the tool is made for */
#define QUESTIONS_ROOM (8 << 20) /* a thousand validations ask three questions at once, a KiB each to the kernel */
#define RESPONDER_NICE -10

enum kind {
	KIND_HTTP_LISTEN,
	KIND_TLS_LISTEN,
	KIND_DNS_LISTEN,
	KIND_DNS_UDP,
	KIND_LISTENERS,
	/* connections, in the order of their listeners */
	KIND_HTTP,
	KIND_TLS,
	KIND_DNS
};

struct entry {
	struct entry *next;
	char key[300], value[256];
	X509 *certificate; /* or NULL */
};

/* One watched descriptor; connections are freed when they end. */
struct watch {
	enum kind kind;
	int fd;
	SSL *ssl; /* KIND_TLS */
	size_t len;
	uint8_t in[4096]; /* a validation request is some 200 bytes */
};

static struct entry *table[BUCKETS];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;
static struct watch listeners[KIND_LISTENERS];
static int loop;
static EVP_PKEY *tls_key;
static SSL_CTX *tls_context;

static struct entry **
bucket(const char *key)
{
	uint32_t hash = 2166136261u;

	for (; *key != '\0'; key++)
		hash = (hash ^ (uint8_t)*key) * 16777619u;
	return &table[hash % BUCKETS];
}

void
responder_add(const char *key, const char *value, X509 *certificate)
{
	struct entry *e = calloc(1, sizeof(*e)), **head = bucket(key);

	if (e == NULL)
		abort();
	snprintf(e->key, sizeof(e->key), "%s", key);
	snprintf(e->value, sizeof(e->value), "%s", value);
	e->certificate = certificate;
	pthread_mutex_lock(&table_lock);
	e->next = *head;
	*head = e;
	pthread_mutex_unlock(&table_lock);
}

void
responder_remove(const char *key)
{
	struct entry **at, *gone = NULL;

	pthread_mutex_lock(&table_lock);
	for (at = bucket(key); *at != NULL && gone == NULL;)
		if (strcmp((*at)->key, key) == 0) {
			gone = *at;
			*at = gone->next;
		} else
			at = &(*at)->next;
	pthread_mutex_unlock(&table_lock);
	if (gone != NULL)
		X509_free(gone->certificate);
	free(gone);
}

/* The lock is held. */
static const struct entry *
find(const char *key)
{
	const struct entry *e = *bucket(key);

	while (e != NULL && strcmp(e->key, key) != 0)
		e = e->next;
	return e;
}

/* False: nothing was added for that key. */
static bool
lookup(const char *key, char *out, size_t size)
{
	const struct entry *e;

	pthread_mutex_lock(&table_lock);
	if ((e = find(key)) != NULL)
		snprintf(out, size, "%s", e->value);
	pthread_mutex_unlock(&table_lock);
	return e != NULL;
}

static X509 *
lookup_certificate(const char *name)
{
	const struct entry *e;
	X509 *certificate = NULL;

	pthread_mutex_lock(&table_lock);
	if ((e = find(name)) != NULL && e->certificate != NULL && X509_up_ref(e->certificate) == 1)
		certificate = e->certificate;
	pthread_mutex_unlock(&table_lock);
	return certificate;
}

EVP_PKEY *
responder_tls_key(void)
{
	return tls_key;
}

static void
watch_begin(struct watch *w, enum kind kind, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = w };

	w->kind = kind;
	w->fd = fd;
	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
		abort();
}

static void
watch_end(struct watch *w)
{
	SSL_free(w->ssl);
	close(w->fd);
	free(w);
}

static void
accept_all(const struct watch *listener)
{
	int fd;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct watch *w = calloc(1, sizeof(*w));

		if (w == NULL)
			abort();
		if (listener->kind == KIND_TLS_LISTEN)
			w->ssl = tls_accept(tls_context, fd);
		watch_begin(w, listener->kind - KIND_HTTP_LISTEN + KIND_HTTP, fd);
	}
}

static size_t
answer_dns(const uint8_t *question, size_t len, uint8_t *out)
{
	char name[DNS_NAME_MAX], text[256];

	if (dns_txt_name(question, len, name) && lookup(name, text, sizeof(text)))
		return dns_answer(question, len, text, out);
	return dns_answer(question, len, NULL, out);
}

static void
answer_udp(const struct watch *w)
{
	uint8_t question[1500], reply[DNS_ANSWER_MAX];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t n;
	size_t len;

	while ((n = recvfrom(w->fd, question, sizeof(question), 0, (struct sockaddr *)&from, &size)) >= 0) {
		len = answer_dns(question, (size_t)n, reply);
		if (len > 0 && sendto(w->fd, reply, len, 0, (struct sockaddr *)&from, size) < 0)
			perror("load: DNS reply");
		size = sizeof(from);
	}
}

/* True when the connection is done with. */
static bool
answer_http(struct watch *w)
{
	char path[256], authorization[256], reply[512];
	int n;

	if (memmem(w->in, w->len, "\r\n\r\n", 4) == NULL)
		return w->len == sizeof(w->in);
	if (http_token(w->in, w->len, path, sizeof(path)) &&
	    lookup(path, authorization, sizeof(authorization)))
		n = snprintf(reply, sizeof(reply),
		    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
		    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		    strlen(authorization), authorization);
	else
		n = snprintf(reply, sizeof(reply),
		    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	/* Smaller than any send buffer, so it goes at once or the peer is gone. */
	if (send(w->fd, reply, (size_t)n, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		perror("load: http-01 reply");
	return true;
}

/* RFC 1035, 4.2.2: two bytes of length before each message. */
static bool
answer_tcp(struct watch *w)
{
	uint8_t reply[DNS_ANSWER_MAX + 2];
	size_t len;

	while (w->len >= 2 && w->len >= 2 + (len = (size_t)w->in[0] << 8 | w->in[1])) {
		size_t n = answer_dns(w->in + 2, len, reply + 2);

		reply[0] = (uint8_t)(n >> 8);
		reply[1] = (uint8_t)n;
		if (n == 0 || send(w->fd, reply, n + 2, MSG_NOSIGNAL) < 0)
			return true;
		w->len -= len + 2;
		memmove(w->in, w->in + len + 2, w->len);
	}
	return w->len == sizeof(w->in);
}

static void
read_connection(struct watch *w)
{
	ssize_t n = recv(w->fd, w->in + w->len, sizeof(w->in) - w->len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		watch_end(w);
		return;
	}
	w->len += (size_t)n;
	if (w->kind == KIND_HTTP ? answer_http(w) : answer_tcp(w))
		watch_end(w);
}

static void *
run(void *arg)
{
	struct epoll_event events[64];

	(void)arg;
	/* It stands for as many machines as there are names: behind a thousand clients its turn would come too late. Where
	 * we may not, it waits with them. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), RESPONDER_NICE);
	for (;;) {
		int n = epoll_wait(loop, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr;

			if (w->kind == KIND_DNS_UDP)
				answer_udp(w);
			else if (w->kind == KIND_TLS && tls_go_on(w->ssl))
				watch_end(w);
			else if (w->kind == KIND_HTTP || w->kind == KIND_DNS)
				read_connection(w);
			else if (w->kind < KIND_LISTENERS)
				accept_all(w);
		}
	}
	return NULL;
}

static void
open_port(enum kind kind, int type, uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, room = QUESTIONS_ROOM;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    (type == SOCK_STREAM && listen(fd, 4096) != 0)) {
		fprintf(stderr, "load: 127.0.0.1:%u: %s\n", port, strerror(errno));
		exit(2);
	}
	if (type == SOCK_DGRAM && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	watch_begin(&listeners[kind], kind, fd);
}

void
responder_start(uint16_t http_port, uint16_t dns_port, uint16_t tls_port)
{
	if ((tls_key = EVP_EC_gen("P-256")) == NULL)
		abort();
	tls_context = tls_new(tls_key, lookup_certificate);
	if ((loop = epoll_create1(EPOLL_CLOEXEC)) < 0)
		abort();
	open_port(KIND_HTTP_LISTEN, SOCK_STREAM, http_port);
	open_port(KIND_TLS_LISTEN, SOCK_STREAM, tls_port);
	open_port(KIND_DNS_LISTEN, SOCK_STREAM, dns_port);
	open_port(KIND_DNS_UDP, SOCK_DGRAM, dns_port);
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		abort();
}

double
responder_cpu(void)
{
	struct timespec t = { 0 };
	clockid_t clock;

	if (pthread_getcpuclockid(thread, &clock) == 0)
		clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
