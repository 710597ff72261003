#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "va/fetch.h"
#include "va/sockets.h"

#define SPARE_MAX 256 /* idle handles kept; each holds some 10 KiB */

struct fetcher {
	const struct egress *egress;
	struct sockets *sockets;
	CURLM *multi;
	uv_timer_t timer;
	struct curl_slist *headers;
	const char *user_agent;
	struct fetch *spare;
	size_t spare_count;
};

struct fetch {
	struct fetcher *owner;
	struct fetch *next; /* while spare */
	CURL *easy;
	struct address address;
	struct curl_slist to; /* the pin, borrowed by libcurl */
	char pin[ADDRESS_TEXT_SIZE + 8];
	bool tls;
	fetch_done *done;
	void *arg;
	size_t header_bytes;
	bool headers_cut, body_cut;
	size_t body_len;
	struct buf location;
	uint8_t body[BODY_MAX];
	char error[CURL_ERROR_SIZE];
	char why[CURL_ERROR_SIZE + 64];
};

bool
fetch_prepare(void)
{
	/* libcurl sets OpenSSL up; the configuration file is read here and not at the first handshake. */
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
	       OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1;
}

static void fetcher_collect(struct fetcher *);

static void
fetcher_ready(void *arg, int fd, bool readable, bool writable)
{
	struct fetcher *f = arg;
	int running;

	curl_multi_socket_action(
	    f->multi, fd, (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0), &running);
	fetcher_collect(f);
}

static void
fetcher_timeout(uv_timer_t *timer)
{
	struct fetcher *f = timer->data;
	int running;

	curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	fetcher_collect(f);
}

/* libcurl wants a socket watched, or no longer. One that can't be watched runs into its time limit. */
static int
fetcher_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	const struct fetcher *f = arg;

	(void)easy;
	(void)unused;
	(void)sockets_watch(f->sockets, fd, what == CURL_POLL_IN || what == CURL_POLL_INOUT,
	    what == CURL_POLL_OUT || what == CURL_POLL_INOUT);
	return 0;
}

static int
fetcher_timer(CURLM *multi, long ms, void *arg)
{
	struct fetcher *f = arg;

	(void)multi;
	if (ms < 0)
		uv_timer_stop(&f->timer);
	else
		uv_timer_start(&f->timer, fetcher_timeout, (uint64_t)ms, 0);
	return 0;
}

struct fetcher *
fetcher_new(uv_loop_t *loop, const struct egress *egress, const char *user_agent)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	struct curl_slist *list;

	if (f == NULL)
		return NULL;
	if ((f->headers = curl_slist_append(NULL, "Accept: */*")) == NULL ||
	    (list = curl_slist_append(f->headers, "Connection: close")) == NULL ||
	    (f->multi = curl_multi_init()) == NULL ||
	    (f->sockets = sockets_new(loop, fetcher_ready, f)) == NULL) {
		curl_multi_cleanup(f->multi);
		curl_slist_free_all(f->headers);
		free(f);
		return NULL;
	}
	f->headers = list;
	f->egress = egress;
	f->user_agent = user_agent;
	uv_timer_init(loop, &f->timer);
	f->timer.data = f;
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, fetcher_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, fetcher_timer);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return f;
}

static void
fetcher_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
fetcher_free(struct fetcher *f)
{
	struct fetch *spare;

	if (f == NULL)
		return;
	while ((spare = f->spare) != NULL) {
		f->spare = spare->next;
		curl_easy_cleanup(spare->easy);
		free(spare);
	}
	curl_multi_cleanup(f->multi);
	curl_slist_free_all(f->headers);
	sockets_free(f->sockets);
	uv_close((uv_handle_t *)&f->timer, fetcher_closed);
}

/* libcurl is about to open a socket: only to the address that was checked, whatever it may think. */
static curl_socket_t
fetch_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	const struct fetch *fetch = arg;
	struct address address;
	int fd;

	(void)purpose;
	if (!address_from_sockaddr(&to->addr, &address) || !address_eq(&address, &fetch->address))
		return CURL_SOCKET_BAD;
	fd = socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
	if (fd == -1 || egress_bind(fetch->owner->egress, fd, to->family))
		return fd;
	close(fd);
	return CURL_SOCKET_BAD;
}

