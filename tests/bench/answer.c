#include "tests/bench/answer.h"

#include <string.h>

/* RFC 1035, 4.1.2: labels, then type and class. Returns where the question ends, or 0. */
static size_t
question_end(const uint8_t *bytes, size_t len)
{
	size_t at = 12;

	while (at < len && bytes[at] != 0 && bytes[at] < 64)
		at += (size_t)bytes[at] + 1;
	return at + 5 > len || bytes[at] != 0 || at > 12 + 255 ? 0 : at + 5;
}

size_t
dns_answer(const uint8_t *question, size_t len, uint8_t out[DNS_ANSWER_MAX])
{
	/* A pointer to the name at 12; A, IN, no time to live, 4 bytes. */
	static const uint8_t a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1 };
	size_t end;
	bool address;

	if (len < 12 || (question[2] & 0x80) != 0 || question[4] != 0 || question[5] != 1 ||
	    (end = question_end(question, len)) == 0)
		return 0;
	address = question[end - 4] == 0 && question[end - 3] == 1;
	memcpy(out, question, end);
	out[2] = (uint8_t)(0x84 | (question[2] & 0x79)); /* a reply, authoritative; opcode and RD as asked */
	out[3] = 0x80; /* recursion available, NOERROR */
	memset(out + 6, 0, 6);
	if (!address)
		return end;
	out[7] = 1;
	memcpy(out + end, a, sizeof(a));
	return end + sizeof(a);
}

bool
http_token(const uint8_t *request, size_t len, char *token, size_t size)
{
	static const char prefix[] = "GET /.well-known/acme-challenge/";
	const uint8_t *at, *end;

	if (len < sizeof(prefix) || memcmp(request, prefix, sizeof(prefix) - 1) != 0)
		return false;
	at = request + sizeof(prefix) - 1;
	end = memchr(at, ' ', len - (sizeof(prefix) - 1));
	if (end == NULL || (size_t)(end - at) >= size)
		return false;
	memcpy(token, at, (size_t)(end - at));
	token[end - at] = '\0';
	return true;
}
