/* crl.h: certificate revocation lists from typed entries (RFC 5280, 5), and the last look at one before it is
 * signed. Pure: the time is an argument. */
#ifndef SIGNET_X509_CRL_H
#define SIGNET_X509_CRL_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/revocation.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define CRL_SERIAL_MAX 20	/* RFC 5280, 4.1.2.2 */
#define CRL_SHARDS_MAX 256
#define CRL_LIFETIME_MAX (10 * 86400)	/* CABF BR 4.9.7: nextUpdate within ten days */
#define CRL_PATH_SIZE 30	/* "/crl/", 16 hexadecimal digits, "/255.crl", NUL */

struct crl_entry {
	uint8_t			serial[CRL_SERIAL_MAX];
	size_t			serial_len;
	int64_t			revoked;	/* seconds since 1970 */
	enum revocation_reason	reason;
};

struct crl {
	X509			*issuer;
	uint64_t		 number;
	int64_t			 this_update, next_update;
	const char		*url;		/* the issuing distribution point, as the certificates' CDP says it */
	const struct crl_entry	*entries;
	size_t			 count;
};

/* Appends a whole CRL, signed by a throw-away key of the issuer's type: version 2, sorted, with AKI, CRLNumber and a
 * critical issuing distribution point. ERR_MALFORMED: a serial or reason that can't be; ERR_CRYPTO, ERR_MEMORY. */
enum err crl_build(const struct crl *, EVP_PKEY *throwaway, struct buf *out, struct reason *);
/* What must be true of it. ERR_DENIED with what is wrong. */
enum err crl_lint(struct slice der, const struct crl *, int64_t now, struct reason *);
/* Appends the same list with this key's signature. der is what crl_build() made with a key of that type; else abort(). */
enum err crl_sign(struct slice der, EVP_PKEY *issuer_key, struct buf *out);

/* Where the plain listener serves an issuer's shard: "/crl/HEX/N.crl", HEX being the first 8 bytes of the issuer's
 * fingerprint. */
void	 crl_path(const uint8_t fingerprint[32], unsigned shard, char out[CRL_PATH_SIZE]);
/* Which shard a new certificate belongs to: serials are random, so their last byte will do. */
unsigned crl_shard(const uint8_t *serial, size_t len, unsigned shards);
/* The shard that a certificate's own CRL distribution point names; 0 when it names none of ours. */
unsigned crl_shard_of(X509 *);

#endif
