/* record.h: what clients were told, one JSON object a line, flushed at once, for a later comparison with the
 * server's database and ledger. From any thread; without an open file nothing happens. */
#ifndef SIGNET_BENCH_RECORD_H
#define SIGNET_BENCH_RECORD_H

#include <openssl/x509.h>

#include "lib/buf.h"

void record_open(const char *path);	/* NULL: off; exits when it can't be opened */
void record_account(const char *url);
void record_order(const char *account, const char *order, const char *status);
void record_certificate(const char *account, const char *order, X509 *leaf, struct slice pem);
void record_failure(const char *order, const char *kind, const char *detail);

#endif
