#include "lib/chance.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

static _Atomic uint64_t base;
static _Atomic uint64_t drawn[CHANCE_COUNT];

/* Steele, Lea, Flood: SplitMix64; every seed's numbers are spread evenly. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

void
chance_seed(uint64_t seed)
{
	while (seed == 0)
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			abort();
	atomic_store(&base, seed);
	for (unsigned i = 0; i < CHANCE_COUNT; i++)
		atomic_store(&drawn[i], 0);
}

uint32_t
chance_below(enum chance chance, uint32_t n)
{
	uint64_t place = atomic_fetch_add(&drawn[chance], 1);
	uint64_t x = mix(mix(atomic_load(&base) + (uint64_t)chance) + place);

	return (uint32_t)((x >> 32) * n >> 32);
}

bool
chance_percent(enum chance chance, int64_t percent)
{
	if (percent <= 0 || percent >= 100)
		return percent > 0;
	return chance_below(chance, 100) < percent;
}
