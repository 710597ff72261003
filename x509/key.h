/* key.h: which public keys we accept (Boulder's goodkey), and their fingerprints. Pure. */
#ifndef SIGNET_X509_KEY_H
#define SIGNET_X509_KEY_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define SPKI_HASH_SIZE 32	/* SHA-256 of the SubjectPublicKeyInfo's DER */

/* RSA: 2048, 3072 or 4096 bits, exponent 65537, odd modulus, no factor up to 751, no ROCA fingerprint,
 * not open to 110 rounds of Fermat's method. EC: P-256, P-384, P-521, point valid. Ed25519, Ed448.
 * ERR_BAD_KEY with the cause. */
enum err key_check(EVP_PKEY *, struct reason *);
/* The parts of it for EC keys: the curve is named, and one of the three; the point is on it, and not infinity. */
bool	 key_curve_named(EVP_PKEY *);
bool	 key_point_valid(EVP_PKEY *);
enum err key_spki_hash(EVP_PKEY *, uint8_t out[SPKI_HASH_SIZE]);

enum key_type { KEY_P256 = 1, KEY_P384, KEY_P521, KEY_RSA2048, KEY_RSA3072, KEY_RSA4096, KEY_ED25519,
    KEY_ED448 };
/* 0 when it is none of them. */
enum key_type	 key_type_of(EVP_PKEY *);
const char	*key_type_name(enum key_type);			/* "p256", "rsa3072", ...; static */
enum key_type	 key_type_by_name(const char *);		/* 0: unknown */
/* A fresh key pair; NULL when OpenSSL fails. */
EVP_PKEY	*key_generate(enum key_type);

#endif
