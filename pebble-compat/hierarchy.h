/* hierarchy.h: the test CA: a key that issues, and the chains under which its certificate stands. */
#ifndef SIGNET_PEBBLE_HIERARCHY_H
#define SIGNET_PEBBLE_HIERARCHY_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "lib/err.h"

#define CHAINS_MAX 7		/* a default and the six alternates that a certificate's Link headers have room for */
#define CHAIN_LENGTH_MAX 8

struct member {
	EVP_PKEY	*key;
	X509		*cert;
	char		 name[80];
};

struct chain_made {
	struct member	root;
	/* The first is the one that issues: the same key and name in every chain. The others' keys, which nobody is given,
	 * are the same in every chain too: half as many to make before the server is ready. */
	struct member	intermediates[CHAIN_LENGTH_MAX];
};

struct hierarchy {
	struct chain_made	chains[CHAINS_MAX];
	size_t			count, length;
};

/* Makes keys (with all cores) and certificates. The caller frees. ERR_CRYPTO, ERR_MEMORY. */
enum err hierarchy_make(struct hierarchy *, size_t chains, size_t length, bool ecdsa);
void	 hierarchy_free(struct hierarchy *);
/* A certificate for this server and the root that signed it: localhost, pebble, 127.0.0.1, ::1. The caller owns all
 * three. */
enum err server_make(EVP_PKEY **key, X509 **cert, X509 **root);

#endif
