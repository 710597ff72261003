#include "wfe/nonce_stock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

/* A ring, oldest first out: a nonce grows stale when it lies. */
struct nonce_stock {
	pthread_mutex_t	mutex;
	pthread_cond_t	changed;	/* filled is true */
	bool		filled;		/* at least once */
	size_t		first;
	size_t		count;
	bool		asked;
	char		nonces[NONCE_STOCK_MAX][NONCE_SIZE];
};

struct nonce_stock *
nonce_stock_new(void)
{
	struct nonce_stock *s = calloc(1, sizeof(*s));

	if (s != NULL) {
		pthread_mutex_init(&s->mutex, NULL);
		pthread_cond_init(&s->changed, NULL);
	}
	return s;
}

void
nonce_stock_free(struct nonce_stock *s)
{
	if (s == NULL)
		return;
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

bool
nonce_stock_take(struct nonce_stock *s, char out[NONCE_SIZE])
{
	bool found;

	out[0] = '\0';
	pthread_mutex_lock(&s->mutex);
	found = s->count > 0;
	if (found) {
		memcpy(out, s->nonces[s->first], NONCE_SIZE);
		s->first = (s->first + 1) % NONCE_STOCK_MAX;
		s->count--;
	}
	pthread_mutex_unlock(&s->mutex);
	return found;
}

void
nonce_stock_fill(struct nonce_stock *s, const struct msg_nonces *m)
{
	pthread_mutex_lock(&s->mutex);
	for (uint32_t i = 0; i < m->count && s->count < NONCE_STOCK_MAX; i++) {
		memcpy(s->nonces[(s->first + s->count) % NONCE_STOCK_MAX], m->nonces[i], NONCE_SIZE);
		s->count++;
	}
	s->asked = false;
	if (!s->filled)
		pthread_cond_broadcast(&s->changed);
	s->filled = true;
	pthread_mutex_unlock(&s->mutex);
}

bool
nonce_stock_wait(struct nonce_stock *s, int ms)
{
	struct timespec until = clock_after_ms(ms);
	bool		filled;

	pthread_mutex_lock(&s->mutex);
	while (!s->filled && pthread_cond_clockwait(&s->changed, &s->mutex, CLOCK_MONOTONIC, &until) == 0)
		;
	filled = s->filled;
	pthread_mutex_unlock(&s->mutex);
	return filled;
}

bool
nonce_stock_wants(struct nonce_stock *s)
{
	bool wants;

	pthread_mutex_lock(&s->mutex);
	wants = !s->asked && s->count < NONCE_STOCK_MAX / 2;
	if (wants)
		s->asked = true;
	pthread_mutex_unlock(&s->mutex);
	return wants;
}

void
nonce_stock_not_asked(struct nonce_stock *s)
{
	pthread_mutex_lock(&s->mutex);
	s->asked = false;
	pthread_mutex_unlock(&s->mutex);
}

size_t
nonce_stock_count(struct nonce_stock *s)
{
	size_t count;

	pthread_mutex_lock(&s->mutex);
	count = s->count;
	pthread_mutex_unlock(&s->mutex);
	return count;
}
