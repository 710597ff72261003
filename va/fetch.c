#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <unistd.h>

#include "va/fetch.h"
#include "va/sockets.h"

#define SPARE_MAX 256 /* idle handles kept; each holds some 10 KiB */

/* Once a second libcurl looks at all the connections beside which it begins one, and with thousands a good validation
 * waits for that. So they lie in groups of FETCH_MAX / GROUPS. */
#define GROUPS 64

struct fetcher {
	struct connector *connector;
	struct sockets *sockets;
	CURLM *multi;
	uv_timer_t timer;
	struct curl_slist *headers;
	const char *user_agent;
	TAILQ_HEAD(, fetch) connected; /* by age */
	size_t connected_count;
	CURLSH *groups[GROUPS];
	size_t made; /* handles, ever */
	struct transfer *spare;
	size_t spare_count;
};

/*  connecting --connected--> transferring --answer, failure--> over
 *      +------failure, time---------------------------------------^ */
struct fetch {
	struct fetcher *owner;
	const struct url *url;
	struct address address;
	struct connecting *connecting; /* NULL: it is connected */
	struct transfer *transfer; /* NULL: not yet; it is large */
	TAILQ_ENTRY(fetch) next; /* with a transfer */
	fetch_done *done;
	void *arg;
};

/* libcurl's part, for one fetch after the other. */
struct transfer {
	struct transfer *next; /* while spare */
	CURL *easy;
	struct address address;
	int fd; /* until libcurl has it; -1 */
	struct curl_slist to; /* the pin, borrowed by libcurl */
	char pin[ADDRESS_TEXT_SIZE + 8];
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

static bool
fetcher_group(struct fetcher *f)
{
	for (size_t i = 0; i < GROUPS; i++)
		if ((f->groups[i] = curl_share_init()) == NULL ||
		    curl_share_setopt(f->groups[i], CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
			return false;
	return true;
}

static void
fetcher_ungroup(struct fetcher *f)
{
	for (size_t i = 0; i < GROUPS; i++)
		if (curl_share_cleanup(f->groups[i]) == CURLSHE_IN_USE)
			abort(); /* a fetch that was neither cancelled nor over */
}

struct fetcher *
fetcher_new(uv_loop_t *loop, struct connector *connector, const char *user_agent)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	struct curl_slist *list;

	if (f == NULL)
		return NULL;
	if ((f->headers = curl_slist_append(NULL, "Accept: */*")) == NULL ||
	    (list = curl_slist_append(f->headers, "Connection: close")) == NULL ||
	    (f->multi = curl_multi_init()) == NULL || !fetcher_group(f) ||
	    (f->sockets = sockets_new(loop, fetcher_ready, f)) == NULL) {
		curl_multi_cleanup(f->multi);
		fetcher_ungroup(f);
		curl_slist_free_all(f->headers);
		free(f);
		return NULL;
	}
	f->headers = list;
	f->connector = connector;
	TAILQ_INIT(&f->connected);
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
	struct transfer *spare;

	if (f == NULL)
		return;
	while ((spare = f->spare) != NULL) {
		f->spare = spare->next;
		curl_easy_cleanup(spare->easy);
		free(spare);
	}
	curl_multi_cleanup(f->multi);
	fetcher_ungroup(f);
	curl_slist_free_all(f->headers);
	sockets_free(f->sockets);
	uv_close((uv_handle_t *)&f->timer, fetcher_closed);
}

/* libcurl wants a socket: the one that is there, and for the address that was checked, whatever it may think. */
static curl_socket_t
transfer_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *t = arg;
	struct address address;
	int fd = t->fd;

	(void)purpose;
	if (!address_from_sockaddr(&to->addr, &address) || !address_eq(&address, &t->address))
		return CURL_SOCKET_BAD;
	t->fd = -1;
	return fd; /* -1 is CURL_SOCKET_BAD: there is no second one */
}

static int
transfer_connected(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static size_t
transfer_header(char *line, size_t size, size_t count, void *arg)
{
	static const char name[] = "location:";
	struct transfer *t = arg;
	size_t len = size * count, from = sizeof(name) - 1, to = len;

	t->header_bytes += len;
	if (t->header_bytes > FETCH_HEADERS_MAX) {
		t->headers_cut = true;
		return 0;
	}
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) /* after a 1xx comes another answer */
		buf_clear(&t->location);
	if (len <= from || strncasecmp(line, name, from) != 0)
		return len;
	while (from < to && (line[from] == ' ' || line[from] == '\t'))
		from++;
	while (to > from && strchr(" \t\r\n", line[to - 1]) != NULL)
		to--;
	if (to - from <= URL_TEXT_MAX) {
		buf_clear(&t->location);
		buf_put(&t->location, line + from, to - from);
	}
	return len;
}

static size_t
transfer_body(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * count, room = sizeof(t->body) - t->body_len;

	if (len > room) {
		len = room;
		t->body_cut = true;
	}
	memcpy(t->body + t->body_len, data, len);
	t->body_len += len;
	return t->body_cut ? 0 : len; /* 0 ends the transfer */
}

/* What is the same for every use of the handle. */
static bool
transfer_configure(struct transfer *t, struct fetcher *f)
{
	CURL *e = t->easy;

	return curl_easy_setopt(e, CURLOPT_SHARE, f->groups[f->made++ % GROUPS]) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 1024L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 0L) == CURLE_OK && /* one request, no need */
	       curl_easy_setopt(e, CURLOPT_USERAGENT, f->user_agent) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->headers) == CURLE_OK &&
	       /* A redirect to https is followed whatever its certificate: it may be the one to be renewed. */
	       curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CAINFO, NULL) == CURLE_OK && /* no file may be opened */
	       curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, transfer_socket) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, transfer_header) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, transfer_body) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEDATA, t) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, transfer_connected) == CURLE_OK;
}

