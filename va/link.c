#include "va/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "va/frame.h"

#define SHAKE_MS 10000 /* as long as Boulder waits for any connection */
#define READ_SIZE 16384 /* a TLS record */
#define READ_ROUNDS 16 /* then other events get their turn */
#define IDLE_S 15 /* a peer that vanished is missed after three probes, 5 s apart, or after as long unacknowledged */

struct link {
	const struct link_events *events;
	void *arg;
	SSL *ssl;
	int fd;
	bool up, dead;
	uv_poll_t poll;
	uv_timer_t timer; /* for the handshake */
	int closing; /* handles that libuv has not let go of */
	struct buf out; /* what waits to be sent, from sent on */
	size_t sent;
	struct buf in; /* the beginning of a frame */
	char why[256];
};

static void link_ready(uv_poll_t *, int status, int events);

static void
link_closed(uv_handle_t *handle)
{
	struct link *l = handle->data;

	if (--l->closing > 0)
		return;
	buf_free(&l->out);
	buf_free(&l->in);
	free(l);
}

void
link_close(struct link *l)
{
	if (l == NULL || l->dead)
		return;
	l->dead = true;
	SSL_free(l->ssl);
	l->closing = 2;
	uv_close((uv_handle_t *)&l->poll, link_closed);
	uv_close((uv_handle_t *)&l->timer, link_closed);
	close(l->fd);
}

static void
link_lost(struct link *l, const char *why)
{
	void (*down)(void *, const char *) = l->events->down;
	void *arg = l->arg;
	char text[sizeof(l->why)];

	snprintf(text, sizeof(text), "%s", why);
	link_close(l);
	down(arg, text);
}

/* Why OpenSSL does not go on, in l->why. */
static const char *
link_explain(struct link *l, int error)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(code);
	const char *doing = l->up ? "" : "in the TLS handshake ";

	if (SSL_get_verify_result(l->ssl) == X509_V_ERR_CERT_REJECTED)
		return "the peer shows another key than the configuration names: is it the right machine, and were keys "
		       "made anew?";
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE)
		return "the peer does not know our key: were keys made anew on one side only?";
	if (error == SSL_ERROR_ZERO_RETURN ||
	    (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING))
		return l->up ? "the peer closed the connection" : "the peer closed the connection in the TLS handshake";
	if (error == SSL_ERROR_SYSCALL || code == 0)
		snprintf(l->why, sizeof(l->why), "%sthe connection broke: %s", doing, errno != 0 ? strerror(errno) : "it ended");
	else
		snprintf(l->why, sizeof(l->why), "%sTLS failed: %s", doing, text != NULL ? text : "no cause given");
	return l->why;
}

static void
link_watch(struct link *l, bool writable)
{
	if (uv_poll_start(&l->poll, writable ? UV_READABLE | UV_WRITABLE : UV_READABLE, link_ready) != 0)
		abort();
}

/* What comes of a call of OpenSSL that did not do it all. False: the link is gone. */
static bool
link_wait(struct link *l, int result, bool *writable)
{
	int error = SSL_get_error(l->ssl, result);

	if (error == SSL_ERROR_WANT_WRITE)
		*writable = true;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return true;
	link_lost(l, link_explain(l, error));
	return false;
}

static bool
link_write(struct link *l, bool *writable)
{
	while (l->sent < l->out.len) {
		size_t rest = l->out.len - l->sent;
		int done;

		ERR_clear_error();
		errno = 0;
		done = SSL_write(l->ssl, l->out.data + l->sent, (int)(rest < READ_SIZE ? rest : READ_SIZE));
		if (done <= 0)
			return link_wait(l, done, writable);
		l->sent += (size_t)done;
	}
	buf_clear(&l->out);
	l->sent = 0;
	return true;
}

