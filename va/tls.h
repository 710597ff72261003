/* tls.h: TLS 1.3 between the primary and a perspective. Each knows the other's public key, from the configuration, and
 * nothing else in a certificate counts: no name, no date, no chain. */
#ifndef SIGNET_VA_TLS_H
#define SIGNET_VA_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#define TLS_PERSPECTIVE_PROTOCOL "signet-perspective/1"	/* ALPN: no other protocol's bytes are taken for ours */

/* A side whose own key is this one and that talks to that peer alone. Both outlive it. NULL: no memory, or OpenSSL's
 * configuration forbids what is needed. Reads what OpenSSL reads: before the sandbox. */
SSL_CTX	*tls_context(bool server, EVP_PKEY *own, EVP_PKEY *peer);

#endif
