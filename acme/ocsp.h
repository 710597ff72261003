/* ocsp.h: what the Online Certificate Status Protocol asks and says (RFC 6960), as our processes tell each other. Pure. */
#ifndef SIGNET_ACME_OCSP_H
#define SIGNET_ACME_OCSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/revocation.h"

#define OCSP_REQUEST_MAX 8192	/* one certificate takes 100 bytes; a signed request brings certificates along */
#define OCSP_RESPONSE_MAX 8192	/* of OCSP_IDS_MAX certificates: 2.5 KiB and a signature */
#define OCSP_IDS_MAX 16		/* TLS servers ask for one, some for each of their chain */
#define OCSP_NONCE_MAX 128	/* RFC 9654, 2.1 */
#define OCSP_HASH_MAX 32
#define OCSP_SERIAL_MAX 20	/* RFC 5280, 4.1.2.2 */

enum ocsp_hash { OCSP_SHA1 = 1, OCSP_SHA256, OCSP_HASH_COUNT };
size_t ocsp_hash_size(enum ocsp_hash);

/* CertID (RFC 6960, 4.1.1) */
struct ocsp_id {
	enum ocsp_hash	 hash;
	uint8_t		 name[OCSP_HASH_MAX];	/* of the issuer's name, and of its key: ocsp_hash_size() bytes */
	uint8_t		 key[OCSP_HASH_MAX];
	uint8_t		 serial[OCSP_SERIAL_MAX];	/* without a sign octet */
	size_t		 serial_len;		/* 1 to 20 */
};

struct ocsp_request {
	size_t		 count;			/* 1 to OCSP_IDS_MAX */
	struct ocsp_id	 ids[OCSP_IDS_MAX];
	uint8_t		 nonce[OCSP_NONCE_MAX];
	size_t		 nonce_len;		/* 0: none */
};

/* OCSPResponseStatus (RFC 6960, 4.2.1) */
enum ocsp_status {
	OCSP_SUCCESSFUL = 0,
	OCSP_MALFORMED_REQUEST = 1,
	OCSP_INTERNAL_ERROR = 2,
	OCSP_TRY_LATER = 3,
	OCSP_UNAUTHORIZED = 6		/* RFC 5019, 2.2.3: we can't say anything about it */
};
bool	 ocsp_status_known(unsigned);
enum ocsp_cert_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };
struct ocsp_single {
	struct ocsp_id		 id;
	enum ocsp_cert_status	 status;
	int64_t			 revoked;	/* seconds since 1970, when it is OCSP_REVOKED */
	enum revocation_reason	 reason;	/* the same */
};

#endif
