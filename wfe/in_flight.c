#include "wfe/in_flight.h"

#include <pthread.h>
#include <stdlib.h>

/* A slot's number is its place and how often it was used, so that a late or invented number finds nothing. */
#define PLACE_BITS 11
_Static_assert(1 << PLACE_BITS == IN_FLIGHT_MAX, "a number holds the place in its low bits");

struct slot {
	uint64_t	 number;	/* 0: free */
	struct request	*request;
	enum wait_for	 what;
	uint32_t	 next;		/* of the free list */
};

struct in_flight {
	pthread_mutex_t	mutex;
	uint64_t	uses;
	uint32_t	free;		/* IN_FLIGHT_MAX: none */
	size_t		count;
	size_t		nonce_count;
	bool		closed;
	struct slot	slots[IN_FLIGHT_MAX];
};

struct in_flight *
in_flight_new(void)
{
	struct in_flight *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	pthread_mutex_init(&f->mutex, NULL);
	for (uint32_t i = 0; i < IN_FLIGHT_MAX; i++)
		f->slots[i].next = i + 1;
	return f;
}

void
in_flight_free(struct in_flight *f)
{
	if (f == NULL)
		return;
	pthread_mutex_destroy(&f->mutex);
	free(f);
}

uint64_t
in_flight_add(struct in_flight *f, struct request *r, enum wait_for what)
{
	uint64_t number = 0;

	pthread_mutex_lock(&f->mutex);
	if (!f->closed && f->free != IN_FLIGHT_MAX) {
		uint32_t place = f->free;

		f->free = f->slots[place].next;
		number = ++f->uses << PLACE_BITS | place;
		f->slots[place] = (struct slot){ .number = number, .request = r, .what = what };
		f->count++;
		if (what == WAIT_NONCE)
			f->nonce_count++;
	}
	pthread_mutex_unlock(&f->mutex);
	return number;
}

/* Called with the lock held. */
static struct request *
empty(struct in_flight *f, struct slot *slot)
{
	struct request *r = slot->request;

	if (slot->what == WAIT_NONCE)
		f->nonce_count--;
	f->count--;
	*slot = (struct slot){ .next = f->free };
	f->free = (uint32_t)(slot - f->slots);
	return r;
}

struct request *
in_flight_take(struct in_flight *f, uint64_t number)
{
	struct slot	*slot = &f->slots[number % IN_FLIGHT_MAX];
	struct request	*r = NULL;

	pthread_mutex_lock(&f->mutex);
	if (number != 0 && slot->number == number && slot->what == WAIT_REPLY)
		r = empty(f, slot);
	pthread_mutex_unlock(&f->mutex);
	return r;
}

struct request *
in_flight_take_nonce(struct in_flight *f)
{
	struct request *r = NULL;

	pthread_mutex_lock(&f->mutex);
	for (uint32_t i = 0; r == NULL && f->nonce_count > 0 && i < IN_FLIGHT_MAX; i++) {
		if (f->slots[i].number != 0 && f->slots[i].what == WAIT_NONCE)
			r = empty(f, &f->slots[i]);
	}
	pthread_mutex_unlock(&f->mutex);
	return r;
}

void
in_flight_close(struct in_flight *f)
{
	pthread_mutex_lock(&f->mutex);
	f->closed = true;
	pthread_mutex_unlock(&f->mutex);
}

struct request *
in_flight_take_any(struct in_flight *f)
{
	struct request *r = NULL;

	pthread_mutex_lock(&f->mutex);
	for (uint32_t i = 0; r == NULL && f->count > 0 && i < IN_FLIGHT_MAX; i++) {
		if (f->slots[i].number != 0)
			r = empty(f, &f->slots[i]);
	}
	pthread_mutex_unlock(&f->mutex);
	return r;
}

size_t
in_flight_count(struct in_flight *f)
{
	size_t count;

	pthread_mutex_lock(&f->mutex);
	count = f->count;
	pthread_mutex_unlock(&f->mutex);
	return count;
}
