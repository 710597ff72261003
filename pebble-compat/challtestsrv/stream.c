#include "pebble-compat/challtestsrv/stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 16384		/* a TLS record is at most a little more */
#define BACKLOG 1024

struct listener {
	uv_tcp_t			 tcp;		/* data is the listener */
	const struct stream_service	*service;
	void				*arg;
	size_t				 open;
};

struct stream {
	uv_tcp_t	 tcp;		/* data is the stream, for all three */
	uv_timer_t	 timer;
	struct listener	*listener;
	struct buf	 pending;
	void		*own;
	unsigned	 handles;	/* not yet closed */
	unsigned	 holds;
	size_t		 writes;
	bool		 closing, ending;	/* ending: closes when nothing is left to write */
};

struct write {
	uv_write_t	 request;	/* data is this */
	struct stream	*stream;
	struct buf	 bytes;
};

static void
stream_free_if_done(struct stream *s)
{
	if (s->handles > 0 || s->holds > 0)
		return;
	buf_free(&s->pending);
	free(s);
}

static void
on_closed(uv_handle_t *handle)
{
	struct stream *s = handle->data;

	s->handles--;
	stream_free_if_done(s);
}

static void
stream_close(struct stream *s)
{
	if (s->closing)
		return;
	s->closing = true;
	s->listener->open--;
	if (s->listener->service->on_close != NULL)
		s->listener->service->on_close(s);
	uv_close((uv_handle_t *)&s->timer, on_closed);
	uv_close((uv_handle_t *)&s->tcp, on_closed);
}

static void
on_idle(uv_timer_t *timer)
{
	stream_close(timer->data);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	static char room[READ_SIZE];	/* read and used up within one turn of the loop */

	(void)handle;
	(void)suggested;
	*out = uv_buf_init(room, sizeof(room));
}

/* Keeps what the service didn't take. */
static void
pending_cut(struct stream *s, size_t taken)
{
	s->pending.len -= taken;
	if (taken > 0 && s->pending.len > 0)
		memmove(s->pending.data, s->pending.data + taken, s->pending.len);
}

static void
on_read(uv_stream_t *handle, ssize_t len, const uv_buf_t *bytes)
{
	struct stream			*s = handle->data;
	const struct stream_service	*service = s->listener->service;
	ssize_t				 taken;

	if (len < 0) {
		stream_close(s);
		return;
	}
	if (len == 0 || s->ending)
		return;
	buf_put(&s->pending, bytes->base, (size_t)len);
	if (s->pending.failed) {
		stream_close(s);
		return;
	}
	(void)uv_timer_again(&s->timer);
	taken = service->on_bytes(s, s->listener->arg, buf_slice(&s->pending));
	if (taken >= 0)
		pending_cut(s, (size_t)taken);
	if (taken < 0 || s->pending.len > service->pending_max)
		s->ending = true;
	if (s->ending && s->writes == 0)
		stream_close(s);
}

static void
on_written(uv_write_t *request, int status)
{
	struct write	*w = request->data;
	struct stream	*s = w->stream;

	buf_free(&w->bytes);
	free(w);
	s->writes--;
	if (status != 0 || (s->ending && s->writes == 0))
		stream_close(s);
}

void
stream_write(struct stream *s, struct buf *bytes)
{
	struct write	*w = s->closing || bytes->failed ? NULL : calloc(1, sizeof(*w));
	uv_buf_t	 out;

	if (w == NULL) {
		buf_free(bytes);
		return;
	}
	w->bytes = *bytes;
	*bytes = (struct buf){ 0 };
	w->stream = s;
	w->request.data = w;
	out = uv_buf_init((char *)w->bytes.data, (unsigned)w->bytes.len);
	if (uv_write(&w->request, (uv_stream_t *)&s->tcp, &out, 1, on_written) == 0) {
		s->writes++;
		return;
	}
	buf_free(&w->bytes);
	free(w);
	s->ending = true;
}

void
stream_hold(struct stream *s)
{
	s->holds++;
}

void
stream_release(struct stream *s)
{
	s->holds--;
	stream_free_if_done(s);
}

uv_loop_t *
stream_loop(const struct stream *s)
{
	return s->tcp.loop;
}

void
stream_set(struct stream *s, void *own)
{
	s->own = own;
}

void *
stream_get(const struct stream *s)
{
	return s->own;
}

static void
on_connection(uv_stream_t *handle, int status)
{
	struct listener	*listener = handle->data;
	struct stream	*s;

	if (status != 0 || (s = calloc(1, sizeof(*s))) == NULL)
		return;
	s->listener = listener;
	s->tcp.data = s->timer.data = s;
	(void)uv_timer_init(handle->loop, &s->timer);
	(void)uv_tcp_init(handle->loop, &s->tcp);
	s->handles = 2;
	listener->open++;
	if (uv_accept(handle, (uv_stream_t *)&s->tcp) != 0 || listener->open > STREAM_CONNECTIONS_MAX ||
	    uv_timer_start(&s->timer, on_idle, listener->service->idle_ms, listener->service->idle_ms) != 0 ||
	    uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read) != 0)
		stream_close(s);
}

enum err
stream_serve(uv_loop_t *loop, const struct stream_service *service, void *arg, int fd)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (listener == NULL || uv_tcp_init(loop, &listener->tcp) != 0) {
		close(fd);
		free(listener);
		return ERR_MEMORY;
	}
	listener->tcp.data = listener;
	listener->service = service;
	listener->arg = arg;
	if (uv_tcp_open(&listener->tcp, fd) != 0 ||
	    uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection) != 0)
		return ERR_IO;
	return ERR_OK;
}
