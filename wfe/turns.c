#include "wfe/turns.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/map.h"

/* Others are there as long as one of them asked so lately: between two requests of a client that polls. */
#define PRESENCE_US 1000000
/* A turn that takes longer waits for something itself, a validation for instance, and takes nothing. The dearest request
 * takes 5 ms of an idle machine; this is for one that isn't. */
#define CALL_US 50000
/* 192 bytes each: 12 MiB. Addresses beyond are served as if they owed nothing. */
#define ASKERS_MAX 65536
#define KNOWN_US 60000000	/* how long a credit lasts while nothing is asked */
#define PREFIX_BYTES 8		/* of IPv6: what one customer has at least (RFC 6177) */

struct asker {
	struct asker	*next, *prev;	/* all of them */
	struct asker	*behind;	/* of the lines that have somebody */
	struct turn	*first, *last;	/* its line */
	int64_t		 owes_until;
	int64_t		 used_at;
	int64_t		 credit;
	size_t		 taken;		/* turns that point here */
	int64_t		 counted[TURNS_LIMITS];	/* when each is as if nothing had been asked */
	struct address	 address;
};

/* Of one who didn't owe too much when he asked. */
struct sight {
	const struct asker	*asker;
	int64_t			 at;
};

/* Free from a time on. Whoever was called and is done leaves it empty for as long as he was in it. */
struct place {
	const struct turn	*turn;
	int64_t			 free_at;
};

struct turns {
	pthread_mutex_t	 mutex;
	pthread_cond_t	 changed;	/* somebody waits, or a place is free sooner */
	struct map	*by_address;
	struct asker	*askers;
	size_t		 asker_count;
	struct asker	*first, *last;	/* lines; the first's turn is next */
	size_t		 waiting, waited;
	struct sight	 sights[2];	/* the newest first, of another asker each */
	bool		 news;		/* for whoever waits for changed */
	bool		 ended;
	size_t		 place_count;
	struct place	 places[];
};

