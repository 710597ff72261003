/* ec.h: EC public keys from their points. Pure. */
#ifndef SIGNET_JOSE_EC_H
#define SIGNET_JOSE_EC_H

#include <openssl/evp.h>

#include "lib/buf.h"
#include "lib/err.h"

enum ec_curve { EC_P256, EC_P384, EC_P521, EC_CURVE_COUNT };

/* From an uncompressed point: 4, x, y. On ERR_OK the caller owns *out; from any thread. ERR_BAD_KEY: not on the
 * curve, or a coordinate is not below the field's prime; these curves have cofactor 1, so any other point is
 * a good one. ERR_CRYPTO, ERR_MEMORY. */
enum err	 ec_public_key(enum ec_curve, struct slice point, EVP_PKEY **out);

#endif
