/* crl_entries.h: the longest part of a CRL, encoded at once: OpenSSL would make seven objects of each entry, and encode
 * them anew for each signature. Only for crl.c. */
#ifndef SIGNET_X509_CRL_ENTRIES_H
#define SIGNET_X509_CRL_ENTRIES_H

#include "x509/crl.h"

/* Appends revokedCertificates (RFC 5280, 5.1.2.6), sorted by serial; nothing when there is no entry. Serials have 1 to
 * CRL_SERIAL_MAX bytes, times are positive. ERR_MEMORY. */
enum err crl_entries_put(struct buf *, const struct crl_entry *, size_t count);

#endif
