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
/* Rounds of Miller and Rabin for random candidates of 1024 bits: 2^-80 is reached with 3 (Handbook of Applied
 * Cryptography, 4.49); Fermat's to base 2 comes first and costs one. */
#define ROUNDS 3
/* Small factors that are looked for: with more of them, dividing costs more than the tests it saves. */
#define SMALL_MAX 32768

struct hunt {
	bool		 composite[SMALL_MAX];	/* of the small numbers: sieve of Eratosthenes */
	unsigned	 exponent;
	pthread_mutex_t	 lock;			/* of out */
	BIGNUM		**out;
	size_t		 count;
	atomic_size_t	 found;
};

/* A thread's own. */
struct work {
	struct hunt	*hunt;
	BN_CTX		*context;
	BIGNUM		*candidate, *base, *less, *power;
};

static void
find_small(struct hunt *hunt)
{
	for (unsigned n = 3; n * n < SMALL_MAX; n += 2)
		for (unsigned m = n * n; !hunt->composite[n] && m < SMALL_MAX; m += 2 * n)
			hunt->composite[m] = true;
}

/* Marks the distances 2k at which start + 2k has a small factor. */
static void
sieve(const struct hunt *hunt, const BIGNUM *start, bool composite[SPAN])
{
	memset(composite, 0, SPAN * sizeof(composite[0]));
	for (unsigned p = 3; p < SMALL_MAX; p += 2) {
		unsigned rest, k;

		if (hunt->composite[p])
			continue;
		rest = (unsigned)BN_mod_word(start, p);
		/* start + 2k = 0 mod p: k is half of -rest. */
		k = rest == 0 ? 0 : (p - rest) % 2 == 0 ? (p - rest) / 2 : (2 * p - rest) / 2;
		for (; k < SPAN; k += p)
			composite[k] = true;
	}
}

/* Fermat's test to base 2, which nearly every composite number fails. */
static bool
may_be_prime(struct work *w)
{
	return BN_copy(w->less, w->candidate) != NULL && BN_sub_word(w->less, 1) == 1 && BN_set_word(w->base, 2) == 1 &&
	    BN_mod_exp(w->power, w->base, w->less, w->candidate, w->context) == 1 && BN_is_one(w->power);
}

/* One round of Miller and Rabin to a random base. */
static bool
survives(struct work *w)
{
	int twos = 0;

	if (BN_copy(w->less, w->candidate) == NULL || BN_sub_word(w->less, 1) != 1 ||
	    BN_rand_range(w->base, w->less) != 1 || BN_is_zero(w->base))
		return false;
	while (!BN_is_bit_set(w->less, twos))
		twos++;
	if (BN_rshift(w->power, w->less, twos) != 1 ||
	    BN_mod_exp(w->power, w->base, w->power, w->candidate, w->context) != 1)
		return false;
	if (BN_is_one(w->power) || BN_cmp(w->power, w->less) == 0)
		return true;
	for (int i = 1; i < twos; i++)
		if (BN_mod_sqr(w->power, w->power, w->candidate, w->context) == 1 && BN_cmp(w->power, w->less) == 0)
			return true;
	return false;
}

static bool
is_prime(struct work *w)
{
	if (!may_be_prime(w) || BN_mod_word(w->less, w->hunt->exponent) == 0)
		return false;
	for (int i = 0; i < ROUNDS; i++)
		if (!survives(w))
			return false;
	return true;
}

static bool
enough(struct hunt *hunt)
{
	return atomic_load(&hunt->found) == hunt->count;
}

/* Candidates from one random start. True: w->candidate is a prime. */
static bool
search(struct work *w)
{
	bool composite[SPAN];

	if (BN_rand(w->candidate, PRIME_BITS, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) != 1)
		abort();
	sieve(w->hunt, w->candidate, composite);
	for (unsigned k = 0, at = 0; k < SPAN && !enough(w->hunt); k++) {
		if (composite[k])
			continue;
		if (BN_add_word(w->candidate, 2 * (BN_ULONG)(k - at)) != 1)
			return false;
		at = k;
		if (BN_num_bits(w->candidate) == PRIME_BITS && is_prime(w))
			return true;
	}
	return false;
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

static void *
hunt_along(void *arg)
{
	struct work w = { .hunt = arg, .context = BN_CTX_secure_new() };

	if (w.context == NULL)
		return NULL;
	BN_CTX_start(w.context);
	w.candidate = BN_CTX_get(w.context);
	w.base = BN_CTX_get(w.context);
	w.less = BN_CTX_get(w.context);
	w.power = BN_CTX_get(w.context);
	while (w.power != NULL && !enough(w.hunt))
		if (search(&w) && !keep(w.hunt, w.candidate))
			break;
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

	memset(out, 0, count * sizeof(*out));
	find_small(&hunt);
	while (started < THREADS_MAX - 1 && started + 1 < cores &&
	    pthread_create(&threads[started], NULL, hunt_along, &hunt) == 0)
		started++;
	hunt_along(&hunt);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	return enough(&hunt);
}
