/* report.h: the mistakes found in one file, kept until all are known, then printed in line order. */
#ifndef SIGNET_CONFIG_REPORT_H
#define SIGNET_CONFIG_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define COMPLAINT_MAX 768	/* a sentence with a list of the known keys of a section in it */
#define KEY_PATH_MAX 320	/* "ca.profiles.NAME.lifetime"; longer ones are cut in messages only */

struct complaint {
	size_t	 line;
	size_t	 order;		/* as found: keeps the sort stable */
	char	*text;		/* "KEY: what is wrong; what would be right" */
};

/* Zero-initialised is empty and valid. */
struct report {
	struct complaint	*items;
	size_t			 count, cap;
	bool			 failed;	/* memory ran out: complaints are missing */
};

/* Control characters that came in through arguments are replaced by '?'. */
void	 report_add(struct report *, size_t line, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Sorts and prints "FILE:LINE: KEY: ...", one a line. */
void	 report_print(struct report *, const char *file, FILE *);
void	 report_free(struct report *);

#endif
