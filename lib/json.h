/* json.h: jansson, strict: UTF-8, no duplicate members, no trailing data, bounded depth. */
#ifndef SIGNET_LIB_JSON_H
#define SIGNET_LIB_JSON_H

#include <jansson.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define JSON_DEPTH_MAX 16	/* the deepest ACME object nests 6 deep */

/* Parses an object. On ERR_OK the caller owns *out (json_decref), else it is NULL.
 * ERR_MALFORMED with the position and cause in reason, ERR_MEMORY. */
enum err json_object_parse(struct slice text, json_t **out, struct reason *);

/* The member's string, borrowed from the object; NULL when it is absent or not a string. */
const char *json_member_str(const json_t *object, const char *name);

/* Appends compact JSON, members in insertion order. */
void	 json_put(struct buf *, const json_t *);
/* The same over several lines, so many spaces a level; 0: on one line. */
/* And with members by their names. */
void	 json_put_sorted(struct buf *, const json_t *, unsigned indent);
void	 json_put_indented(struct buf *, const json_t *, unsigned indent);

#endif
