/* csr.h: PKCS #10 certification requests as finalize takes them (RFC 8555, 7.4). Pure. */
#ifndef SIGNET_X509_CSR_H
#define SIGNET_X509_CSR_H

#include <openssl/evp.h>
#include <stddef.h>

#include "acme/identifier.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define CSR_MAX 32768		/* RSA-4096 and 100 names of 253 bytes */

struct csr {
	EVP_PKEY		*key;		/* owned */
	struct identifier	*names;		/* owned; sorted, no duplicates; SANs and the CN together */
	size_t			 count;
	struct identifier	*asked;		/* owned; the same in the order in which they stand there */
	char			 common_name[IDENTIFIER_VALUE_SIZE];	/* "" when there is none; lower case */
	bool			 must_staple;	/* asks for TLS feature status_request (RFC 7633) */
	size_t			 strange;	/* CSR_NAMES_ONLY: DNS names beside them that nobody can have */
};

/* Strict DER without trailing bytes, version 1 (or 3, as some clients say), one request for extensions, self-signature
 * verified, SAN of DNS names and addresses only, at most one CN, which must be one of them. Extensions that a server
 * certificate can't have (CA:TRUE, unknown critical) are refused; keyUsage, extendedKeyUsage, subjectKeyIdentifier,
 * basicConstraints CA:FALSE are tolerated and ignored. The key has passed key_check(). On ERR_OK the caller owns *out.
 * ERR_MALFORMED, ERR_BAD_KEY, ERR_BAD_SIGNATURE, ERR_UNSUPPORTED, ERR_MEMORY. */
enum err csr_parse(struct slice der, struct csr **out, struct reason *);
/* The same with other rules, a set of these: CSR_UNVERIFIED as below; CSR_NAMES_ONLY: of what the request asks for only
 * DNS names, addresses and must-staple are looked at; nothing else in it is refused, and it may name nobody. */
enum csr_rule { CSR_UNVERIFIED = 1, CSR_NAMES_ONLY = 2 };
enum err csr_parse_by(struct slice der, unsigned rules, struct csr **out, struct reason *);
/* The same but for the self-signature, which stays unverified: for who only carries the request to somebody
 * who verifies it, and believes nothing of it until then. Never ERR_BAD_SIGNATURE. */
enum err csr_parse_unverified(struct slice der, struct csr **out, struct reason *);
void	 csr_free(struct csr *);

/* Only the key, for the server's own certificate, whose names ca takes from its configuration: the same
 * strictness, but whatever names and extensions are asked for are not looked at. The caller owns *out. */
enum err csr_parse_key(struct slice der, EVP_PKEY **out, struct reason *);

/* Whether the CSR's names are exactly the order's (both sorted by identifier_compare). When not, reason
 * names the first that is missing or too many. */
bool	 csr_names_match(const struct csr *, const struct identifier *sorted, size_t count,
    struct reason *);

#endif
