/* admin_bounds.c: what accounts are held to, by `signet account policy` and `signet eab create`. */
#include <stdlib.h>
#include <string.h>

#include "config/options.h"
#include "ra/ra.h"

/* One item as a line, in normal form. False: the command has failed. */
typedef bool put_item(struct admin_call *, const char *argument, const char *text, struct buf *out);

static bool
put_pattern(struct admin_call *call, const char *argument, const char *text, struct buf *out)
{
	struct reason reason = { "" };
	char *pattern = strdup(text);
	bool good = pattern != NULL && type_patterns.text(pattern, &reason);

	if (pattern == NULL)
		admin_broken(call, "bounds", ERR_MEMORY);
	else if (!good)
		admin_fail(call, ADMIN_MALFORMED, "\"%s\": %s", argument, reason.text);
	else
		buf_put_str(out, pattern);
	free(pattern);
	return good;
}

static bool
put_profile(struct admin_call *call, const char *argument, const char *text, struct buf *out)
{
	if (config_profile(&call->ra->config->ca, text) == NULL) {
		admin_fail(call, ADMIN_NOT_FOUND, "\"%s\": there is no profile \"%.100s\" in ca.profiles", argument, text);
		return false;
	}
	buf_put_str(out, text);
	return true;
}

static bool
read_lines(struct admin_call *call, const char *argument, put_item *put, char **out)
{
	const json_t *item;
	struct buf lines = { 0 };
	bool good = true;
	size_t i;

	json_array_foreach(admin_value(call->request, argument)->list, i, item) {
		buf_put_str(&lines, i > 0 ? "\n" : "");
		if (!(good = put(call, argument, json_string_value(item), &lines)))
			break;
	}
	if (good && (*out = buf_take_str(&lines)) == NULL) {
		admin_broken(call, "bounds", ERR_MEMORY);
		good = false;
	}
	buf_free(&lines);
	return good;
}

bool
admin_bounds_read(struct admin_call *call, struct bounds *out)
{
	*out = (struct bounds){ .no_wildcards = admin_value(call->request, "no-wildcards")->number != 0,
		.max_names = admin_value(call->request, "max-names")->number };
	return read_lines(call, "name", put_pattern, &out->names) && read_lines(call, "deny", put_pattern, &out->deny) &&
	    read_lines(call, "profile", put_profile, &out->profiles);
}

static json_t *
lines_json(const char *lines)
{
	json_t *array = json_array();

	for (const char *end; *lines != '\0'; lines = *end == '\0' ? end : end + 1) {
		end = strchrnul(lines, '\n');
		json_array_append_new(array, json_stringn(lines, (size_t)(end - lines)));
	}
	return array;
}

void
admin_bounds_show(json_t *json, const struct bounds *bounds)
{
	if (json == NULL)
		return;
	json_object_set_new(json, "names", lines_json(bounds->names));
	json_object_set_new(json, "deny", lines_json(bounds->deny));
	json_object_set_new(json, "profiles", lines_json(bounds->profiles));
	json_object_set_new(json, "wildcards", json_boolean(!bounds->no_wildcards));
	if (bounds->max_names != 0)
		json_object_set_new(json, "maxNames", json_integer((json_int_t)bounds->max_names));
}
