#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "va/sockets.h"

#define BATCH 64 /* sockets before other events get their turn */

struct sockets {
	uv_poll_t poll;
	int epoll;
	sockets_ready *ready;
	void *arg;
};

static void
sockets_dispatch(uv_poll_t *poll, int status, int ignored)
{
	struct sockets *s = poll->data;
	struct epoll_event events[BATCH];
	int i, n = epoll_wait(s->epoll, events, BATCH, 0);

	(void)status;
	(void)ignored;
	for (i = 0; i < n; i++) {
		bool broken = (events[i].events & (EPOLLERR | EPOLLHUP)) != 0;

		s->ready(s->arg, events[i].data.fd, broken || (events[i].events & EPOLLIN) != 0,
		    broken || (events[i].events & EPOLLOUT) != 0);
	}
}

struct sockets *
sockets_new(uv_loop_t *loop, sockets_ready *ready, void *arg)
{
	struct sockets *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ready = ready;
	s->arg = arg;
	if ((s->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		goto out;
	if (uv_poll_init(loop, &s->poll, s->epoll) != 0) {
		close(s->epoll);
		goto out;
	}
	s->poll.data = s;
	if (uv_poll_start(&s->poll, UV_READABLE, sockets_dispatch) != 0)
		abort(); /* it takes no memory and no descriptor */
	return s;
out:
	free(s);
	return NULL;
}

bool
sockets_watch(struct sockets *s, int fd, bool readable, bool writable)
{
	struct epoll_event event = { .events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0),
		.data.fd = fd };

	if (!readable && !writable)
		return epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL) == 0;
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ||
	       (errno == EEXIST && epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &event) == 0);
}

static void
sockets_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
sockets_free(struct sockets *s)
{
	if (s == NULL)
		return;
	uv_close((uv_handle_t *)&s->poll, sockets_closed);
	close(s->epoll); /* libuv let go of it already */
}
