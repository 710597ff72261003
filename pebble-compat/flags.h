/* flags.h: a command line as Go's flag package reads it, which Pebble's users have in their scripts:
 * -name value, -name=value, and both with two dashes; a truth only as -name or -name=false. */
#ifndef SIGNET_PEBBLE_FLAGS_H
#define SIGNET_PEBBLE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One row a flag; two rows may share a variable, and the last one given wins. Exactly one of text and truth is
 * set. What the variable holds before the call is the default. */
struct flag {
	const char	 *name;		/* without dashes */
	const char	**text;
	bool		 *truth;
	const char	 *help;		/* one sentence; may go over several lines */
};

#define FLAGS_GO (-1)

/* argv[0] is what the program is called in messages. Reads up to the first argument that is no flag, or past
 * "--"; *rest is the index of what follows. Texts stay where argv has them.
 * FLAGS_GO, or the status to exit with: 0 after -h or -help, 2 after a mistake, with the message and the usage
 * printed on err. */
int	flags_parse(const struct flag *, size_t count, int argc, char **argv, FILE *err, int *rest);

/* "Usage of NAME:" and two lines a flag, in the table's order. */
void	flags_usage(const struct flag *, size_t count, const char *program, FILE *);

#endif
