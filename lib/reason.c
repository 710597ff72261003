/* reason.c: why hostile input was refused. */
#include "lib/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

void
reason_set(struct reason *reason, const char *format, ...)
{
	char	 text[REASON_MAX];
	size_t	 len, n, out = 0;
	va_list	 ap;
	int	 full;

	if (reason == NULL)
		return;
	va_start(ap, format);
	full = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (full < 0)
		text[0] = '\0';
	len = strlen(text);
	/* What isn't UTF-8 goes too, or the problem document could not be written as JSON. */
	for (size_t i = 0; i < len; i += n) {
		if ((n = utf8_length(text + i, len - i)) == 0) {
			if ((size_t)full > len && len - i < 4)
				break;	/* the character that the limit cut in two */
			reason->text[out++] = '?';
			n = 1;
		} else if (n == 1 && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)) {
			reason->text[out++] = '?';
		} else {
			memcpy(reason->text + out, text + i, n);
			out += n;
		}
	}
	reason->text[out] = '\0';
}
