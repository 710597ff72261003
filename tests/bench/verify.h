/* verify.h: is the downloaded chain what was asked for? */
#ifndef SIGNET_BENCH_VERIFY_H
#define SIGNET_BENCH_VERIFY_H

#include <openssl/x509.h>

#include "tests/bench/keys.h"

/* Checks that the second certificate signed the first, and the first's names, key and times. NULL when all
 * holds, with the leaf in *leaf for the caller to free; else what is wrong (static). */
const char *verify_chain(struct slice pem, const struct request *, X509 **leaf);
/* Frees what was kept between calls. */
void verify_end(void);

#endif
