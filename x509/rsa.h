/* rsa.h: known weaknesses of an RSA modulus, each a test of its own for key.c and the lints. Pure. */
#ifndef SIGNET_X509_RSA_H
#define SIGNET_X509_RSA_H

#include <openssl/bn.h>
#include <stdbool.h>

#include "lib/err.h"

#define RSA_SMALL_FACTOR_MAX 751 /* NIST SP 800-89, 5.3.3, as Boulder applies it */
#define RSA_FERMAT_ROUNDS 110 /* Boulder's number: covers every key found in CVE-2022-26320 */

unsigned rsa_small_factor(const BIGNUM *n); /* the smallest prime factor up to the limit, or 0 */
/* The ROCA fingerprint: n mod p is a power of 65537 for every p of the discriminating primes (Nemec and
 * others, CCS 2017). A sound key passes by chance with 2^-28. */
bool rsa_is_roca(const BIGNUM *n);
/* Fermat's method from ceil(sqrt(n)): ERR_EXISTS when that many rounds find the factors, else ERR_OK.
 * ERR_MEMORY. */
enum err rsa_is_close(const BIGNUM *n, unsigned rounds);

#endif
