#include "wfe/connections.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/map.h"

/* The plain listeners have a quarter of the limit to themselves, so five eighths are most of what ACME can have. */
#define CROWDED_EIGHTHS 5
#define SHARES 16

struct connection {
	struct connection	*next, *prev;
	int			 fd;
	enum connection_phase	 phase;
	bool			 shut;		/* said goodbye already */
	int64_t			 deadline;	/* monotonic ms; 0: none */
	struct handshake	*handshake;
	char			 remote[REMOTE_MAX + 1];
};

struct connections {
	pthread_mutex_t		 mutex;
	struct connection	*first;
	size_t			 count;
	size_t			 busy;
	int64_t			 idle_ms, request_ms;
	size_t			 limit;
};

struct connections *
connections_new(int64_t idle_time, int64_t request_time, size_t limit)
{
	struct connections *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	pthread_mutex_init(&all->mutex, NULL);
	all->idle_ms = idle_time * 1000;
	all->request_ms = request_time * 1000;
	all->limit = limit;
	return all;
}

void
connections_free(struct connections *all)
{
	if (all == NULL)
		return;
	if (all->first != NULL)
		abort();
	pthread_mutex_destroy(&all->mutex);
	free(all);
}

int64_t
phase_deadline(enum connection_phase phase, int64_t idle_ms, int64_t request_ms, int64_t now_ms)
{
	switch (phase) {
	case PHASE_IDLE:
		return now_ms + idle_ms + request_ms;
	case PHASE_READING:
	case PHASE_WRITING:
		return now_ms + request_ms;
	case PHASE_WORKING:
		break;
	}
	return 0;
}

struct connection *
connection_opened(struct connections *all, int fd, const char *remote, int64_t now_ms)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = fd;
	c->phase = PHASE_IDLE;
	c->deadline = phase_deadline(PHASE_IDLE, all->idle_ms, all->request_ms, now_ms);
	snprintf(c->remote, sizeof(c->remote), "%s", remote);
	pthread_mutex_lock(&all->mutex);
	c->next = all->first;
	if (c->next != NULL)
		c->next->prev = c;
	all->first = c;
	all->count++;
	pthread_mutex_unlock(&all->mutex);
	return c;
}

void
connection_closed(struct connections *all, struct connection *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&all->mutex);
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		all->first = c->next;
	all->count--;
	if (c->phase != PHASE_IDLE)
		all->busy--;
	pthread_mutex_unlock(&all->mutex);
	free(c);
}

void
connection_phase(struct connections *all, struct connection *c, enum connection_phase phase, int64_t now_ms)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&all->mutex);
	if (c->phase != PHASE_IDLE)
		all->busy--;
	if (phase != PHASE_IDLE)
		all->busy++;
	c->phase = phase;
	c->deadline = phase_deadline(phase, all->idle_ms, all->request_ms, now_ms);
	pthread_mutex_unlock(&all->mutex);
}

struct handshake **
connection_handshake(struct connection *c)
{
	return &c->handshake;
}

const char *
connection_remote(const struct connection *c)
{
	return c != NULL ? c->remote : "";
}

/* The event loop that owns the socket sees the end of file and closes it. */
static void
hang_up(struct connection *c)
{
	if (!c->shut)
		(void)shutdown(c->fd, SHUT_RDWR);
	c->shut = true;
}

/* One more of that address; gives how many that makes. 0: out of memory. */
static size_t
count_one(struct map *counts, const char *remote)
{
	uintptr_t count = (uintptr_t)map_get(counts, remote, strlen(remote)) + 1;

	/* The number itself is the value: it is never 0. */
	return map_put(counts, remote, strlen(remote), (void *)count) == ERR_OK ? count : 0;
}

/* The newest of an address come first in the list, and keep their places. The lock is held. */
static size_t
make_room(struct connections *all)
{
	size_t		 share = all->limit / SHARES > 0 ? all->limit / SHARES : 1, n = 0;
	struct map	*counts;

	if (all->count < all->limit / 8 * CROWDED_EIGHTHS || (counts = map_new()) == NULL)
		return 0;
	for (struct connection *c = all->first; c != NULL; c = c->next) {
		if (count_one(counts, c->remote) <= share || c->phase != PHASE_IDLE || c->shut)
			continue;
		hang_up(c);
		n++;
	}
	map_free(counts);
	return n;
}

size_t
connections_sweep(struct connections *all, int64_t now_ms)
{
	size_t n = 0;

	pthread_mutex_lock(&all->mutex);
	for (struct connection *c = all->first; c != NULL; c = c->next) {
		if (c->deadline == 0 || c->deadline > now_ms || c->shut)
			continue;
		hang_up(c);
		n++;
	}
	n += make_room(all);
	pthread_mutex_unlock(&all->mutex);
	return n;
}

void
connections_close_idle(struct connections *all)
{
	pthread_mutex_lock(&all->mutex);
	for (struct connection *c = all->first; c != NULL; c = c->next) {
		if (c->phase == PHASE_IDLE)
			hang_up(c);
	}
	pthread_mutex_unlock(&all->mutex);
}

size_t
connections_count(struct connections *all)
{
	size_t count;

	pthread_mutex_lock(&all->mutex);
	count = all->count;
	pthread_mutex_unlock(&all->mutex);
	return count;
}

size_t
connections_busy(struct connections *all)
{
	size_t busy;

	pthread_mutex_lock(&all->mutex);
	busy = all->busy;
	pthread_mutex_unlock(&all->mutex);
	return busy;
}
