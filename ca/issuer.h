/* issuer.h: one issuing certificate with its key, and the only function that signs for others. */
#ifndef SIGNET_CA_ISSUER_H
#define SIGNET_CA_ISSUER_H

#include <openssl/x509.h>

#include "config/config.h"
#include "ipc/msg.h"
#include "lib/err.h"
#include "x509/certificate.h"
#include "x509/constraints.h"
#include "x509/crl.h"
#include "x509/lint.h"

struct issuer {
	X509 *cert;
	STACK_OF(X509) * chain; /* cert, and those above it in its file */
	struct constraints *constraints; /* of all of them, or NULL */
	EVP_PKEY *key;
	EVP_PKEY *throwaway; /* of the same kind; signs what is linted, and nothing that leaves */
	struct buf der;
	uint8_t fingerprint[FINGERPRINT_SIZE];
	int64_t not_before, not_after;
	char *url; /* of its certificate, or NULL: certificates name none */
	const char *crl_base; /* borrowed: its CRLs' URLs begin so; NULL: certificates name none */
	unsigned crl_shards;
	const char *ocsp_url; /* borrowed; NULL: certificates name none. Set by who opens it */
	bool short_serials; /* of 63 bits; set by who opens it */
};

/* Notbefore lies this far in the past, for clients whose clocks are late. */
#define ISSUER_BACKDATE 300
/* An order may ask for an earlier one, up to here. */
#define ISSUER_BACKDATE_MAX 3600

/* Reads and checks the pair. ERR_CONFIG with what is wrong and in which file. */
enum err issuer_open(const char *dir, const struct issuer_config *, struct issuer *out, struct reason *);
void issuer_close(struct issuer *);
/* Where its certificate and its CRLs are served, from now on in what it signs. base is borrowed; "" or NULL: nowhere.
 * ERR_MEMORY. */
enum err issuer_publish(struct issuer *, const char *base, unsigned crl_shards);
/* Builds the certificate, signs it with the throw-away key, lints that, and signs for real. The serial is
 * drawn here, and the issuer's URLs are its own. Appends the DER. ERR_DENIED: a lint complained, and of the names that one
 * complains about each is a subproblem (NULL: nobody asks); ERR_CRYPTO, ERR_MEMORY. */
enum err issuer_sign(const struct issuer *, const struct leaf *, const struct lint_context *,
    uint8_t serial[SERIAL_SIZE], struct buf *der, struct reason *, struct problem *);
/* The serial's octets as they stand in the certificate: a short one begins with zeros in our array. */
struct slice serial_octets(const uint8_t serial[SERIAL_SIZE]);
/* The URL of one of its CRLs, owned by the caller; NULL: no memory. Only with a crl_base. */
char *issuer_crl_url(const struct issuer *, unsigned shard);
/* The same for a CRL of entries and times; issuer and url are filled in here. ERR_MALFORMED: entries that can't be. */
enum err issuer_sign_crl(
    const struct issuer *, const struct crl *, unsigned shard, int64_t now, struct buf *der, struct reason *);

#endif
