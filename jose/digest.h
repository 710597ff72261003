/* digest.h: SHA-2, fetched from OpenSSL once per process: a fetch costs as much as hashing a request. */
#ifndef SIGNET_JOSE_DIGEST_H
#define SIGNET_JOSE_DIGEST_H

#include <openssl/evp.h>

enum digest { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_COUNT };

/* Lives as long as the process; from any thread. Aborts when OpenSSL has no SHA-2. */
const EVP_MD	*digest_get(enum digest);

#endif
