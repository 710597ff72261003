#include "va/hosts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\f\v"
#define WORD_MAX 253		/* the longest name: RFC 1035, 3.1, as text */

struct host {
	struct address	 address;
	char		*name;
};

struct hosts {
	struct host	*items;
	size_t		 count, room;
};

static bool
add(struct hosts *hosts, const struct address *address, struct slice name)
{
	size_t		 room = hosts->room > 0 ? hosts->room * 2 : 16;
	struct host	*items;

	if (hosts->count == hosts->room) {
		if ((items = realloc(hosts->items, room * sizeof(*items))) == NULL)
			return false;
		hosts->items = items;
		hosts->room = room;
	}
	hosts->items[hosts->count] = (struct host){ *address, slice_dup(name) };
	return hosts->items[hosts->count].name != NULL ? ++hosts->count > 0 : false;
}

/* The next word, and what comes after it; empty at the line's end. */
static struct slice
word_take(struct slice *line)
{
	struct slice	word;
	size_t		start = 0, end;

	while (start < line->len && memchr(BLANKS, line->data[start], strlen(BLANKS)) != NULL)
		start++;
	for (end = start; end < line->len && memchr(BLANKS, line->data[end], strlen(BLANKS)) == NULL; end++)
		;
	word = slice_of(line->data + start, end - start);
	*line = slice_of(line->data + end, line->len - end);
	return word;
}

static bool
line_read(struct hosts *hosts, struct slice line)
{
	struct slice	word = word_take(&line);
	struct address	address;
	char		text[WORD_MAX + 1];

	if (word.len == 0 || word.len > WORD_MAX)
		return true;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	if (strlen(text) != word.len || !address_parse(text, &address))
		return true;
	while ((word = word_take(&line)).len > 0) {
		if (word.len <= WORD_MAX && memchr(word.data, '\0', word.len) == NULL && !add(hosts, &address, word))
			return false;
	}
	return true;
}

struct hosts *
hosts_read(struct slice text)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));

	while (hosts != NULL && text.len > 0) {
		const uint8_t	*newline = memchr(text.data, '\n', text.len);
		size_t		 len = newline != NULL ? (size_t)(newline - text.data) : text.len;
		const uint8_t	*comment = memchr(text.data, '#', len);

		if (!line_read(hosts, slice_of(text.data, comment != NULL ? (size_t)(comment - text.data) : len))) {
			hosts_free(hosts);
			return NULL;
		}
		len += newline != NULL;
		text = slice_of(text.data + len, text.len - len);
	}
	return hosts;
}

void
hosts_free(struct hosts *hosts)
{
	if (hosts == NULL)
		return;
	for (size_t i = 0; i < hosts->count; i++)
		free(hosts->items[i].name);
	free(hosts->items);
	free(hosts);
}

size_t
hosts_find(const struct hosts *hosts, const char *name, struct address *out, size_t max)
{
	static const int	families[] = { AF_INET6, AF_INET };
	size_t			count = 0;

	for (size_t f = 0; hosts != NULL && f < 2; f++) {
		for (size_t i = 0; i < hosts->count && count < max; i++) {
			if (hosts->items[i].address.family == families[f] &&
			    strcasecmp(hosts->items[i].name, name) == 0)
				out[count++] = hosts->items[i].address;
		}
	}
	return count;
}
