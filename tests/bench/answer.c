#include "tests/bench/answer.h"

#include <ctype.h>
#include <string.h>

#define DNS_A 1
#define DNS_TXT 16

/* RFC 1035, 4.1.2: labels, then type and class. Returns where the question ends, or 0. */
static size_t
question_end(const uint8_t *bytes, size_t len)
{
	size_t at = 12;

	while (at < len && bytes[at] != 0 && bytes[at] < 64)
		at += (size_t)bytes[at] + 1;
	return at + 5 > len || bytes[at] != 0 || at > 12 + 255 ? 0 : at + 5;
}

/* Whether it is one question that we understand; *end is behind it, *type what it wants. */
static bool
question_read(const uint8_t *question, size_t len, size_t *end, unsigned *type)
{
	if (len < 12 || (question[2] & 0x80) != 0 || question[4] != 0 || question[5] != 1 ||
	    (*end = question_end(question, len)) == 0)
		return false;
	*type = (unsigned)question[*end - 4] << 8 | question[*end - 3];
	return true;
}

bool
dns_txt_name(const uint8_t *question, size_t len, char name[DNS_NAME_MAX])
{
	size_t end, at = 12, n = 0;
	unsigned type;

	if (!question_read(question, len, &end, &type) || type != DNS_TXT)
		return false;
	while (question[at] != 0) {
		size_t label = question[at++];

		if (n > 0)
			name[n++] = '.';
		for (; label > 0; label--)
			name[n++] = (char)tolower(question[at++]);
	}
	name[n] = '\0';
	return true;
}

size_t
dns_answer(const uint8_t *question, size_t len, const char *txt, uint8_t out[DNS_ANSWER_MAX])
{
	/* A pointer to the name at 12; A or TXT, IN, no time to live. */
	static const uint8_t a[] = { 0xc0, 12, 0, DNS_A, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1 };
	static const uint8_t text[] = { 0xc0, 12, 0, DNS_TXT, 0, 1, 0, 0, 0, 0 };
	size_t end, n = txt != NULL ? strlen(txt) : 0;
	unsigned type;

	if (!question_read(question, len, &end, &type) || n > 255)
		return 0;
	memcpy(out, question, end);
	out[2] = (uint8_t)(0x84 | (question[2] & 0x79)); /* a reply, authoritative; opcode and RD as asked */
	out[3] = 0x80; /* recursion available, NOERROR */
	memset(out + 6, 0, 6);
	if (type == DNS_A) {
		memcpy(out + end, a, sizeof(a));
		end += sizeof(a);
	} else if (type == DNS_TXT && txt != NULL) {
		memcpy(out + end, text, sizeof(text));
		end += sizeof(text);
		out[end++] = (uint8_t)((n + 1) >> 8);
		out[end++] = (uint8_t)(n + 1);
		out[end++] = (uint8_t)n;
		memcpy(out + end, txt, n);
		end += n;
	} else
		return end;
	out[7] = 1;
	return end;
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
