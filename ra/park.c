#include "ra/park.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

#define BUCKETS 256	/* a power of two; the last byte of an id is random */

struct bucket {
	struct parked	*first;
	uint64_t	 stamp;		/* how often something in here was woken */
};

struct park {
	pthread_mutex_t	 lock;
	struct bucket	 bucket[BUCKETS];
	unsigned	 count;
};

struct park *
park_new(void)
{
	struct park *park = calloc(1, sizeof(*park));

	if (park == NULL)
		return NULL;
	pthread_mutex_init(&park->lock, NULL);
	return park;
}

void
park_free(struct park *park)
{
	if (park == NULL)
		return;
	pthread_mutex_destroy(&park->lock);
	free(park);
}

static struct bucket *
bucket_of(struct park *park, struct id object)
{
	return &park->bucket[object.bytes[ID_SIZE - 1] % BUCKETS];
}

uint64_t
park_stamp(struct park *park, struct id object)
{
	uint64_t stamp;

	pthread_mutex_lock(&park->lock);
	stamp = bucket_of(park, object)->stamp;
	pthread_mutex_unlock(&park->lock);
	return stamp;
}

void
park_put(struct park *park, struct parked *parked)
{
	struct bucket *bucket = bucket_of(park, parked->object);
	bool	       waits;

	pthread_mutex_lock(&park->lock);
	waits = park->count < PARK_MAX && bucket->stamp == parked->stamp;
	if (waits) {
		parked->next = bucket->first;
		bucket->first = parked;
		park->count++;
	}
	pthread_mutex_unlock(&park->lock);
	if (!waits)
		parked->run(parked);
}

/* Takes those that match out of the bucket, and puts them before the ones in out; the lock is held. */
static void
release(struct park *park, struct parked **link, const struct id *object, int64_t now, struct parked **out)
{
	struct parked *parked;

	while ((parked = *link) != NULL) {
		if (object != NULL ? id_eq(parked->object, *object) : parked->until <= now) {
			*link = parked->next;
			parked->next = *out;
			*out = parked;
			park->count--;
		} else {
			link = &parked->next;
		}
	}
}

static void
run_all(struct parked *first)
{
	while (first != NULL) {
		struct parked *next = first->next;	/* first is gone when it ran */

		first->run(first);
		first = next;
	}
}

void
park_wake(struct park *park, struct id object)
{
	struct bucket *bucket = bucket_of(park, object);
	struct parked *out = NULL;

	pthread_mutex_lock(&park->lock);
	bucket->stamp++;
	release(park, &bucket->first, &object, 0, &out);
	pthread_mutex_unlock(&park->lock);
	run_all(out);
}

void
park_expire(struct park *park, bool all)
{
	int64_t	       now = all ? INT64_MAX : clock_monotonic_ms();
	struct parked *out = NULL;

	pthread_mutex_lock(&park->lock);
	if (park->count > 0)
		for (size_t i = 0; i < BUCKETS; i++)
			release(park, &park->bucket[i].first, NULL, now, &out);
	pthread_mutex_unlock(&park->lock);
	run_all(out);
}
