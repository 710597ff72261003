/* issue_value.h: what a CAA issue property says (RFC 8659, 4.2): an issuer's name and parameters. Pure. */
#ifndef SIGNET_VA_ISSUE_VALUE_H
#define SIGNET_VA_ISSUE_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

#define ISSUE_PARAMETERS_MAX 16		/* two are defined; more than this is taken for malformed */
#define ISSUE_DOMAIN_MAX 253

struct issue_value {
	char	domain[ISSUE_DOMAIN_MAX + 1];	/* lower case; "": nobody may issue */
	struct {
		struct slice tag, value;	/* borrowed from the text */
	}	parameters[ISSUE_PARAMETERS_MAX];
	size_t	count;
};

/* False: it is malformed, and lets nobody issue (RFC 8659, 4.2). */
bool issue_value_read(struct slice text, struct issue_value *out);
/* How often the parameter is there, by its name in any case; *value is the last. */
size_t issue_value_parameter(const struct issue_value *, const char *tag, struct slice *value);

#endif
