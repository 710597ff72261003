/* primes.c: all threads look for the same primes, so that none has nothing to do until the last is found. */
#include "pebble-compat/primes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 8
/* Candidates are tried at growing distances from a random start; among so many there is a prime nearly always (they are
 * 355 odd numbers apart on the average), else another start is drawn. */
#define SPAN 4096
/* Small factors that are looked for: with more of them, dividing costs more than the tests it saves. */
#define SMALL_MAX 32768
/* Numbers whose powers are taken at once: OpenSSL does two of 1024 bits in little more than the time of one where the
 * processor has AVX-512's 52-bit multiplication, and one after the other elsewhere. */
#define LANES 2

struct hunt {
	bool		 composite[SMALL_MAX];	/* of the small numbers: sieve of Eratosthenes */
	unsigned	 exponent;
	pthread_mutex_t	 lock;			/* of out */
	BIGNUM		**out;
	size_t		 count;
	atomic_size_t	 found;
};

/* Candidates from one random start. */
struct lane {
	bool	 composite[SPAN];	/* start + 2k has a small factor */
	unsigned at;			/* the candidate is start + 2 * at; SPAN: it is time for another start */
	BIGNUM	*candidate;
	/* Of the round: less = candidate - 1 = odd * 2^twos. */
	BIGNUM	*less, *odd, *base, *power;
	int	 twos;
};

/* A thread's own. */
struct work {
	struct hunt	*hunt;
	BN_CTX		*context;
	struct lane	 lanes[LANES], again[LANES];
};

static void
find_small(struct hunt *hunt)
{
	for (unsigned n = 3; n * n < SMALL_MAX; n += 2)
		for (unsigned m = n * n; !hunt->composite[n] && m < SMALL_MAX; m += 2 * n)
			hunt->composite[m] = true;
}

static void
sieve(const struct hunt *hunt, struct lane *lane)
{
	memset(lane->composite, 0, sizeof(lane->composite));
	for (unsigned p = 3; p < SMALL_MAX; p += 2) {
		unsigned rest, k;

		if (hunt->composite[p])
			continue;
		rest = (unsigned)BN_mod_word(lane->candidate, p);
		/* start + 2k = 0 mod p: k is half of -rest. */
		k = rest == 0 ? 0 : (p - rest) % 2 == 0 ? (p - rest) / 2 : (2 * p - rest) / 2;
		for (; k < SPAN; k += p)
			lane->composite[k] = true;
	}
}

/* To the next candidate without a small factor, if need be from another start. */
static bool
advance(const struct hunt *hunt, struct lane *lane)
{
	unsigned from = lane->at, to = from < SPAN ? from + 1 : SPAN;

	while (to < SPAN && lane->composite[to])
		to++;
	if (to < SPAN && BN_add_word(lane->candidate, 2 * (BN_ULONG)(to - from)) != 1)
		return false;
	lane->at = to;
	if (to < SPAN && BN_num_bits(lane->candidate) == PRIME_BITS)
		return true;
	if (BN_rand(lane->candidate, PRIME_BITS, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) != 1)
		abort();
	sieve(hunt, lane);
	lane->at = 0;
	return lane->composite[0] ? advance(hunt, lane) : true;
}

static bool
round_prepare(struct lane *lane)
{
	if (BN_copy(lane->less, lane->candidate) == NULL || BN_sub_word(lane->less, 1) != 1)
		return false;
	for (lane->twos = 1; !BN_is_bit_set(lane->less, lane->twos);)
		lane->twos++;
	/* All of the base's 1,024 bits: OpenSSL's quick ways are for whole numbers. */
	return BN_rshift(lane->odd, lane->less, lane->twos) == 1 && BN_rand_range(lane->base, lane->less) == 1 &&
	    !BN_is_zero(lane->base);
}

static bool
round_passed(struct lane *lane, BN_CTX *context)
{
	if (BN_is_one(lane->power) || BN_cmp(lane->power, lane->less) == 0)
		return true;
	for (int i = 1; i < lane->twos; i++)
		if (BN_mod_sqr(lane->power, lane->power, lane->candidate, context) == 1 &&
		    BN_cmp(lane->power, lane->less) == 0)
			return true;
	return false;
}

