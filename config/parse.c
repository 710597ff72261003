/* The tree walk: which option each key of the file is, and the defaults of the rest. */
#include "config/parse.h"

#include <stdlib.h>
#include <string.h>

#include "config/name.h"

#define PAIRS_MAX 1100	/* keys in one map; no option takes more than 1000 */

size_t
node_line(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

const char *
node_key(struct parse *p, const char *prefix, yaml_node_t *node)
{
	const char	*text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE || text[0] == '\0' || strlen(text) != node->data.scalar.length) {
		report_add(p->report, node_line(node), prefix[0] == '\0' ? "yaml" : prefix,
		    "a key here is not a word; write KEY: VALUE");
		return NULL;
	}
	return text;
}

bool
key_repeated(struct parse *p, const char *path, const yaml_node_t *mapping, yaml_node_pair_t *pair)
{
	yaml_node_t	*name = yaml_document_get_node(p->document, pair->key);

	for (yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++) {
		yaml_node_t	*node = yaml_document_get_node(p->document, other->key);

		if (node->type == YAML_SCALAR_NODE && strcmp((char *)node->data.scalar.value,
		    (char *)name->data.scalar.value) == 0) {
			report_add(p->report, node_line(name), path,
			    "is already set in line %zu; keep one of the two", node_line(node));
			return true;
		}
	}
	return false;
}

/* The part of an option's key that stands in section prefix, into out; false when it is elsewhere. */
static bool
child_name(const struct option *o, const char *prefix, char *out, size_t size)
{
	size_t	len = strlen(prefix);

	if (len > 0 && (strncmp(o->key, prefix, len) != 0 || o->key[len] != '.'))
		return false;
	snprintf(out, size, "%.*s", (int)strcspn(o->key + len + (len > 0), "."), o->key + len + (len > 0));
	return true;
}

static void
key_unknown(struct parse *p, const char *prefix, const char *path, const char *name, size_t line)
{
	char		 child[64], nearest[64] = "", known[400] = "", last[64] = "";
	size_t		 distance, best = strlen(name) / 3 + 1;
	const char	*tail;

	for (size_t i = 0; i < option_count; i++) {
		if (!child_name(&options[i], prefix, child, sizeof(child)) || strcmp(child, last) == 0)
			continue;
		memcpy(last, child, sizeof(last));
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
		    known[0] == '\0' ? "" : ", ", child);
		if ((distance = edit_distance(name, child)) <= best &&
		    (distance < best || nearest[0] == '\0')) {
			best = distance;
			memcpy(nearest, child, sizeof(nearest));
		}
	}
	if (nearest[0] != '\0') {
		report_add(p->report, line, path, "is no option; did you mean %s?", nearest);
		return;
	}
	/* The right word in the wrong place. */
	for (size_t i = 0; i < option_count; i++) {
		tail = strrchr(options[i].key, '.');
		if (strcmp(tail == NULL ? options[i].key : tail + 1, name) == 0) {
			report_add(p->report, line, path, "is no option; did you mean %s?", options[i].key);
			return;
		}
	}
	report_add(p->report, line, path, "is no option; here there are %s", known);
}

static void	 section_read(struct parse *, const char *, yaml_node_t *);

static void
pair_read(struct parse *p, const char *prefix, yaml_node_t *mapping, yaml_node_pair_t *pair)
{
	yaml_node_t		*name = yaml_document_get_node(p->document, pair->key);
	yaml_node_t		*value = yaml_document_get_node(p->document, pair->value);
	const char		*text = node_key(p, prefix, name);
	const struct option	*o;
	char			 path[KEY_PATH_MAX];

	if (text == NULL)
		return;
	snprintf(path, sizeof(path), "%s%s%.200s", prefix, prefix[0] == '\0' ? "" : ".", text);
	o = strchr(text, '.') == NULL ? option_find(path) : NULL;
	if (key_repeated(p, path, mapping, pair))
		return;
	if (o == NULL && (strchr(text, '.') != NULL || !option_section(path))) {
		key_unknown(p, prefix, path, text, node_line(name));
		return;
	}
	if (o != NULL) {
		p->line[o - options] = node_line(value);
		value_read(p, o, path, value, p->config);
	}
	if (option_section(path) && (o == NULL || value->type == YAML_MAPPING_NODE))
		section_read(p, path, value);
}

static void
section_read(struct parse *p, const char *prefix, yaml_node_t *node)
{
	const char	*key = prefix[0] == '\0' ? "yaml" : prefix;

	if (node->type != YAML_MAPPING_NODE) {
		if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
			report_add(p->report, node_line(node), key,
			    "is empty; write options below it, or remove the line");
		else
			report_add(
			    p->report, node_line(node), key, "is not a map; write KEY: VALUE below it");
		return;
	}
	if (node->data.mapping.pairs.top - node->data.mapping.pairs.start > PAIRS_MAX) {
		report_add(p->report, node_line(node), key, "has more than %d keys; no section has that many",
		    PAIRS_MAX);
		return;
	}
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
	     pair++)
		pair_read(p, prefix, node, pair);
}

/* Loads text and calls fn with its root node (NULL for an empty document); false: out of memory. */
static bool
with_document(struct parse *p, struct slice yaml,
    void (*fn)(struct parse *, const struct option *, yaml_node_t *), const struct option *o)
{
	yaml_parser_t	parser;
	yaml_document_t	document;
	bool		ok;

	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, yaml.data, yaml.len);
	/* Whatever else could be wrong was found by yaml_scan(). */
	if ((ok = yaml_parser_load(&parser, &document))) {
		p->document = &document;
		fn(p, o, yaml_document_get_root_node(&document));
		p->document = NULL;
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	return ok;
}

static void
root_read(struct parse *p, const struct option *o, yaml_node_t *root)
{
	(void)o;
	p->map = root == NULL || root->type == YAML_MAPPING_NODE;
	if (root != NULL)
		section_read(p, "", root);
}

static void
default_read(struct parse *p, const struct option *o, yaml_node_t *root)
{
	if (!value_read(p, o, o->key, root, p->config) && !p->report->failed)
		abort();	/* the table's own text is wrong */
}

bool
options_read(struct parse *p, struct slice yaml)
{
	if (!with_document(p, yaml, root_read, NULL))
		return false;
	for (size_t i = 0; i < option_count; i++) {
		const char	*text = options[i].defaults[p->config->preset];

		if (p->line[i] != 0 || options[i].flags & (OPTION_REQUIRED | OPTION_DERIVED))
			continue;
		if (!with_document(p, slice_str(text), default_read, &options[i]))
			return false;
	}
	return !p->report->failed;
}
