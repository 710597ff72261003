/* certid.h: how RFC 9773, 4.1, names a certificate: base64url of the authority's key identifier, a period, base64url
 * of the serial number's DER value; no padding. Pure. */
#ifndef SIGNET_ACME_CERTID_H
#define SIGNET_ACME_CERTID_H

#include <stdbool.h>

#include "lib/buf.h"

#define CERTID_KEY_ID_MAX 32 /* RFC 5280, 4.2.1.2, has 20; RFC 7093 up to 32 */
#define CERTID_SERIAL_MAX 20 /* RFC 5280, 4.1.2.2 */

struct certid {
	uint8_t key_id[CERTID_KEY_ID_MAX];
	size_t key_id_len;
	uint8_t serial[CERTID_SERIAL_MAX]; /* as in DER: positive, in the fewest bytes */
	size_t serial_len;
};

/* Strict: each certificate has one name only. False: it is none. */
bool certid_parse(const char *text, struct certid *out);
void certid_put(struct buf *out, const struct certid *);

#endif
