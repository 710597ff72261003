/* tls.h: the responder's end of a tls-alpn-01 connection (RFC 8737, 3): a handshake, and no more. */
#ifndef SIGNET_BENCH_TLS_H
#define SIGNET_BENCH_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* find: the certificate for a server name, which the caller of find frees, or NULL. Aborts when OpenSSL fails. */
SSL_CTX *tls_new(EVP_PKEY *key, X509 *(*find)(const char *name));
SSL *tls_accept(SSL_CTX *, int fd);
/* Goes on with the handshake. True when it is over, well or not. */
bool tls_go_on(SSL *);

#endif