/* One round of Miller and Rabin for each lane, to random bases. False: OpenSSL failed. */
static bool
rounds(struct lane lanes[LANES], bool passed[LANES], BN_CTX *context)
{
	struct lane *one = &lanes[0], *two = &lanes[1];

	if (!round_prepare(one) || !round_prepare(two) ||
	    BN_mod_exp_mont_consttime_x2(one->power, one->base, one->odd, one->candidate, NULL, two->power, two->base,
		two->odd, two->candidate, NULL, context) != 1)
		return false;
	passed[0] = round_passed(one, context);
	passed[1] = round_passed(two, context);
	return true;
}

/* Two rounds more: the three leave 2^-80 for random numbers of 1024 bits (Handbook of Applied Cryptography, 4.49). */
static bool
is_prime(struct work *w, const struct lane *lane)
{
	bool passed[LANES];

	return BN_mod_word(lane->less, w->hunt->exponent) != 0 &&
	    BN_copy(w->again[0].candidate, lane->candidate) != NULL &&
	    BN_copy(w->again[1].candidate, lane->candidate) != NULL && rounds(w->again, passed, w->context) &&
	    passed[0] && passed[1];
}

static bool
enough(struct hunt *hunt)
{
	return atomic_load(&hunt->found) == hunt->count;
}

/* False: out of memory. */
static bool
keep(struct hunt *hunt, const BIGNUM *prime)
{
	size_t found;
	bool   kept = true;

	pthread_mutex_lock(&hunt->lock);
	found = atomic_load(&hunt->found);
	if (found < hunt->count && (kept = (hunt->out[found] = BN_dup(prime)) != NULL))
		atomic_store(&hunt->found, found + 1);
	pthread_mutex_unlock(&hunt->lock);
	return kept;
}

/* A step in each lane. False: OpenSSL failed. */
static bool
step(struct work *w)
{
	bool passed[LANES];

	for (size_t i = 0; i < LANES; i++)
		if (!advance(w->hunt, &w->lanes[i]))
			return false;
	if (!rounds(w->lanes, passed, w->context))
		return false;
	for (size_t i = 0; i < LANES; i++) {
		if (!passed[i] || !is_prime(w, &w->lanes[i]))
			continue;
		if (!keep(w->hunt, w->lanes[i].candidate))
			return false;
		w->lanes[i].at = SPAN;	/* the next is from another start: no two of one key may be near each other */
	}
	return true;
}

static bool
lanes_make(struct lane lanes[LANES], BN_CTX *context)
{
	for (size_t i = 0; i < LANES; i++) {
		lanes[i].at = SPAN;
		lanes[i].candidate = BN_CTX_get(context);
		lanes[i].less = BN_CTX_get(context);
		lanes[i].odd = BN_CTX_get(context);
		lanes[i].base = BN_CTX_get(context);
		lanes[i].power = BN_CTX_get(context);
	}
	return lanes[LANES - 1].power != NULL;
}

static void *
hunt_along(void *arg)
{
	struct work w = { .hunt = arg, .context = BN_CTX_secure_new() };

	if (w.context == NULL)
		return NULL;
	BN_CTX_start(w.context);
	if (lanes_make(w.lanes, w.context) && lanes_make(w.again, w.context))
		while (!enough(w.hunt) && step(&w))
			;
	BN_CTX_end(w.context);
	BN_CTX_free(w.context);
	return NULL;
}

bool
primes_find(BIGNUM **out, size_t count, unsigned exponent)
{
	struct hunt hunt = { .exponent = exponent, .lock = PTHREAD_MUTEX_INITIALIZER, .out = out, .count = count };
	long	    cores = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t   threads[THREADS_MAX - 1];
	long	    started = 0;

	for (size_t i = 0; i < count; i++)
		out[i] = NULL;
	find_small(&hunt);
	while (started < THREADS_MAX - 1 && started + 1 < cores &&
	    pthread_create(&threads[started], NULL, hunt_along, &hunt) == 0)
		started++;
	hunt_along(&hunt);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	return enough(&hunt);
}
