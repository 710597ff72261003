/* log.h: structured lines on standard error, one write(2) each, text or JSON.
 *
 * No secret is ever a field. Safe from any thread. */
#ifndef SIGNET_LIB_LOG_H
#define SIGNET_LIB_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON, LOG_PEBBLE };

struct log_field {
	const char	*key;
	const char	*text;		/* NULL: the number is the value */
	int64_t		 number;
};

/* A function and not ?: in the macro, as compilers warn about the test of a literal. */
static inline const char *
log_text(const char *text)
{
	return text != 0 ? text : "";
}

#define F_STR(k, v) ((struct log_field){ .key = (k), .text = log_text(v) })
#define F_INT(k, v) ((struct log_field){ .key = (k), .number = (int64_t)(v) })

/* role is borrowed for ever: pass a literal. Before the call: level info, text, role "signet". */
void log_open(const char *role, enum log_level, enum log_format);

void log_write(enum log_level, const char *event, const struct log_field *, size_t count);

/* log_event(LOG_INFO, "ready", F_STR("url", url), F_INT("ms", 12)); at least one field.
 * event is a short fixed phrase that one can search for; what varies goes into fields. */
#define log_event(level, event, ...)						\
	log_write((level), (event), (struct log_field[]){ __VA_ARGS__ },		\
	    sizeof((struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

#endif
