/* keys.h: account keys that sign JWS, and certificate requests made before the clock starts. */
#ifndef SIGNET_BENCH_KEYS_H
#define SIGNET_BENCH_KEYS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

#define THUMBPRINT_MAX 64

struct account_key {
	EVP_PKEY *key;
	bool	  rsa;				/* RS256, else ES256 */
	char	 *jwk;				/* canonical JSON */
	char	  thumbprint[THUMBPRINT_MAX];
};

/* What one issuance will ask for. */
struct request {
	char	**names;
	size_t	  name_count;
	EVP_PKEY *key;		/* borrowed from the pool */
	char	 *csr;		/* DER in base64url */
};

/* All abort when OpenSSL or memory fails: there is nothing to measure then. */
void account_key_new(struct account_key *, bool rsa);
void account_key_free(struct account_key *);
/* Appends the JWS signature over the bytes, in base64url. */
void account_key_sign(const struct account_key *, struct slice, struct buf *out);

EVP_PKEY *key_new(const char *type);	/* a name of --key-type */
/* Random names under domain, and a CSR for them. */
void request_new(struct request *, EVP_PKEY *, size_t names, const char *domain);
void request_free(struct request *);

#endif