struct turns *
turns_new(unsigned cores)
{
	size_t		 count = cores / 2 > 0 ? cores / 2 : 1;
	struct turns	*turns = calloc(1, sizeof(*turns) + count * sizeof(struct place));
	pthread_condattr_t attributes;

	if (turns == NULL)
		return NULL;
	if ((turns->by_address = map_new()) == NULL) {
		free(turns);
		return NULL;
	}
	turns->place_count = count;
	turns->sights[0].at = turns->sights[1].at = -PRESENCE_US;
	pthread_mutex_init(&turns->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&turns->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return turns;
}

/* Below, the lock is held where a function doesn't take it. */

static void
forget(struct turns *turns, struct asker *asker)
{
	if (asker->next != NULL)
		asker->next->prev = asker->prev;
	if (asker->prev != NULL)
		asker->prev->next = asker->next;
	else
		turns->askers = asker->next;
	map_remove(turns->by_address, asker->address.bytes, address_size(&asker->address));
	turns->asker_count--;
	free(asker);
}

void
turns_free(struct turns *turns)
{
	struct asker *asker, *next;

	if (turns == NULL)
		return;
	for (asker = turns->askers; asker != NULL; asker = next) {
		next = asker->next;
		if (asker->taken > 0)
			abort();
		forget(turns, asker);
	}
	map_free(turns->by_address);
	pthread_cond_destroy(&turns->changed);
	pthread_mutex_destroy(&turns->mutex);
	free(turns);
}

/* NULL: no address, or no room. */
static struct asker *
find(struct turns *turns, const char *remote)
{
	struct address	 address;
	struct asker	*asker;

	if (!address_parse(remote, &address))
		return NULL;
	if (address.family == AF_INET6)
		memset(address.bytes + PREFIX_BYTES, 0, sizeof(address.bytes) - PREFIX_BYTES);
	asker = map_get(turns->by_address, address.bytes, address_size(&address));
	if (asker != NULL || turns->asker_count == ASKERS_MAX || (asker = calloc(1, sizeof(*asker))) == NULL)
		return asker;
	asker->address = address;
	if (map_put(turns->by_address, address.bytes, address_size(&address), asker) != ERR_OK) {
		free(asker);
		return NULL;
	}
	if ((asker->next = turns->askers) != NULL)
		asker->next->prev = asker;
	turns->askers = asker;
	turns->asker_count++;
	return asker;
}

static void
see(struct turns *turns, const struct asker *asker, int64_t now)
{
	if (turns->sights[0].asker != asker)
		turns->sights[1] = turns->sights[0];
	turns->sights[0] = (struct sight){ asker, now };
}

/* Nobody is in his own way: whoever owes too much now may have been seen a moment ago. */
static bool
others_are_there(const struct turns *turns, const struct asker *asker, int64_t now)
{
	const struct sight *sight = &turns->sights[turns->sights[0].asker == asker ? 1 : 0];

	return !turns->ended && now - sight->at < PRESENCE_US;
}

static void
tell(struct turns *turns)
{
	turns->news = true;
	pthread_cond_signal(&turns->changed);
}

bool
turns_take(struct turns *turns, struct turn *turn, const char *remote, int64_t now)
{
	struct asker	*asker;
	bool		 owes, goes;

	pthread_mutex_lock(&turns->mutex);
	asker = find(turns, remote);
	owes = asker != NULL && asker->owes_until - now > (int64_t)TURNS_OWED_MAX * TURNS_FORGIVEN_US;
	if (!owes)
		see(turns, asker, now);
	goes = !owes || !others_are_there(turns, asker, now);
	if (asker != NULL) {
		asker->taken++;
		asker->used_at = now;
	}
	turn->asker = asker;
	turn->state = TURN_FREE;
	pthread_mutex_unlock(&turns->mutex);
	return goes;
}

/* A line that has somebody, behind the others. */
static void
append(struct turns *turns, struct asker *asker)
{
	asker->behind = NULL;
	if (turns->last != NULL)
		turns->last->behind = asker;
	else
		turns->first = asker;
	turns->last = asker;
}

void
turns_wait(struct turns *turns, struct turn *turn, void (*go)(struct turn *))
{
	struct asker *asker = turn->asker;

	pthread_mutex_lock(&turns->mutex);
	turn->state = TURN_WAITING;
	turn->go = go;
	turn->next = NULL;
	if (asker->last != NULL) {
		asker->last->next = turn;
	} else {
		asker->first = turn;
		append(turns, asker);
	}
	asker->last = turn;
	turns->waited++;
	if (turns->waiting++ == 0)
		tell(turns);
	pthread_mutex_unlock(&turns->mutex);
}

static void
leave(struct turns *turns, struct turn *turn, int64_t now)
{
	struct place *place = &turns->places[turn->place];

	if (turn->state != TURN_CALLED || place->turn != turn)
		return;
	place->turn = NULL;
	if (place->free_at > now)
		place->free_at = now + (now - turn->since);
	if (turns->waiting > 0)
		tell(turns);
}

/* What comes of it is the balance: a debt that time forgives, or a credit. */
static void
charge(struct asker *asker, int64_t cost, int64_t now)
{
	int64_t owes = asker->owes_until > now ? asker->owes_until - now : 0;

	owes += (cost - asker->credit) * TURNS_FORGIVEN_US;
	asker->credit = owes < 0 ? -owes / TURNS_FORGIVEN_US : 0;
	if (asker->credit > TURNS_CREDIT_MAX)
		asker->credit = TURNS_CREDIT_MAX;
	asker->owes_until = owes < 0 ? 0 : now + (owes < TURNS_OWED_END_US ? owes : TURNS_OWED_END_US);
}

void
turns_over(struct turns *turns, struct turn *turn, int64_t cost, int64_t now)
{
	pthread_mutex_lock(&turns->mutex);
	leave(turns, turn, now);
	if (turn->asker != NULL) {
		charge(turn->asker, cost, now);
		turn->asker->taken--;
	}
	turn->asker = NULL;
	turn->state = TURN_FREE;
	pthread_mutex_unlock(&turns->mutex);
}

int64_t
turns_count(struct turns *turns, const struct turn *turn, size_t kind, int64_t burst, int64_t interval, int64_t now)
{
	int64_t *counted, ahead, wait = 0;

	if (turn->asker == NULL)
		return 0;
	pthread_mutex_lock(&turns->mutex);
	counted = &turn->asker->counted[kind];
	ahead = *counted > now ? *counted - now : 0;
	if (ahead > (burst - 1) * interval)
		wait = ahead - (burst - 1) * interval;
	else
		*counted = now + ahead + interval;
	pthread_mutex_unlock(&turns->mutex);
	return wait;
}

/* Of the first line; what is left of it goes behind the others. */
static struct turn *
next_turn(struct turns *turns)
{
	struct asker	*asker = turns->first;
	struct turn	*turn = asker->first;

	if ((turns->first = asker->behind) == NULL)
		turns->last = NULL;
	if ((asker->first = turn->next) == NULL)
		asker->last = NULL;
	else
		append(turns, asker);
	turns->waiting--;
	return turn;
}

static struct place *
first_free(struct turns *turns)
{
	struct place *first = &turns->places[0];

	for (size_t i = 1; i < turns->place_count; i++)
		if (turns->places[i].free_at < first->free_at)
			first = &turns->places[i];
	return first;
}

/* NULL, and how long until somebody may. */
static struct turn *
call_one(struct turns *turns, int64_t now, int64_t *wait)
{
	struct place	*place = first_free(turns);
	struct turn	*turn;
	bool		 others;

	*wait = -1;
	if (turns->waiting == 0)
		return NULL;
	others = others_are_there(turns, turns->first, now);
	if (others && place->free_at > now) {
		*wait = place->free_at - now;
		return NULL;
	}
	turn = next_turn(turns);
	if (others) {
		turn->state = TURN_CALLED;
		turn->place = (size_t)(place - turns->places);
		turn->since = now;
		*place = (struct place){ turn, now + CALL_US };
	} else {
		turn->state = TURN_FREE;
	}
	return turn;
}

int64_t
turns_call(struct turns *turns, int64_t now)
{
	struct turn	*turn;
	int64_t		 wait;

	pthread_mutex_lock(&turns->mutex);
	turns->news = false;
	while ((turn = call_one(turns, now, &wait)) != NULL) {
		pthread_mutex_unlock(&turns->mutex);
		turn->go(turn);
		pthread_mutex_lock(&turns->mutex);
	}
	pthread_mutex_unlock(&turns->mutex);
	return wait;
}

_Noreturn void *
turns_run(void *arg)
{
	struct turns *turns = arg;

	for (;;) {
		int64_t		now = clock_monotonic_us(), wait = turns_call(turns, now), at = now + wait;
		struct timespec	until = { .tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000 };

		pthread_mutex_lock(&turns->mutex);
		while (!turns->news && wait < 0)
			pthread_cond_wait(&turns->changed, &turns->mutex);
		if (!turns->news)
			(void)pthread_cond_timedwait(&turns->changed, &turns->mutex, &until);
		pthread_mutex_unlock(&turns->mutex);
	}
}

/* Takes those of its line that are over out of it, and puts them before found. */
static struct turn *
take_over(struct turns *turns, struct asker *asker, bool (*over)(struct connection *, void *), void *arg,
    struct turn *found)
{
	struct turn *turn = asker->first, *next;

	asker->first = asker->last = NULL;
	for (; turn != NULL; turn = next) {
		next = turn->next;
		turn->next = NULL;
		if (over(turn->peer, arg)) {
			turn->state = TURN_FREE;
			turn->next = found;
			found = turn;
			turns->waiting--;
			continue;
		}
		if (asker->last != NULL)
			asker->last->next = turn;
		else
			asker->first = turn;
		asker->last = turn;
	}
	return found;
}

static bool
is_forgettable(const struct asker *asker, int64_t now)
{
	for (size_t i = 0; i < TURNS_LIMITS; i++)
		if (asker->counted[i] > now)
			return false;
	return asker->taken == 0 && asker->owes_until <= now &&
	    now - asker->used_at >= (asker->credit > 0 ? KNOWN_US : PRESENCE_US);
}

void
turns_sweep(struct turns *turns, bool (*over)(struct connection *, void *), void *arg, int64_t now)
{
	struct turn	*found = NULL, *turn;
	struct asker	*asker, *next, *lines;

	pthread_mutex_lock(&turns->mutex);
	lines = turns->first;
	turns->first = turns->last = NULL;
	for (asker = lines; asker != NULL; asker = next) {
		next = asker->behind;
		found = take_over(turns, asker, over, arg, found);
		if (asker->first != NULL)
			append(turns, asker);
	}
	for (asker = turns->askers; asker != NULL; asker = next) {
		next = asker->next;
		if (is_forgettable(asker, now))
			forget(turns, asker);
	}
	pthread_mutex_unlock(&turns->mutex);
	while ((turn = found) != NULL) {
		found = turn->next;
		turn->go(turn);
	}
}

void
turns_end(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	turns->ended = true;
	tell(turns);
	pthread_mutex_unlock(&turns->mutex);
}

size_t
turns_waiting(struct turns *turns)
{
	size_t count;

	pthread_mutex_lock(&turns->mutex);
	count = turns->waiting;
	pthread_mutex_unlock(&turns->mutex);
	return count;
}

size_t
turns_waited(struct turns *turns)
{
	size_t count;

	pthread_mutex_lock(&turns->mutex);
	count = turns->waited;
	turns->waited = 0;
	pthread_mutex_unlock(&turns->mutex);
	return count;
}

size_t
turns_askers(struct turns *turns)
{
	size_t count;

	pthread_mutex_lock(&turns->mutex);
	count = turns->asker_count;
	pthread_mutex_unlock(&turns->mutex);
	return count;
}
