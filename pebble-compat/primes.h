/* primes.h: large primes for keys that last as long as a test. */
#ifndef SIGNET_PEBBLE_PRIMES_H
#define SIGNET_PEBBLE_PRIMES_H

#include <openssl/bn.h>
#include <stdbool.h>
#include <stddef.h>

#define PRIME_BITS 1024

/* Finds that many, at random, with all cores; the two highest bits of each are set, and it is not one more than a multiple
 * of exponent, an odd prime. False: OpenSSL failed. The caller frees those that are not NULL, with BN_clear_free(). */
bool	primes_find(BIGNUM **out, size_t count, unsigned exponent);

#endif