static struct transfer *
transfer_new(struct fetcher *f)
{
	struct transfer *t = f->spare;

	if (t != NULL) {
		f->spare = t->next;
		f->spare_count--;
		return t;
	}
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	if ((t->easy = curl_easy_init()) == NULL || !transfer_configure(t, f)) {
		curl_easy_cleanup(t->easy);
		free(t);
		return NULL;
	}
	return t;
}

static void
transfer_release(struct fetcher *f, struct transfer *t)
{
	if (t->fd >= 0)
		close(t->fd);
	buf_free(&t->location);
	if (f->spare_count == SPARE_MAX) {
		curl_easy_cleanup(t->easy);
		free(t);
		return;
	}
	t->next = f->spare;
	f->spare = t;
	f->spare_count++;
}

/* Takes the connection over, also when it fails. */
static bool
transfer_begin(struct transfer *t, struct fetch *fetch, int fd)
{
	char text[ADDRESS_TEXT_SIZE];

	t->address = fetch->address;
	t->fd = fd;
	t->to.data = t->pin;
	t->header_bytes = t->body_len = 0;
	t->headers_cut = t->body_cut = false;
	t->error[0] = '\0';
	address_text(&fetch->address, text);
	/* Any host, any port: this address, the same port. */
	snprintf(t->pin, sizeof(t->pin), fetch->address.family == AF_INET6 ? "::[%s]:" : "::%s:", text);
	return curl_easy_setopt(t->easy, CURLOPT_PRIVATE, fetch) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_URL, fetch->url->text) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, &t->to) == CURLE_OK &&
	       curl_multi_add_handle(fetch->owner->multi, t->easy) == CURLM_OK;
}

static void
fetch_free(struct fetch *fetch)
{
	connect_cancel(fetch->connecting);
	if (fetch->transfer != NULL) {
		TAILQ_REMOVE(&fetch->owner->connected, fetch, next);
		fetch->owner->connected_count--;
		transfer_release(fetch->owner, fetch->transfer);
	}
	free(fetch);
}

static void
fetch_fail(struct fetch *fetch, enum fetch_outcome outcome, const char *why, const char *advice)
{
	struct fetch_answer answer = { .outcome = outcome, .why = why, .advice = advice };

	fetch->done(fetch->arg, &answer);
	fetch_free(fetch);
}

