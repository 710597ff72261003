/* sign.h: what X.509 wraps around signed bytes. For the builders of x509/ alone: who calls it made the bytes itself, from
 * typed fields. */
#ifndef SIGNET_X509_SIGN_H
#define SIGNET_X509_SIGN_H

#include <openssl/evp.h>

#include "lib/buf.h"
#include "lib/err.h"

/* Appends SEQUENCE { tbs, algorithm, signature }, with the algorithm that fits the key. ERR_CRYPTO, ERR_MEMORY. */
enum err signed_put(struct slice tbs, EVP_PKEY *key, struct buf *out);

#endif
