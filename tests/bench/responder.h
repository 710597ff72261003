/* responder.h: what the validated names point at: an http-01 responder and a DNS server (UDP and TCP), one
 * thread, both on 127.0.0.1. Every name has the address 127.0.0.1 and no other record. */
#ifndef SIGNET_BENCH_RESPONDER_H
#define SIGNET_BENCH_RESPONDER_H

#include <stdint.h>

/* Starts the thread; exits with a message when a port is taken. */
void responder_start(uint16_t http_port, uint16_t dns_port);
/* From now on token is answered with its key authorization (RFC 8555, 8.3). From any thread. */
void responder_add(const char *token, const char *thumbprint);
void responder_remove(const char *token);
/* CPU seconds its thread has used. */
double responder_cpu(void);

#endif
