/* issuers.h: the certificates above the leaf. Read at the start, constant from then on. */
#ifndef SIGNET_RA_ISSUERS_H
#define SIGNET_RA_ISSUERS_H

#include "config/config.h"
#include "ipc/msg.h"
#include "storage/storage.h"
#include "x509/constraints.h"

#define FINGERPRINT_TEXT_SIZE (2 * FINGERPRINT_SIZE + 1) /* in hex, as issuer URLs have it */

struct issuer {
	uint8_t fingerprint[FINGERPRINT_SIZE];
	struct buf der, pem;
};

/* From the issuer's certificate up. */
struct chain {
	struct issuer *certs;
	size_t count;
};

/* One configured issuer. The first chain is its own file's and begins with the certificate that ca signs by; the
 * others are its alternates (RFC 8555, 7.4.2). */
struct chains {
	struct chain *items;
	size_t count;
	struct constraints *constraints; /* of the first chain; NULL: none */
};

struct issuers {
	struct chains *items;
	size_t count;
};

/* Reads what the configuration names. ERR_CONFIG and others with the file and what is wrong. */
enum err issuers_open(const struct config *, struct issuers *out, struct reason *);
/* The database keeps them too, for the day when the configuration names others. */
enum err issuers_store(const struct issuers *, struct storage *);

/* The chains of the issuer with that fingerprint; NULL: it is configured no more. */
const struct chains *issuers_find(const struct issuers *, const uint8_t fingerprint[FINGERPRINT_SIZE]);
/* The certificate above that one, in any chain; NULL: none is known. */
const struct issuer *issuers_above(const struct issuers *, const uint8_t fingerprint[FINGERPRINT_SIZE]);

void fingerprint_text(const uint8_t fingerprint[FINGERPRINT_SIZE], char out[FINGERPRINT_TEXT_SIZE]);
/* False unless text is exactly what fingerprint_text() gives for some fingerprint. */
bool fingerprint_parse(const char *text, uint8_t out[FINGERPRINT_SIZE]);

#endif