static size_t
fetch_header(char *line, size_t size, size_t count, void *arg)
{
	static const char name[] = "location:";
	struct fetch *fetch = arg;
	size_t len = size * count, from = sizeof(name) - 1, to = len;

	fetch->header_bytes += len;
	if (fetch->header_bytes > FETCH_HEADERS_MAX) {
		fetch->headers_cut = true;
		return 0;
	}
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) /* after a 1xx comes another answer */
		buf_clear(&fetch->location);
	if (len <= from || strncasecmp(line, name, from) != 0)
		return len;
	while (from < to && (line[from] == ' ' || line[from] == '\t'))
		from++;
	while (to > from && strchr(" \t\r\n", line[to - 1]) != NULL)
		to--;
	if (to - from <= URL_TEXT_MAX) {
		buf_clear(&fetch->location);
		buf_put(&fetch->location, line + from, to - from);
	}
	return len;
}

static size_t
fetch_body(char *data, size_t size, size_t count, void *arg)
{
	struct fetch *fetch = arg;
	size_t len = size * count, room = sizeof(fetch->body) - fetch->body_len;

	if (len > room) {
		len = room;
		fetch->body_cut = true;
	}
	memcpy(fetch->body + fetch->body_len, data, len);
	fetch->body_len += len;
	return fetch->body_cut ? 0 : len; /* 0 ends the transfer */
}

/* What is the same for every use of the handle. */
static bool
fetch_configure(struct fetch *fetch)
{
	CURL *e = fetch->easy;

	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 1024L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 0L) == CURLE_OK && /* one request, no need */
	       curl_easy_setopt(e, CURLOPT_USERAGENT, fetch->owner->user_agent) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTPHEADER, fetch->owner->headers) == CURLE_OK &&
	       /* A redirect to https is followed whatever its certificate: it may be the one to be renewed. */
	       curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CAINFO, NULL) == CURLE_OK && /* no file may be opened */
	       curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_ERRORBUFFER, fetch->error) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, fetch_socket) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, fetch) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, fetch_header) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERDATA, fetch) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, fetch_body) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PRIVATE, fetch) == CURLE_OK;
}

static struct fetch *
fetch_new(struct fetcher *f)
{
	struct fetch *fetch = f->spare;

	if (fetch != NULL) {
		f->spare = fetch->next;
		f->spare_count--;
		return fetch;
	}
	if ((fetch = calloc(1, sizeof(*fetch))) == NULL)
		return NULL;
	fetch->owner = f;
	if ((fetch->easy = curl_easy_init()) == NULL || !fetch_configure(fetch)) {
		curl_easy_cleanup(fetch->easy);
		free(fetch);
		return NULL;
	}
	return fetch;
}

static void
fetch_release(struct fetch *fetch)
{
	struct fetcher *f = fetch->owner;

	buf_free(&fetch->location);
	if (f->spare_count == SPARE_MAX) {
		curl_easy_cleanup(fetch->easy);
		free(fetch);
		return;
	}
	fetch->next = f->spare;
	f->spare = fetch;
	f->spare_count++;
}

struct fetch *
fetch_start(
    struct fetcher *f, const struct url *url, const struct address *address, fetch_done *done, void *arg)
{
	struct fetch *fetch = fetch_new(f);
	char text[ADDRESS_TEXT_SIZE];

	if (fetch == NULL)
		return NULL;
	fetch->address = *address;
	fetch->to.data = fetch->pin;
	fetch->tls = url->tls;
	fetch->done = done;
	fetch->arg = arg;
	fetch->header_bytes = fetch->body_len = 0;
	fetch->headers_cut = fetch->body_cut = false;
	fetch->error[0] = '\0';
	address_text(address, text);
	/* Any host, any port: this address, the same port. */
	snprintf(fetch->pin, sizeof(fetch->pin), address->family == AF_INET6 ? "::[%s]:" : "::%s:", text);
	if (curl_easy_setopt(fetch->easy, CURLOPT_URL, url->text) != CURLE_OK ||
	    curl_easy_setopt(fetch->easy, CURLOPT_CONNECT_TO, &fetch->to) != CURLE_OK ||
	    curl_multi_add_handle(f->multi, fetch->easy) != CURLM_OK) {
		fetch_release(fetch);
		return NULL;
	}
	return fetch;
}

