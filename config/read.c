/* One value: from a YAML node to its place in memory. */
#include "config/parse.h"

#include <stdlib.h>
#include <string.h>

static const char *
node_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static bool
node_plain(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool
one_of(const char *text, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcasecmp(text, *names) == 0)
			return true;
	return false;
}

/* What YAML 1.1 does not take for text when it has no quotes: nulls, booleans and numbers. */
static const char *
not_text(const yaml_node_t *node)
{
	static const char *const nulls[] = { "", "~", "null", NULL };
	static const char *const booleans[] = { "true", "false", "yes", "no", "on", "off", NULL };
	const char		*text = node_text(node);

	if (!node_plain(node))
		return NULL;
	if (one_of(text, nulls))
		return "null";
	if (one_of(text, booleans))
		return "true or false";
	if (text[strspn(text, "+-.0123456789")] == '\0' && strchr(text, '.') == strrchr(text, '.'))
		return "a number";
	return NULL;
}

/* A scalar's text, or NULL after a complaint. */
static const char *
scalar(struct parse *p, const struct option *o, const char *key, yaml_node_t *node)
{
	const char	*kind = node->type == YAML_SEQUENCE_NODE ? "a list" : "a map";

	if (node->type != YAML_SCALAR_NODE)
		report_add(
		    p->report, node_line(node), key, "is %s; write one value (%s)", kind, o->type->name);
	else if (strlen(node_text(node)) != node->data.scalar.length)
		report_add(p->report, node_line(node), key, "holds a NUL character; leave it out");
	else if (node_plain(node) && node_text(node)[0] == '\0')
		report_add(p->report, node_line(node), key,
		    "has no value; write one (%s) or remove the line", o->type->name);
	else
		return node_text(node);
	return NULL;
}

/* A checked copy on the heap, or NULL after a complaint. */
static char *
string(struct parse *p, const struct option *o, const char *key, yaml_node_t *node)
{
	const char	*text = scalar(p, o, key, node);
	struct reason	 why = { "" };
	size_t		 most = OPTION_TEXT_MAX;
	char		*copy;

	if (o->type->kind == KIND_STRING && o->max > 0)
		most = (size_t)o->max;
	if (text == NULL)
		return NULL;
	if (not_text(node) != NULL) {
		report_add(p->report, node_line(node), key, "%s without quotes is %s to YAML; write \"%s\"",
		    text, not_text(node), text);
		return NULL;
	}
	if (strlen(text) > most) {
		report_add(p->report, node_line(node), key, "is longer than %zu bytes; shorten it", most);
		return NULL;
	}
	if (text[0] == '\0' && o->type->kind == KIND_STRING && o->min > 0) {
		report_add(p->report, node_line(node), key, "is empty; write a value (%s)", o->type->name);
		return NULL;
	}
	if ((copy = strdup(text)) == NULL) {
		p->report->failed = true;
		return NULL;
	}
	if ((copy[0] == '\0' && o->type->kind == KIND_STRING) || o->type->text == NULL ||
	    o->type->text(copy, &why))
		return copy;
	report_add(p->report, node_line(node), key, "%s", why.text);
	free(copy);
	return NULL;
}

static bool
count_check(struct parse *p, const struct option *o, const char *key, yaml_node_t *node, size_t count)
{
	if (count < (size_t)o->min)
		report_add(
		    p->report, node_line(node), key, "is empty; write at least one, or remove the line");
	else if (count > (size_t)o->max)
		report_add(p->report, node_line(node), key, "has %zu entries; write at most %lld", count,
		    (long long)o->max);
	else
		return true;
	return false;
}

static bool
strings_read(struct parse *p, const struct option *o, const char *key, yaml_node_t *node, struct strings *out)
{
	yaml_node_item_t	*item = node->data.sequence.items.start;
	char			 path[KEY_PATH_MAX];
	size_t			 count;
	bool			 ok = true;

	if (node->type != YAML_SEQUENCE_NODE) {
		report_add(p->report, node_line(node), key, "is not a list; write it in brackets, as in [%s]",
		    node->type == YAML_SCALAR_NODE && node_text(node)[0] != '\0' ? node_text(node) : "...");
		return false;
	}
	count = (size_t)(node->data.sequence.items.top - item);
	if (!count_check(p, o, key, node, count))
		return false;
	if (count > 0 && (out->items = calloc(count, sizeof(*out->items))) == NULL) {
		p->report->failed = true;
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		yaml_node_t	*entry = yaml_document_get_node(p->document, item[i]);
		char		*text;

		snprintf(path, sizeof(path), "%.290s[%zu]", key, i);
		if ((text = string(p, o, path, entry)) == NULL) {
			ok = false;
			continue;
		}
		for (size_t j = 0; j < out->count; j++)
			if (strcmp(out->items[j], text) == 0) {
				report_add(p->report, node_line(entry), path,
				    "%s is in the list twice; remove one", text);
				ok = false;
				break;
			}
		out->items[out->count++] = text;
	}
	return ok;
}

