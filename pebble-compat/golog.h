/* golog.h: lines on standard output as Go's log package writes them, which suites wait for:
 * "PREFIX2006/01/02 15:04:05 text", local time, one write(2) each. Safe from any thread. */
#ifndef SIGNET_PEBBLE_GOLOG_H
#define SIGNET_PEBBLE_GOLOG_H

/* prefix is borrowed for ever: pass a literal, with its space at the end. */
void	golog_open(const char *prefix);
/* Control characters in the text become '?', so that a line is one line. */
void	golog(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
