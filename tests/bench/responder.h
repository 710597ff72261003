/* responder.h: what the validated names point at: responders of http-01 and tls-alpn-01 and a DNS server (UDP and
 * TCP), one thread, all on 127.0.0.1. Every name has the address 127.0.0.1, and the TXT records that were added. */
#ifndef SIGNET_BENCH_RESPONDER_H
#define SIGNET_BENCH_RESPONDER_H

#include <openssl/x509.h>
#include <stdint.h>

/* Starts the thread; exits with a message when a port is taken. */
void responder_start(uint16_t http_port, uint16_t dns_port, uint16_t tls_port);
/* From now on key is answered for: a token by http-01 with value as the body, a name by DNS with value as its TXT
 * record, or, with certificate (taken over), a server name by TLS. From any thread. */
void responder_add(const char *key, const char *value, X509 *certificate);
void responder_remove(const char *key);
/* The key of every certificate that responder_add() is given. Made by responder_start(). */
EVP_PKEY *responder_tls_key(void);
/* CPU seconds its thread has used. */
double responder_cpu(void);

#endif
