#include "pebble-compat/golog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096	/* PIPE_BUF: lines of several threads don't mix in a pipe */

static const char *line_prefix = "";

void
golog_open(const char *prefix)
{
	line_prefix = prefix;
}

void
golog(const char *format, ...)
{
	char		 line[LINE_MAX_BYTES];
	time_t		 now = time(NULL);
	struct tm	 tm;
	va_list		 args;
	size_t		 start, len;
	ssize_t		 written;

	localtime_r(&now, &tm);
	start = (size_t)snprintf(line, sizeof(line), "%s", line_prefix);
	start += strftime(line + start, sizeof(line) - start, "%Y/%m/%d %H:%M:%S ", &tm);
	va_start(args, format);
	vsnprintf(line + start, sizeof(line) - start - 1, format, args);
	va_end(args);
	len = strlen(line);
	for (size_t i = start; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	/* A log that nobody reads any more is no reason to stop. */
	written = write(STDOUT_FILENO, line, len);
	(void)written;
}
