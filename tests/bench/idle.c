#include "tests/bench/idle.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"

static SSL_CTX *context;
static struct idle {
	SSL *ssl;
} *sessions;
static unsigned count;

/* The parts of the directory's URL. */
struct where {
	char *host, *port, *path;
	struct addrinfo *address;
	char *request;
};

static _Noreturn void
fail(const char *what, const char *why)
{
	fprintf(stderr, "load: idle connection %u: %s: %s\n", count + 1, what, why);
	exit(1);
}

static void
where_open(const struct options *o, struct where *w)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	CURLU *url = curl_url();
	struct buf request = { 0 };
	int code;

	if (curl_url_set(url, CURLUPART_URL, o->directory, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &w->host, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PORT, &w->port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PATH, &w->path, 0) != CURLUE_OK)
		fail("directory", "it is no URL");
	curl_url_cleanup(url);
	if ((code = getaddrinfo(w->host, w->port, &hints, &w->address)) != 0)
		fail(w->host, gai_strerror(code));
	buf_printf(&request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: signet-load/1\r\n\r\n", w->path, w->host,
	    w->port);
	if ((w->request = buf_take_str(&request)) == NULL)
		abort();
}

static void
where_close(struct where *w)
{
	freeaddrinfo(w->address);
	free(w->request);
	curl_free(w->host);
	curl_free(w->port);
	curl_free(w->path);
}

static SSL *
open_one(const struct where *w)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	SSL *ssl = SSL_new(context);
	char reply[8192];

	/* Else the request waits for the delayed acknowledgement of the handshake's end. */
	if (ssl == NULL || fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    connect(fd, w->address->ai_addr, w->address->ai_addrlen) != 0)
		fail("connect", strerror(errno));
	if (SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, w->host) != 1 || SSL_set1_host(ssl, w->host) != 1 ||
	    SSL_connect(ssl) != 1 || SSL_write(ssl, w->request, (int)strlen(w->request)) <= 0 ||
	    SSL_read(ssl, reply, sizeof(reply)) <= 0)
		fail("TLS", ERR_error_string(ERR_get_error(), NULL));
	return ssl;
}

void
idle_open(const struct options *o)
{
	struct where w;

	if (o->idle == 0)
		return;
	where_open(o, &w);
	if ((context = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_load_verify_file(context, o->cacert) != 1 || (sessions = calloc(o->idle, sizeof(*sessions))) == NULL)
		fail("start", o->cacert);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	for (; count < o->idle; count++)
		sessions[count].ssl = open_one(&w);
	where_close(&w);
}

/* Whether the server has ended it, whatever waits there to be read. */
static bool
is_open(SSL *ssl)
{
	struct pollfd end = { .fd = SSL_get_fd(ssl), .events = POLLRDHUP };

	return poll(&end, 1, 0) == 0;
}

unsigned
idle_count(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += is_open(sessions[i].ssl);
	return n;
}

void
idle_close(void)
{
	for (unsigned i = 0; i < count; i++) {
		close(SSL_get_fd(sessions[i].ssl));
		SSL_free(sessions[i].ssl);
	}
	free(sessions);
	SSL_CTX_free(context);
}
