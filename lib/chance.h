/* chance.h: what tests of clients leave to chance: never keys, ids or nonces. With a seed it is repeatable: each purpose
 * draws from a row of its own, so that what one of them does doesn't shift the others. From any thread. */
#ifndef SIGNET_LIB_CHANCE_H
#define SIGNET_LIB_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

enum chance {
	CHANCE_NONCE, CHANCE_REUSE, CHANCE_SHUFFLE, CHANCE_PROFILE, CHANCE_RETRY_AFTER, CHANCE_SLEEP, CHANCE_FAULT,
	CHANCE_COUNT
};

/* Before the first draw; 0: a seed of this process alone. Begins every row anew. */
void	 chance_seed(uint64_t seed);
/* 0 to n - 1, each as likely as another; n is not 0. */
uint32_t chance_below(enum chance, uint32_t n);
/* True in so many of a hundred cases. */
bool	 chance_percent(enum chance, int64_t percent);

#endif
