/* log.c: structured lines on standard error.
 *
 * Text:  2026-11-23T14:49:48.123Z info wfe request done status=201 url="https://ca.test/a b"
 * JSON:  {"time":"2026-11-23T14:49:48.123Z","level":"info","role":"wfe","event":"request done","status":201}
 *
 * A line is built on the stack and never longer than LINE_MAX_SIZE, so that logging can't fail for want
 * of memory. What is too long is cut, and the line says so. */
#include "lib/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/utf8.h"

#define LINE_MAX_SIZE 8192	/* more than the longest problem detail with a chain of addresses */
#define LINE_TAIL 32		/* kept free for the end: "...\" cut=true\n" and JSON's */

struct line {
	char	 text[LINE_MAX_SIZE];
	size_t	 len;
	bool	 cut;		/* nothing more is taken, but the tail */
};

static _Atomic(const char *)	log_role = "signet";
static _Atomic enum log_level	log_level = LOG_INFO;
static _Atomic enum log_format	log_format = LOG_TEXT;

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
};

void
log_open(const char *role, enum log_level level, enum log_format format)
{
	atomic_store(&log_role, role);
	atomic_store(&log_level, level);
	atomic_store(&log_format, format);
}

/* All of it or nothing: an escape sequence or a character is never cut in two. */
static void
line_put(struct line *line, const char *data, size_t len)
{
	if (line->cut || line->len + len > sizeof(line->text) - LINE_TAIL) {
		line->cut = true;
		return;
	}
	memcpy(line->text + line->len, data, len);
	line->len += len;
}

static void
line_put_str(struct line *line, const char *s)
{
	line_put(line, s, strlen(s));
}

static void
line_end(struct line *line, const char *s)
{
	size_t	 len = strlen(s);

	memcpy(line->text + line->len, s, len);	/* LINE_TAIL keeps room */
	line->len += len;
}

/* One character: itself, or escaped when it could forge a line, steer a terminal or break JSON. C1
 * controls are C2 80 to C2 9F in UTF-8. Returns the bytes taken from s. */
static size_t
line_put_char(struct line *line, const char *s, size_t len, bool json)
{
	unsigned char	 c = (unsigned char)s[0];
	size_t		 n = utf8_length(s, len);
	char		 escape[8];

	if (n == 0)
		snprintf(escape, sizeof(escape), json ? "\\ufffd" : "\\x%02x", c);
	else if (c == '"' || c == '\\')
		snprintf(escape, sizeof(escape), "\\%c", c);
	else if (c == '\n')
		snprintf(escape, sizeof(escape), "\\n");
	else if (c < 0x20 || c == 0x7f)
		snprintf(escape, sizeof(escape), json ? "\\u%04x" : "\\x%02x", c);
	else if (c == 0xc2 && (unsigned char)s[1] < 0xa0)
		snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)s[1]);
	else {
		line_put(line, s, n);
		return n;
	}
	line_put_str(line, escape);
	return n == 0 ? 1 : n;
}

/* The closing quote goes past the limit, into the tail, so that a cut value is still a whole string. */
static void
line_put_quoted(struct line *line, const char *s, bool json)
{
	size_t	 left = strlen(s), n;

	line_put(line, "\"", 1);
	if (line->cut)
		return;
	for (; left > 0 && !line->cut; s += n, left -= n)
		n = line_put_char(line, s, left, json);
	line_end(line, line->cut ? "...\"" : "\"");
}

static bool
text_is_bare(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f || *s == '"' || *s == '\\' ||
		    *s == '=')
			return false;
	return true;
}

static void
line_put_field(struct line *line, const struct log_field *field, bool json)
{
	size_t	 before = line->len;
	char	 number[24];

	if (json) {
		line_put(line, ",", 1);
		line_put_quoted(line, field->key, true);
		line_put(line, ":", 1);
	} else {
		line_put(line, " ", 1);
		line_put_str(line, field->key);
		line_put(line, "=", 1);
	}
	/* A value that can't even begin takes its key along. */
	if (line->cut || line->len + LINE_TAIL + sizeof(number) > sizeof(line->text)) {
		line->len = before;
		line->cut = true;
		return;
	}
	if (field->text == NULL) {
		snprintf(number, sizeof(number), "%" PRId64, field->number);
		line_put_str(line, number);
	} else if (!json && text_is_bare(field->text) &&
	    strlen(field->text) < sizeof(line->text) - LINE_TAIL - line->len) {
		line_put_str(line, field->text);
	} else {
		line_put_quoted(line, field->text, json);
	}
}

static void
line_put_text(struct line *line, const char *text)
{
	for (size_t left = strlen(text), n; left > 0 && !line->cut; text += n, left -= n)
		n = line_put_char(line, text, left, false);
}

/* "Pebble 2006/01/02 15:04:05 ", which test suites cut off. */
static void
line_put_pebble(struct line *line, const char *event)
{
	char	 time[CLOCK_RFC3339_SIZE], head[40];

	clock_rfc3339(clock_now(), time);
	snprintf(head, sizeof(head), "Pebble %.4s/%.2s/%.2s %.8s ", time, time + 5, time + 8, time + 11);
	line_put_str(line, head);
	line_put_text(line, event);
}

static void
line_put_head(struct line *line, enum log_level level, const char *event, bool json)
{
	int64_t	 ms = clock_now_ms();
	char	 time[CLOCK_RFC3339_SIZE], fraction[8];

	clock_rfc3339(ms / 1000, time);
	time[CLOCK_RFC3339_SIZE - 2] = '\0';	/* the fraction goes before the Z */
	snprintf(fraction, sizeof(fraction), ".%03dZ", (int)(ms % 1000));
	line_put_str(line, json ? "{\"time\":\"" : "");
	line_put_str(line, time);
	line_put_str(line, fraction);
	line_put_str(line, json ? "\",\"level\":\"" : " ");
	line_put_str(line, level_names[level]);
	line_put_str(line, json ? "\",\"role\":\"" : " ");
	line_put_str(line, atomic_load_explicit(&log_role, memory_order_relaxed));
	if (json) {
		line_put_str(line, "\",\"event\":");
		line_put_quoted(line, event, true);
		return;
	}
	line_put(line, " ", 1);
	line_put_text(line, event);
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	struct line	 line;
	bool		 json;
	int		 saved = errno;
	ssize_t		 n;

	if (level < atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	json = atomic_load_explicit(&log_format, memory_order_relaxed) == LOG_JSON;
	line.len = 0;
	line.cut = false;
	if (atomic_load_explicit(&log_format, memory_order_relaxed) == LOG_PEBBLE)
		line_put_pebble(&line, event);
	else
		line_put_head(&line, level, event, json);
	for (size_t i = 0; i < count && !line.cut; i++)
		line_put_field(&line, &fields[i], json);
	if (line.cut)
		line_end(&line, json ? ",\"cut\":true" : " cut=true");
	line_end(&line, json ? "}\n" : "\n");
	/* A full pipe loses the line: a log must not stop the service. */
	do
		n = write(STDERR_FILENO, line.text, line.len);
	while (n < 0 && errno == EINTR);
	errno = saved;
}
