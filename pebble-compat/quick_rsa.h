/* quick_rsa.h: RSA keys for a CA that lasts as long as a test. */
#ifndef SIGNET_PEBBLE_QUICK_RSA_H
#define SIGNET_PEBBLE_QUICK_RSA_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

/* That many of 2048 bits, with all cores, in a fraction of the time that OpenSSL takes: its own generator proves each prime
 * with 64 rounds and more conditions (FIPS 186-4), which is right for a key that somebody relies on. False: OpenSSL failed;
 * places hold those that were made. The caller frees. */
bool	quick_rsa(EVP_PKEY **const places[], size_t count);

#endif