/* Whoever doesn't get to its end is not to fill the memory. */
static void
fetcher_make_room(struct fetcher *f)
{
	struct fetch *fetch = TAILQ_FIRST(&f->connected);

	if (f->connected_count <= FETCH_MAX)
		return;
	curl_multi_remove_handle(f->multi, fetch->transfer->easy);
	fetch_fail(fetch, FETCH_BROKEN,
	    "accepted the connection, and had not finished its answer when the CA had thousands of others to ask",
	    "is it an HTTP server that answers there, and is it quick enough?");
}

static void
fetch_connected(void *arg, const struct connect_answer *answer)
{
	struct fetch *fetch = arg;
	struct fetcher *f = fetch->owner;

	fetch->connecting = NULL;
	if (answer->outcome != CONNECT_DONE) {
		fetch_fail(fetch, answer->outcome == CONNECT_UNREACHABLE ? FETCH_UNREACHABLE : FETCH_NO_WAY, answer->why,
		    answer->advice);
		return;
	}
	if ((fetch->transfer = transfer_new(f)) == NULL) {
		close(answer->fd);
	} else {
		TAILQ_INSERT_TAIL(&f->connected, fetch, next);
		f->connected_count++;
		if (transfer_begin(fetch->transfer, fetch, answer->fd)) {
			fetcher_make_room(f);
			return;
		}
	}
	fetch_fail(fetch, FETCH_NO_WAY, "was not asked: the CA is out of memory", "try again later");
}

struct fetch *
fetch_start(
    struct fetcher *f, const struct url *url, const struct address *address, fetch_done *done, void *arg)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (fetch == NULL)
		return NULL;
	*fetch = (struct fetch){ .owner = f, .url = url, .address = *address, .done = done, .arg = arg };
	if ((fetch->connecting = connect_start(f->connector, address, url->port, "http-01", fetch_connected, fetch)) != NULL)
		return fetch;
	free(fetch);
	return NULL;
}

void
fetch_cancel(struct fetch *fetch)
{
	if (fetch == NULL)
		return;
	if (fetch->transfer != NULL)
		curl_multi_remove_handle(fetch->owner->multi, fetch->transfer->easy);
	fetch_free(fetch);
}

static bool
fetch_shaken(const struct fetch *fetch)
{
	curl_off_t us = 0;

	return !fetch->url->tls ||
	    (curl_easy_getinfo(fetch->transfer->easy, CURLINFO_APPCONNECT_TIME_T, &us) == CURLE_OK && us > 0);
}

const char *
fetch_waits(const struct fetch *fetch)
{
	if (fetch->connecting != NULL)
		return connect_waits(fetch->connecting);
	if (!fetch_shaken(fetch))
		return "did not finish the TLS handshake";
	return "accepted the connection and did not finish its answer";
}

static void
answer_fill(const struct fetch *fetch, CURLcode code, struct fetch_answer *a)
{
	struct transfer *t = fetch->transfer;
	long status = 0;

	*a = (struct fetch_answer){ .outcome = FETCH_ANSWERED, .why = "", .advice = "" };
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && t->body_cut)) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		a->status = (unsigned)status;
		a->location = buf_slice(&t->location);
		a->body = slice_of(t->body, t->body_len);
		a->body_cut = t->body_cut;
		return;
	}
	if (!fetch_shaken(fetch)) {
		a->outcome = FETCH_TLS_FAILED;
		snprintf(t->why, sizeof(t->why), "failed the TLS handshake (%s)",
		    t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
		a->why = t->why;
		a->advice = "redirect to http instead, or repair TLS on that port";
		return;
	}
	a->outcome = FETCH_BROKEN;
	a->advice = "is it an HTTP server that answers there?";
	if (t->headers_cut)
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
		curl_multi_remove_handle(f->multi, fetch->transfer->easy);
		fetch->done(fetch->arg, &answer);
		fetch_free(fetch);
	}
}
