#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/name.h"

#define NAME_MAX_BYTES 253	/* RFC 1035, 3.1, in text form */
#define LABEL_MAX 63
#define WORD_MAX 40		/* the longest key has 24 */

static bool
letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
name_check(const char *text)
{
	size_t	len = strlen(text), label = 0;
	bool	digits = true;

	if (len == 0 || len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i <= len; i++) {
		char c = text[i];

		if (c == '.' || c == '\0') {
			if (label == 0 || label > LABEL_MAX || text[i - 1] == '-')
				return false;
			if (c == '.')
				digits = true;
			label = 0;
			continue;
		}
		if (!letter_or_digit(c) && (c != '-' || label == 0))
			return false;
		digits = digits && c >= '0' && c <= '9';
		label++;
	}
	/* A last label of digits is what makes a text an IPv4 address, good or bad (RFC 1123, 2.1). */
	return !digits;
}

static bool
port_parse(const char *text, uint16_t *port)
{
	size_t	len = strlen(text);
	long	n;

	if (len == 0 || len > 5 || text[0] == '0' || strspn(text, "0123456789") != len)
		return false;
	n = strtol(text, NULL, 10);
	*port = (uint16_t)n;
	return n <= 65535;
}

bool
config_listen_address(const char *text, char *host, size_t size, uint16_t *port)
{
	size_t	len = strlen(text);
	char	some[300];

	if (len < 2 || strcmp(text + len - 2, ":0") != 0 || len + 1 > sizeof(some))
		return config_address(text, host, size, port);
	memcpy(some, text, len + 1);
	some[len - 1] = '1';	/* any port: only the host is looked at */
	if (!config_address(some, host, size, port))
		return false;
	*port = 0;
	return true;
}

bool
config_address(const char *text, char *host, size_t size, uint16_t *port)
{
	const char	*colon = strrchr(text, ':'), *start = text;
	struct in6_addr	 v6;
	struct in_addr	 v4;
	size_t		 len;
	bool		 brackets;

	if (colon == NULL || !port_parse(colon + 1, port))
		return false;
	len = (size_t)(colon - text);
	brackets = text[0] == '[';
	if (brackets) {
		if (len < 2 || text[len - 1] != ']')
			return false;
		start++;
		len -= 2;
	}
	if (len >= size)
		return false;
	memcpy(host, start, len);
	host[len] = '\0';
	if (brackets)
		return inet_pton(AF_INET6, host, &v6) == 1;
	return len == 0 || inet_pton(AF_INET, host, &v4) == 1 || name_check(host);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Damerau's distance with adjacent swaps; row by row. */
size_t
edit_distance(const char *a, const char *b)
{
	size_t	rows[3][WORD_MAX + 1];
	size_t	n = strlen(a), m = strlen(b);
	size_t	*before = rows[0], *last = rows[1], *now = rows[2], *spare;

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= m; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; i <= n; i++) {
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = least(least(now[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}