void
fetch_cancel(struct fetch *fetch)
{
	if (fetch == NULL)
		return;
	curl_multi_remove_handle(fetch->owner->multi, fetch->easy);
	fetch_release(fetch);
}

static bool
fetch_connected(const struct fetch *fetch, CURLINFO what)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(fetch->easy, what, &us) == CURLE_OK && us > 0;
}

const char *
fetch_waits(const struct fetch *fetch)
{
	if (!fetch_connected(fetch, CURLINFO_CONNECT_TIME_T))
		return "did not accept a connection";
	if (fetch->tls && !fetch_connected(fetch, CURLINFO_APPCONNECT_TIME_T))
		return "did not finish the TLS handshake";
	return "accepted the connection and did not finish its answer";
}

/* No TCP connection. */
static void
answer_unreachable(const struct fetch *fetch, CURLcode code, struct fetch_answer *a)
{
	long os = 0;

	curl_easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &os);
	a->outcome = FETCH_UNREACHABLE;
	a->advice =
	    "check that the address in DNS is right, and that no firewall stands between the CA and it";
	if (code == CURLE_OPERATION_TIMEDOUT || os == ETIMEDOUT) {
		a->why = "did not accept a connection in time";
	} else if (os == ECONNREFUSED) {
		a->why = "refused the connection";
		a->advice =
		    "is the client's http-01 responder running, and reachable from the CA on that port?";
	} else if (os == EHOSTUNREACH || os == ENETUNREACH || os == EADDRNOTAVAIL) {
		a->why = "can't be reached from the CA: no route";
	} else {
		a->why = os == ECONNRESET ? "reset the connection" : "could not be connected to";
	}
}

static void
answer_fill(struct fetch *fetch, CURLcode code, struct fetch_answer *a)
{
	long status = 0;

	*a = (struct fetch_answer){ .outcome = FETCH_ANSWERED, .why = "", .advice = "" };
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && fetch->body_cut)) {
		curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
		a->status = (unsigned)status;
		a->location = buf_slice(&fetch->location);
		a->body = slice_of(fetch->body, fetch->body_len);
		a->body_cut = fetch->body_cut;
		return;
	}
	if (!fetch_connected(fetch, CURLINFO_CONNECT_TIME_T)) {
		answer_unreachable(fetch, code, a);
		return;
	}
	if (fetch->tls && !fetch_connected(fetch, CURLINFO_APPCONNECT_TIME_T)) {
		a->outcome = FETCH_TLS_FAILED;
		snprintf(fetch->why, sizeof(fetch->why), "failed the TLS handshake (%s)",
		    fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(code));
		a->why = fetch->why;
		a->advice = "redirect to http instead, or repair TLS on that port";
		return;
	}
	a->outcome = FETCH_BROKEN;
	a->advice = "is it an HTTP server that answers there?";
	if (fetch->headers_cut)
		a->why = "sent more than 32 KiB of headers";
	else if (code == CURLE_GOT_NOTHING)
		a->why = "closed the connection without an answer";
	else if (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE)
		a->why = "broke the connection off before its answer was complete";
	else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
		a->why = "did not answer in HTTP/1.1";
	else
		a->why = curl_easy_strerror(code);
}

static void
fetcher_collect(struct fetcher *f)
{
	struct fetch_answer answer;
	struct fetch *fetch;
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		fetch = NULL;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &fetch);
		answer_fill(fetch, msg->data.result, &answer); /* msg dies with the handle's removal */
		curl_multi_remove_handle(f->multi, fetch->easy);
		fetch->done(fetch->arg, &answer);
		fetch_release(fetch);
	}
}