static bool
enum_read(struct parse *p, const struct option *o, const char *key, yaml_node_t *node, void *to)
{
	char		 names[200] = "";
	const char	*text;

	for (unsigned i = 0; o->names[i] != NULL; i++) {
		if (node->type == YAML_MAPPING_NODE ? o->names[i][0] == '{' :
		    node->type == YAML_SCALAR_NODE && strcmp(o->names[i], node_text(node)) == 0 &&
		    o->names[i][0] != '{') {
			memcpy(to, &i, sizeof(i));
			return true;
		}
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
		    i == 0 ? "" : o->names[i + 1] == NULL ? " or " : ", ", o->names[i]);
	}
	if ((text = scalar(p, o, key, node)) != NULL)
		report_add(
		    p->report, node_line(node), key, "\"%.100s\" is unknown here; write %s", text, names);
	return false;
}

static bool
bool_read(struct parse *p, const struct option *o, const char *key, yaml_node_t *node, bool *to)
{
	const char	*text = scalar(p, o, key, node);

	if (text == NULL)
		return false;
	*to = strcmp(text, "true") == 0;
	if (!node_plain(node) || (!*to && strcmp(text, "false") != 0)) {
		report_add(p->report, node_line(node), key,
		    "\"%.100s\" is neither true nor false; write one of them, "
		    "without quotes",
		    text);
		return false;
	}
	return true;
}

static bool
integer_read(struct parse *p, const struct option *o, const char *key, yaml_node_t *node, int64_t *to)
{
	const char	*text = scalar(p, o, key, node);
	struct reason	 why = { "" };

	if (text == NULL)
		return false;
	if (o->type->plain && !node_plain(node)) {
		report_add(p->report, node_line(node), key,
		    "\"%.100s\" is text; write the number without quotes", text);
		return false;
	}
	if (o->type->number(o, text, to, &why))
		return true;
	report_add(p->report, node_line(node), key, "%s", why.text);
	return false;
}

/* A record's field by name; a map's key is no field. */
static const struct option *
field_find(const struct record *r, const char *name)
{
	for (size_t i = r->shape == SHAPE_LIST ? 0 : 1; i < r->field_count; i++)
		if (strcmp(r->fields[i].key, name) == 0)
			return &r->fields[i];
	return NULL;
}

static void
field_unknown(struct parse *p, const struct record *r, const char *path, size_t line)
{
	char	known[200] = "";

	for (size_t i = r->shape == SHAPE_LIST ? 0 : 1; i < r->field_count; i++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
		    known[0] == '\0' ? "" : ", ", r->fields[i].key);
	report_add(p->report, line, path, "is no option; here there are %s", known);
}

/* What the entry does not say: a default, or a complaint. */
static bool
fields_default(
    struct parse *p, const struct record *r, const char *key, size_t line, unsigned seen, void *base)
{
	bool	ok = true;

	for (size_t i = r->shape == SHAPE_LIST ? 0 : 1; i < r->field_count; i++) {
		const struct option	*f = &r->fields[i];

		if (seen & 1u << i)
			continue;
		if (f->flags & OPTION_REQUIRED) {
			report_add(p->report, line, key, "has no %s; add one (%s)", f->key, f->help);
			ok = false;
		} else {
			char	*text = f->type->kind == KIND_STRING ? strdup("") : NULL;

			/* Fields' defaults are the empty text, the empty list, and what the table says of a flag. */
			if (f->type->kind == KIND_BOOL)
				*(bool *)((char *)base + f->offset) = strcmp(f->defaults[0], "true") == 0;
			if (f->type->kind == KIND_STRING) {
				memcpy((char *)base + f->offset, &text, sizeof(text));
				p->report->failed = p->report->failed || text == NULL;
			}
		}
	}
	return ok;
}

