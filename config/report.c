#include "config/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A complaint goes to a terminal and quotes the file: nothing in it may act on the terminal. Bytes below
 * 0x20, 0x7f and the C1 controls (U+0080 to U+009F, 0xc2 0x80 to 0xc2 0x9f in UTF-8) become '?'. */
static void
printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			p[0] = p[1] = '?';
}

/* Drops the last character when the limit cut it in two. */
static void
whole_utf8(char *text)
{
	size_t	len = strlen(text), i = len;
	size_t	need;

	while (i > 0 && ((unsigned char)text[i - 1] & 0xc0) == 0x80)
		i--;
	if (i == 0)
		return;
	i--;
	need = (unsigned char)text[i] >= 0xf0 ? 4 : (unsigned char)text[i] >= 0xe0 ? 3
	     : (unsigned char)text[i] >= 0xc0 ? 2 : 1;
	if (len - i < need)
		text[i] = '\0';
}

static bool
report_room(struct report *r)
{
	struct complaint	*items;
	size_t			 cap = r->cap == 0 ? 16 : r->cap * 2;

	if (r->count < r->cap)
		return true;
	items = realloc(r->items, cap * sizeof(*items));
	if (items == NULL)
		return false;
	r->items = items;
	r->cap = cap;
	return true;
}

void
report_add(struct report *r, size_t line, const char *key, const char *format, ...)
{
	char	text[COMPLAINT_MAX];
	va_list	ap;
	int	n;

	n = snprintf(text, sizeof(text), "%.*s: ", KEY_PATH_MAX, key);
	va_start(ap, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, ap);
	va_end(ap);
	whole_utf8(text);
	printable(text);

	if (!report_room(r) || (r->items[r->count].text = strdup(text)) == NULL) {
		r->failed = true;
		return;
	}
	r->items[r->count].line = line == 0 ? 1 : line;
	r->items[r->count].order = r->count;
	r->count++;
}

static int
by_line(const void *a, const void *b)
{
	const struct complaint	*x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void
report_print(struct report *r, const char *file, FILE *out)
{
	if (r->count > 1)
		qsort(r->items, r->count, sizeof(*r->items), by_line);
	for (size_t i = 0; i < r->count; i++)
		fprintf(out, "%s:%zu: %s\n", file, r->items[i].line, r->items[i].text);
}

void
report_free(struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->items[i].text);
	free(r->items);
	*r = (struct report){ 0 };
}
