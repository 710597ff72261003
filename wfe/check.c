#include "wfe/check.h"

#include <string.h>
#include <strings.h>

#define JOSE_JSON "application/jose+json"

bool
media_type_is_jose(const char *value)
{
	size_t len = strlen(JOSE_JSON);

	if (value == NULL)
		return false;
	value += strspn(value, " \t");
	if (strncasecmp(value, JOSE_JSON, len) != 0)
		return false;
	value += len;
	value += strspn(value, " \t");
	return *value == '\0' || *value == ';';
}

bool
encoding_is_identity(const char *value)
{
	return value == NULL || *value == '\0' || strcasecmp(value, "identity") == 0;
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
