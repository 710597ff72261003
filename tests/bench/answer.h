/* answer.h: the bytes of the responder's requests and replies. Pure. */
#ifndef SIGNET_BENCH_ANSWER_H
#define SIGNET_BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_ANSWER_MAX 1024	/* a question of 300 bytes and a TXT record of 255 */

#define DNS_NAME_MAX 256
/* The name, in lower case, that a DNS question wants the TXT record of. False: it asks for something else. */
bool dns_txt_name(const uint8_t *question, size_t len, char name[DNS_NAME_MAX]);
/* The reply to a DNS question: A is 127.0.0.1, TXT is txt (at most 255 bytes) unless that is NULL, any other type is
 * NOERROR without data. 0: not a question. */
size_t dns_answer(const uint8_t *question, size_t len, const char *txt, uint8_t out[DNS_ANSWER_MAX]);
/* The token that an HTTP request asks for (RFC 8555, 8.3). False: it asks for something else. */
bool http_token(const uint8_t *request, size_t len, char *token, size_t size);

#endif
