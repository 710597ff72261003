/* buf.c: bytes that grow, and bytes that are borrowed. */
#include "lib/buf.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/memory.h"

#define BUF_FIRST 256	/* most log values, URLs and headers fit without growing again */

struct slice
slice_of(const void *data, size_t len)
{
	return (struct slice){ .data = data, .len = len };
}

struct slice
slice_str(const char *s)
{
	return slice_of(s, s ? strlen(s) : 0);
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
slice_eq_str(struct slice a, const char *s)
{
	return slice_eq(a, slice_str(s));
}

char *
slice_dup(struct slice s)
{
	char	*copy;

	if (s.len == SIZE_MAX || (s.len > 0 && memchr(s.data, 0, s.len) != NULL))
		return NULL;
	if ((copy = malloc(s.len + 1)) == NULL)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return copy;
}

/* Makes room for more bytes. The old bytes are overwritten, not just freed: what is being gathered may
 * be a secret, and buf_cleanse() can only reach the last place it stood in. */
static bool
buf_reserve(struct buf *b, size_t more)
{
	size_t	 need, cap;
	uint8_t	*data;

	if (b->failed)
		return false;
	if (more <= b->cap - b->len)
		return true;
	b->failed = true;
	if (more > SIZE_MAX / 2 - b->len)
		return false;
	need = b->len + more;
	for (cap = b->cap > 0 ? b->cap : BUF_FIRST; cap < need;)
		cap *= 2;
	if ((data = memory_get(cap)) == NULL)
		return false;
	if (b->data != NULL) {
		memcpy(data, b->data, b->len);
		OPENSSL_cleanse(b->data, b->len);
		free(b->data);
	}
	b->data = data;
	b->cap = cap;
	b->failed = false;
	return true;
}

void
buf_put(struct buf *b, const void *data, size_t len)
{
	if (len == 0 || !buf_reserve(b, len))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void
buf_put_byte(struct buf *b, uint8_t byte)
{
	buf_put(b, &byte, 1);
}

void
buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list	 ap;
	int	 len;

	va_start(ap, format);
	len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (len < 0) {
		b->failed = true;
		return;
	}
	/* The NUL that vsnprintf writes needs room too, but is not part of the bytes. */
	if (!buf_reserve(b, (size_t)len + 1))
		return;
	va_start(ap, format);
	vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, ap);
	va_end(ap);
	b->len += (size_t)len;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
}

void
buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	free(b->data);
	*b = (struct buf){ 0 };
}

void
buf_cleanse(struct buf *b)
{
	if (b == NULL)
		return;
	if (b->data != NULL)
		OPENSSL_cleanse(b->data, b->cap);
	buf_free(b);
}

struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->data, b->len);
}

char *
buf_take_str(struct buf *b)
{
	char	*s;

	buf_put_byte(b, 0);
	if (b->failed) {
		buf_free(b);
		return NULL;
	}
	s = (char *)b->data;
	*b = (struct buf){ 0 };
	return s;
}
