/* identifier.h: RFC 8555, 9.7.7: what a certificate is for. One table row per type. Pure. */
#ifndef SIGNET_ACME_IDENTIFIER_H
#define SIGNET_ACME_IDENTIFIER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/reason.h"

enum identifier_type {
	IDENTIFIER_DNS = 1,
	IDENTIFIER_IP,		/* RFC 8738 */
	IDENTIFIER_TYPE_COUNT
};

#define IDENTIFIER_VALUE_MAX 253	/* a DNS name in text form, RFC 1035, 3.1 */
#define IDENTIFIER_VALUE_SIZE (IDENTIFIER_VALUE_MAX + 3)	/* "*." more, and the NUL: 256 */
#define IDENTIFIERS_MAX 100		/* names in one order, as Let's Encrypt allows */

struct identifier {
	enum identifier_type	type;
	char			value[IDENTIFIER_VALUE_SIZE];	/* normal form: lower case, RFC 5952 */
};

const char		*identifier_type_name(enum identifier_type);	/* "dns"; static */
/* 0 when the name is unknown. */
enum identifier_type	 identifier_type_by_name(const char *);

/* Reads {"type","value"}, checks the value's syntax and brings it to normal form.
 * ERR_MALFORMED, ERR_UNSUPPORTED (a type we don't serve), with the cause. */
enum err identifier_parse(const json_t *, struct identifier *out, struct reason *);
/* The same for a value whose type is known, as it stands in a CSR or on a command line. */
enum err identifier_check(enum identifier_type, const char *value, struct identifier *out,
    struct reason *);
json_t	*identifier_json(const struct identifier *);		/* NULL: no memory */
bool	 identifier_eq(const struct identifier *, const struct identifier *);
/* For qsort: by type, then value. */
int	 identifier_compare(const void *, const void *);
bool	 identifier_is_wildcard(const struct identifier *);	/* "*.example.org" */
/* The identifier that an authorization carries: without "*." (RFC 8555, 7.1.4). */
struct identifier identifier_base(const struct identifier *);

/* RFC 1035 text form, LDH labels, lower case, no trailing dot, not an IP literal. value has no "*.". */
enum err dns_name_check(const char *value, struct reason *);

#endif
