#include "wfe/connections.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/map.h"
#include "proc/proc.h"

/* Sixteenths of the limit: from where on there is a crowd, hardly room, none. */
#define CROWDED 12
#define NARROW 14
#define FULL 15
#define SHARES 16
/* A handshake and a request take five times the way there and back: by satellite 3 s, else a fraction of one. Where it
 * is full, the oldest has been waited for while a good part of the limit came after it. */
#define PATIENCE_MS 3000
#define PATIENCE_NARROW_MS 250
#define MANY 256		/* connections at once */

struct crowd {
	size_t	limit, count;
	size_t	shut;		/* of these */
};

struct connection {
	struct connection	*next, *prev;
	struct crowd		*crowd;
	int			 fd;
	enum connection_phase	 phase;
	bool			 asked;		/* anything yet */
	bool			 shut;		/* said goodbye already */
	int64_t			 since;		/* of the phase; monotonic ms */
	int64_t			 deadline;	/* the same; 0: none */
	struct handshake	*handshake;
	char			 remote[REMOTE_MAX + 1];
};

struct connections {
	pthread_mutex_t		 mutex;
	struct connection	*first, *last;	/* the newest, the oldest */
	size_t			 count, most;		/* most: at once, since they last ebbed */
	size_t			 busy;
	int64_t			 idle_ms, request_ms;
	size_t			 crowd_count;
	struct crowd		 crowds[LISTENERS_MAX];
};

struct connections *
connections_new(int64_t idle_time, int64_t request_time)
{
	struct connections *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	pthread_mutex_init(&all->mutex, NULL);
	all->idle_ms = idle_time * 1000;
	all->request_ms = request_time * 1000;
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

struct crowd *
connections_crowd(struct connections *all, size_t limit)
{
	struct crowd *crowd;

	pthread_mutex_lock(&all->mutex);
	if (all->crowd_count == LISTENERS_MAX)
		abort();
	crowd = &all->crowds[all->crowd_count++];
	crowd->limit = limit;
	pthread_mutex_unlock(&all->mutex);
	return crowd;
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

void
connection_closed(struct connections *all, struct connection *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&all->mutex);
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		all->last = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		all->first = c->next;
	all->count--;
	c->crowd->count--;
	if (c->shut)
		c->crowd->shut--;
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
	c->asked = true;
	c->since = now_ms;
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

bool
connection_is_shut(struct connections *all, const struct connection *c)
{
	bool shut;

	if (c == NULL)
		return false;
	pthread_mutex_lock(&all->mutex);
	shut = c->shut;
	pthread_mutex_unlock(&all->mutex);
	return shut;
}

/* The event loop that owns the socket sees the end of file and closes it. */
static void
hang_up(struct connection *c)
{
	if (c->shut)
		return;
	(void)shutdown(c->fd, SHUT_RDWR);
	c->shut = true;
	c->crowd->shut++;
}

/* How much of the limit is taken. The lock is held, as for all below. */
static size_t
sixteenths(const struct crowd *crowd)
{
	return (crowd->count - crowd->shut) * 16 / crowd->limit;
}

static int64_t
patience(const struct crowd *crowd)
{
	size_t taken = sixteenths(crowd);

	return taken >= FULL ? 0 : taken >= NARROW ? PATIENCE_NARROW_MS : PATIENCE_MS;
}

/* How many there are of an address: the number itself is the value, and never 0. Out of memory it stays too low, which
 * harms nobody. */
static size_t
count_of(const struct map *counts, const char *remote)
{
	return (uintptr_t)map_get(counts, remote, strlen(remote));
}

static void
count_set(struct map *counts, const char *remote, size_t count)
{
	(void)map_put(counts, remote, strlen(remote), (void *)(uintptr_t)count);
}

static size_t
drop_greedy(struct connections *all, struct crowd *crowd)
{
	size_t		 share = crowd->limit / SHARES > 0 ? crowd->limit / SHARES : 1, n = 0;
	struct map	*counts = map_new();

	if (counts == NULL)
		return 0;
	for (struct connection *c = all->last; c != NULL; c = c->prev)
		if (c->crowd == crowd && !c->shut)
			count_set(counts, c->remote, count_of(counts, c->remote) + 1);
	for (struct connection *c = all->last; c != NULL && sixteenths(crowd) >= CROWDED; c = c->prev) {
		if (c->crowd != crowd || c->shut || c->phase != PHASE_IDLE ||
		    count_of(counts, c->remote) <= share)
			continue;
		count_set(counts, c->remote, count_of(counts, c->remote) - 1);
		hang_up(c);
		n++;
	}
	map_free(counts);
	return n;
}

/* Until there is no crowd; not the one that just came. */
static size_t
drop_waited_for(struct connections *all, struct crowd *crowd, const struct connection *guest, int64_t now_ms)
{
	int64_t	since = now_ms - patience(crowd);
	size_t	n = 0;

	for (struct connection *c = all->last; c != NULL && sixteenths(crowd) >= CROWDED; c = c->prev) {
		if (c == guest || c->crowd != crowd || c->shut || c->since > since || c->phase == PHASE_WORKING ||
		    (c->phase == PHASE_IDLE && c->asked))
			continue;
		hang_up(c);
		n++;
	}
	return n;
}

struct connection *
connection_opened(struct connections *all, struct crowd *crowd, int fd, const char *remote, int64_t now_ms)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->crowd = crowd;
	c->fd = fd;
	c->phase = PHASE_IDLE;
	c->since = now_ms;
	c->deadline = phase_deadline(PHASE_IDLE, all->idle_ms, all->request_ms, now_ms);
	snprintf(c->remote, sizeof(c->remote), "%s", remote);
	pthread_mutex_lock(&all->mutex);
	c->next = all->first;
	if (c->next != NULL)
		c->next->prev = c;
	else
		all->last = c;
	all->first = c;
	if (++all->count > all->most)
		all->most = all->count;
	crowd->count++;
	/* Sooner than the next sweep: whoever comes by the thousand must not fill the rest before it. */
	if (sixteenths(crowd) >= FULL)
		(void)drop_waited_for(all, crowd, c, now_ms);
	pthread_mutex_unlock(&all->mutex);
	return c;
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
	for (size_t i = 0; i < all->crowd_count; i++) {
		if (sixteenths(&all->crowds[i]) >= CROWDED)
			n += drop_greedy(all, &all->crowds[i]);
		n += drop_waited_for(all, &all->crowds[i], NULL, now_ms);
	}
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

bool
connections_ebbed(struct connections *all)
{
	bool ebbed;

	pthread_mutex_lock(&all->mutex);
	ebbed = all->most >= MANY && all->count <= all->most / 2;
	if (ebbed)
		all->most = all->count;
	pthread_mutex_unlock(&all->mutex);
	return ebbed;
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