static bool
fields_read(struct parse *p, const struct record *r, const char *key, yaml_node_t *node, void *base)
{
	unsigned	seen = 0;
	char		path[KEY_PATH_MAX];
	bool		ok = true;

	if (node->type != YAML_MAPPING_NODE) {
		report_add(p->report, node_line(node), key, "is not a map; write {%s: ...}",
		    r->fields[r->shape == SHAPE_LIST ? 0 : 1].key);
		return false;
	}
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
	     pair++) {
		yaml_node_t		*name = yaml_document_get_node(p->document, pair->key);
		const char		*text = node_key(p, key, name);
		const struct option	*f = text == NULL ? NULL : field_find(r, text);

		snprintf(path, sizeof(path), "%.200s.%.100s", key, text == NULL ? "" : text);
		if (text == NULL || key_repeated(p, path, node, pair)) {
			ok = false;
		} else if (f == NULL) {
			field_unknown(p, r, path, node_line(name));
			ok = false;
		} else {
			seen |= 1u << (f - r->fields);
			ok = value_read(p, f, path, yaml_document_get_node(p->document, pair->value), base) &&
			     ok;
		}
	}
	return fields_default(p, r, key, node_line(node), seen, base) && ok;
}

/* One entry of a map of records: its name is the first field. */
static bool
entry_read(struct parse *p, const struct option *o, const char *key, yaml_node_t *map, yaml_node_pair_t *pair,
    void *base)
{
	const struct record	*r = o->record;
	yaml_node_t		*name = yaml_document_get_node(p->document, pair->key);
	yaml_node_t		*value = yaml_document_get_node(p->document, pair->value);
	const char		*text = node_key(p, key, name);
	char			 path[KEY_PATH_MAX];
	bool			 ok;

	if (text == NULL)
		return false;
	snprintf(path, sizeof(path), "%.100s.%.200s", key, text);
	if (key_repeated(p, path, map, pair))
		return false;
	ok = value_read(p, &r->fields[0], path, name, base);
	if (r->shape == SHAPE_PAIR && value->type != YAML_MAPPING_NODE) {
		ok = value_read(p, &r->fields[1], path, value, base) && ok;
		return fields_default(p, r, path, node_line(value), 1u << 1, base) && ok;
	}
	return fields_read(p, r, path, value, base) && ok;
}

static bool
records_read(struct parse *p, const struct option *o, const char *key, yaml_node_t *node, void *base)
{
	bool	list = o->record->shape == SHAPE_LIST, ok = true;
	size_t	count, size = o->record->size;
	char	path[KEY_PATH_MAX], *items = NULL;

	if (node->type != (list ? YAML_SEQUENCE_NODE : YAML_MAPPING_NODE)) {
		report_add(p->report, node_line(node), key, "is not a %s; write %s", list ? "list" : "map",
		    list ? "[{certificate: FILE, key: FILE}]" : "{NAME: ...}");
		return false;
	}
	count = list ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start)
		     : (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	if (!count_check(p, o, key, node, count))
		return false;
	if (count > 0 && (items = calloc(count, size)) == NULL) {
		p->report->failed = true;
		return false;
	}
	records_set(base, o, items, count);
	for (size_t i = 0; i < count; i++)
		if (list) {
			snprintf(path, sizeof(path), "%.200s[%zu]", key, i);
			ok = fields_read(p, o->record, path, yaml_document_get_node(p->document,
			    node->data.sequence.items.start[i]), items + i * size) && ok;
		} else {
			ok = entry_read(
				 p, o, key, node, node->data.mapping.pairs.start + i, items + i * size) &&
			     ok;
		}
	return ok;
}

bool
value_read(struct parse *p, const struct option *o, const char *key, yaml_node_t *node, void *base)
{
	void	*to = (char *)base + o->offset;
	char	*text;

	switch (o->type->kind) {
	case KIND_STRING:
		if ((text = string(p, o, key, node)) == NULL)
			return false;
		memcpy(to, &text, sizeof(text));
		return true;
	case KIND_STRINGS:
		return strings_read(p, o, key, node, to);
	case KIND_INTEGER:
		return integer_read(p, o, key, node, to);
	case KIND_BOOL:
		return bool_read(p, o, key, node, to);
	case KIND_ENUM:
		return enum_read(p, o, key, node, to);
	case KIND_RECORDS:
		return records_read(p, o, key, node, base);
	}
	abort();
}
