/* check.h: between the files that check several options at once. Every field may be missing, because the file's other
 * mistakes are told in the same run. */
#ifndef SIGNET_CONFIG_CHECK_H
#define SIGNET_CONFIG_CHECK_H

#include "config/parse.h"

/* The line of an option, or 0 when it isn't there. */
size_t	line_of(const struct parse *, const char *key);
bool	absent(const struct parse *, const char *key);
bool	same(const char *, const char *);	/* both there, and equal */
/* Complains about what stands in both lists: sentence has a %s for it. */
void	check_both(struct parse *, const char *key, const struct strings *, const struct strings *other,
    const char *sentence);

/* check_va.c */
void	check_va(struct parse *);
void	check_own_perspective(struct parse *);	/* the file is one's */
void	check_not_perspective(struct parse *);

#endif
