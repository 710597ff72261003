#include "wfe/check.h"

#include <string.h>
#include <strings.h>

#include "lib/base64url.h"

static bool
media_type_is(const char *value, const char *type)
{
	size_t len = strlen(type);

	if (value == NULL)
		return false;
	value += strspn(value, " \t");
	if (strncasecmp(value, type, len) != 0)
		return false;
	value += len;
	value += strspn(value, " \t");
	return *value == '\0' || *value == ';';
}

bool
media_type_is_jose(const char *value)
{
	return media_type_is(value, "application/jose+json");
}

bool
media_type_is_ocsp(const char *value)
{
	return media_type_is(value, "application/ocsp-request");
}

bool
encoding_is_identity(const char *value)
{
	return value == NULL || *value == '\0' || strcasecmp(value, "identity") == 0;
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (uint8_t)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of base64 as base64url has it; 0: the text ended, or its escape is none. */
static uint8_t
character_next(struct slice *text)
{
	uint8_t c = text->data[0];
	size_t	len = 1;

	if (c == '%') {
		int high = text->len >= 3 ? hex_digit(text->data[1]) : -1;
		int low = text->len >= 3 ? hex_digit(text->data[2]) : -1;

		if (high < 0 || low < 0)
			return 0;
		c = (uint8_t)(high << 4 | low);
		len = 3;
	}
	*text = slice_of(text->data + len, text->len - len);
	return c == '+' ? '-' : c == '/' ? '_' : c;
}

bool
ocsp_path_decode(struct slice text, struct buf *der)
{
	struct buf plain = { 0 };
	bool	   ok = true;

	/* A URL in a certificate may end with a slash, and clients put one between. */
	while (text.len > 0 && text.data[0] == '/')
		text = slice_of(text.data + 1, text.len - 1);
	while (ok && text.len > 0) {
		uint8_t c = character_next(&text);

		ok = c != 0;
		buf_put_byte(&plain, c);
	}
	for (int i = 0; i < 2 && plain.len > 0 && plain.data[plain.len - 1] == '='; i++)
		plain.len--;
	ok = ok && !plain.failed && plain.len > 0 && base64url_get(buf_slice(&plain), der) == ERR_OK;
	buf_free(&plain);
	return ok;
}

static char
printable(char c)
{
	return c >= 0x20 && c < 0x7f ? c : '?';
}

bool
target_clean(const char *target, char *out, size_t size, bool *query)
{
	size_t i;

	*query = false;
	for (i = 0; target[i] != '\0' && target[i] != '?' && i < size - 1; i++)
		out[i] = printable(target[i]);
	out[i] = '\0';
	*query = strchr(target + i, '?') != NULL;
	return target[i] == '\0' || target[i] == '?';
}

void
text_clean(const char *text, char *out, size_t size)
{
	size_t i;

	for (i = 0; text != NULL && text[i] != '\0' && i < size - 1; i++)
		out[i] = printable(text[i]);
	out[i] = '\0';
}
