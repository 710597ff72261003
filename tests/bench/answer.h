/* answer.h: the bytes of the responder's requests and replies. Pure. */
#ifndef SIGNET_BENCH_ANSWER_H
#define SIGNET_BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_ANSWER_MAX 512	/* RFC 1035, 4.2.1; ours are below 300 */

/* The reply to a DNS question: A is 127.0.0.1, any other type NOERROR without data. 0: not a question. */
size_t dns_answer(const uint8_t *question, size_t len, uint8_t out[DNS_ANSWER_MAX]);
/* The token that an HTTP request asks for (RFC 8555, 8.3). False: it asks for something else. */
bool http_token(const uint8_t *request, size_t len, char *token, size_t size);

#endif
