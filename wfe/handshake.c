#include "wfe/handshake.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

#define AHEAD_MAX 2048	/* most signed requests; newAccount and finalize, the largest, are 1 to 2 KiB */
#define RECORD_HEADER 5	/* type, version, length (RFC 8446, 5.1) */
#define RECORD_HANDSHAKE 22

struct watcher {
	int		 epoll;
	struct turns	*turns;
};

/*  (its first record) --not its turn--> suspended --called--> resumed: reading
 *  reading --nothing there--> suspended and watched --readable--> resumed: reading
 *     +--both Finished messages seen--> done: the library's own loop waits for records */
struct handshake {
	struct watcher		*watcher;
	struct MHD_Connection	*connection;
	const char		*remote;
	int			 fd;
	struct turn		 turn;
	bool			 begun;		/* it asked for its turn */
	bool			 sent, received;	/* Finished, from us and from the client */
	bool			 known;			/* to the watcher's epoll */
	/* GnuTLS asks for a record's five bytes of header first: read with what follows, it is one call. */
	size_t			 next, end;		/* of what is in ahead */
	uint8_t			 ahead[AHEAD_MAX];
};

struct watcher *
watcher_new(struct turns *turns)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (w != NULL && (w->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) {
		free(w);
		w = NULL;
	}
	if (w != NULL)
		w->turns = turns;
	return w;
}

_Noreturn void *
watcher_run(void *arg)
{
	struct watcher *w = arg;

	for (;;) {
		struct epoll_event	events[64];
		int			n = epoll_wait(w->epoll, events, 64, -1);

		if (n < 0 && errno != EINTR) {
			log_event(LOG_ERROR, "waiting for handshakes failed", F_INT("errno", errno));
			abort();
		}
		/* One event for each suspension, so the handshake is there: only resuming lets it end. */
		for (int i = 0; i < n; i++)
			MHD_resume_connection(((struct handshake *)events[i].data.ptr)->connection);
	}
}

static void
wait_readable(struct handshake *h)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = h };

	MHD_suspend_connection(h->connection);
	if (epoll_ctl(h->watcher->epoll, h->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, h->fd, &event) == 0)
		h->known = true;
	else
		MHD_resume_connection(h->connection);
}

static void
go_on(struct turn *turn)
{
	MHD_resume_connection(((struct handshake *)((char *)turn - offsetof(struct handshake, turn)))->connection);
}

/* False: it is suspended. What was read stays in ahead. */
static bool
may_begin(struct handshake *h)
{
	if (h->begun)
		return true;
	h->begun = true;
	if (turns_take(h->watcher->turns, &h->turn, h->remote, clock_monotonic_us()))
		return true;
	MHD_suspend_connection(h->connection);
	turns_wait(h->watcher->turns, &h->turn, go_on);
	return false;
}

/* Whether ahead holds the first record to its end. What can't be a ClientHello, or is too long for that, is GnuTLS's to
 * judge. */
static bool
is_whole(const struct handshake *h)
{
	size_t size = RECORD_HEADER;

	if (h->end > 0 && h->ahead[0] != RECORD_HANDSHAKE)
		return true;
	if (h->end >= RECORD_HEADER)
		size += (size_t)h->ahead[3] << 8 | h->ahead[4];
	return h->end >= size || size > sizeof(h->ahead);
}

/* Reads until the first record is there: for half of one GnuTLS would keep 16 KiB, and a place would be taken. Above 0: it
 * is; else as recv(). */
static ssize_t
gather(struct handshake *h)
{
	ssize_t n = 1;

	while (!is_whole(h) && (n = recv(h->fd, h->ahead + h->end, sizeof(h->ahead) - h->end, 0)) > 0)
		h->end += (size_t)n;
	return n;
}

/* EAGAIN means that the socket holds no byte, and ahead none but the first of a first record: libmicrohttpd, whose epoll is
 * edge-triggered, waits for the socket only after it. But for what waits for its turn: that is suspended. */
static ssize_t
receive(struct handshake *h, void *data, size_t size)
{
	ssize_t n;

	if (!h->begun && (n = gather(h)) <= 0)
		return n;
	if (h->next == h->end) {
		if (size >= sizeof(h->ahead))
			return recv(h->fd, data, size, 0);
		if ((n = recv(h->fd, h->ahead, sizeof(h->ahead), 0)) <= 0)
			return n;
		h->next = 0;
		h->end = (size_t)n;
	}
	if (!may_begin(h)) {
		errno = EAGAIN;
		return -1;
	}
	if (size > h->end - h->next)
		size = h->end - h->next;
	memcpy(data, h->ahead + h->next, size);
	h->next += size;
	return (ssize_t)size;
}

/* GnuTLS reads through this, on the thread that owns the connection. */
static ssize_t
pull(gnutls_transport_ptr_t arg, void *data, size_t size)
{
	struct handshake	*h = arg;
	ssize_t			 n = receive(h, data, size);

	if (n < 0 && errno == EAGAIN && (!h->begun || h->next == h->end) && !(h->sent && h->received)) {
		wait_readable(h);
		errno = EAGAIN;
	}
	return n;
}

static int
pull_timeout(gnutls_transport_ptr_t arg, unsigned int ms)
{
	struct handshake	*h = arg;
	struct pollfd		 p = { .fd = h->fd, .events = POLLIN };

	if (h->begun && h->next < h->end)
		return 1;
	return poll(&p, 1, ms == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)ms);
}

static int
on_finished(gnutls_session_t session, unsigned int type, unsigned when, unsigned int incoming,
    const gnutls_datum_t *message)
{
	struct handshake *h = gnutls_transport_get_ptr(session);

	(void)type;
	(void)when;
	(void)message;
	if (incoming)
		h->received = true;
	else
		h->sent = true;
	if (h->sent && h->received)
		turns_over(h->watcher->turns, &h->turn, TURNS_HANDSHAKE, clock_monotonic_us());
	return 0;
}

struct handshake *
handshake_new(struct watcher *w, struct MHD_Connection *connection, int fd, gnutls_session_t session,
    struct connection *peer, const char *remote)
{
	struct handshake	*h = calloc(1, sizeof(*h));
	gnutls_transport_ptr_t	 receive, send;

	if (h == NULL)
		return NULL;
	h->watcher = w;
	h->connection = connection;
	h->fd = fd;
	h->turn.peer = peer;
	h->remote = remote;
	gnutls_transport_get_ptr2(session, &receive, &send);
	gnutls_transport_set_ptr2(session, h, send);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_pull_timeout_function(session, pull_timeout);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
	return h;
}

void
handshake_free(struct handshake *h)
{
	if (h != NULL && h->turn.asker != NULL)
		turns_over(h->watcher->turns, &h->turn, TURNS_HANDSHAKE, clock_monotonic_us());
	free(h);
}
