/* chain.h: an issuer's certificate with those above it, as a file of PEM certificates. Pure. */
#ifndef SIGNET_X509_CHAIN_H
#define SIGNET_X509_CHAIN_H

#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define CHAIN_MAX 8 /* certificates: path lengths of real PKIs end at three */

/* Reads the chain and checks that each certificate is signed by the one after it. issuer: the certificate that
 * this is another chain for, with its name and its key (a cross-sign); NULL for the issuer's own. On ERR_OK the
 * caller owns *out (sk_X509_pop_free). ERR_MALFORMED with the reason, ERR_MEMORY. */
enum err chain_read(struct slice pem, X509 *issuer, STACK_OF(X509) * *out, struct reason *);
/* A certs-only PKCS #7 of certificates in DER (RFC 5652, 5.1; RFC 8551, 3.8). Appends. */
enum err chain_pkcs7(const struct slice *ders, size_t count, struct buf *out);

#endif