/* Hands out the whole frames among the bytes. False: the link is gone. */
static bool
link_frames(struct link *l)
{
	size_t at = 0;

	while (l->in.len - at >= FRAME_HEAD) {
		const uint8_t *head = l->in.data + at;
		size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

		if (len == 0 || len > FRAME_MAX) {
			link_lost(l, "the peer sent a frame of a length that none has");
			return false;
		}
		if (l->in.len - at - FRAME_HEAD < len)
			break;
		if (!l->events->frame(l->arg, slice_of(head + FRAME_HEAD, len))) {
			link_lost(l, "the peer sent a malformed frame");
			return false;
		}
		at += FRAME_HEAD + len;
	}
	if (at > 0) {
		memmove(l->in.data, l->in.data + at, l->in.len - at);
		l->in.len -= at;
	}
	return true;
}

static bool
link_read(struct link *l, bool *writable)
{
	uint8_t data[READ_SIZE];
	int got;

	for (int i = 0; i < READ_ROUNDS; i++) {
		ERR_clear_error();
		errno = 0;
		if ((got = SSL_read(l->ssl, data, sizeof(data))) <= 0)
			return link_wait(l, got, writable);
		buf_put(&l->in, data, (size_t)got);
		if (l->in.failed) {
			link_lost(l, "out of memory");
			return false;
		}
		if (!link_frames(l))
			return false;
	}
	return true;
}

static bool
link_shake(struct link *l, bool *writable)
{
	const unsigned char *chosen;
	unsigned len;
	int done;

	if (l->up)
		return true;
	ERR_clear_error();
	errno = 0;
	if ((done = SSL_do_handshake(l->ssl)) != 1)
		return link_wait(l, done, writable);
	SSL_get0_alpn_selected(l->ssl, &chosen, &len);
	if (len == 0) {
		link_lost(l, "the peer speaks another protocol than signet's");
		return false;
	}
	l->up = true;
	uv_timer_stop(&l->timer);
	l->events->up(l->arg);
	return true;
}

static void
link_ready(uv_poll_t *poll, int status, int events)
{
	struct link *l = poll->data;
	bool writable = false;

	(void)status; /* an error shows in the calls that follow */
	(void)events;
	if (!link_shake(l, &writable))
		return;
	if (l->up && (!link_write(l, &writable) || !link_read(l, &writable)))
		return;
	/* What frame() sent meanwhile goes out in the next turn; so does what is left to read, which epoll tells of
	 * unless OpenSSL holds it. */
	link_watch(l, writable || l->sent < l->out.len || SSL_pending(l->ssl) > 0);
}

static void
link_late(uv_timer_t *timer)
{
	link_lost(timer->data, "did not finish the TLS handshake in time: is it reachable, and is it signet?");
}

/* A peer that is cut off is missed within half a minute, whether or not something is being sent. */
static void
link_options(int fd)
{
	int on = 1, idle = IDLE_S, interval = 5, probes = 3;
	unsigned unacknowledged = IDLE_S * 1000;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof(unacknowledged));
}

struct link *
link_new(uv_loop_t *loop, SSL_CTX *context, bool server, int fd, const struct link_events *events, void *arg)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL || (l->ssl = SSL_new(context)) == NULL || SSL_set_fd(l->ssl, fd) != 1 ||
	    uv_poll_init(loop, &l->poll, fd) != 0) {
		if (l != NULL)
			SSL_free(l->ssl);
		free(l);
		close(fd);
		return NULL;
	}
	l->events = events;
	l->arg = arg;
	l->fd = fd;
	link_options(fd);
	if (server)
		SSL_set_accept_state(l->ssl);
	else
		SSL_set_connect_state(l->ssl);
	uv_timer_init(loop, &l->timer);
	l->poll.data = l->timer.data = l;
	uv_timer_start(&l->timer, link_late, SHAKE_MS, 0);
	link_watch(l, !server); /* a client begins when the socket is connected */
	return l;
}

bool
link_send(struct link *l, struct slice frames)
{
	if (l->out.len - l->sent + frames.len > LINK_QUEUE_MAX)
		return false;
	if (l->sent > l->out.len / 2) { /* what was sent makes room */
		memmove(l->out.data, l->out.data + l->sent, l->out.len - l->sent);
		l->out.len -= l->sent;
		l->sent = 0;
	}
	buf_put(&l->out, frames.data, frames.len);
	if (l->out.failed)
		abort(); /* some KiB; a frame that is lost would never be answered */
	if (l->up)
		link_watch(l, true);
	return true;
}
