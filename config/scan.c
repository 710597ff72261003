/* What of YAML we take: one document of maps, lists and scalars. Aliases can grow a small file into a huge
 * tree, tags ask for types we don't have; neither reaches the loader. */
#include "config/parse.h"

#include <string.h>

static size_t
line_of_offset(struct slice yaml, size_t offset)
{
	size_t	line = 1;

	for (size_t i = 0; i < offset && i < yaml.len; i++)
		line += yaml.data[i] == '\n';
	return line;
}

static void
scan_failed(const yaml_parser_t *parser, struct slice yaml, struct report *report)
{
	const char	*problem = parser->problem == NULL ? "it can't be read" : parser->problem;

	if (parser->error == YAML_MEMORY_ERROR)
		report->failed = true;
	else if (parser->error == YAML_READER_ERROR)
		report_add(report, line_of_offset(yaml, parser->problem_offset), "yaml",
		    "%s; save the file as UTF-8 text", problem);
	else
		report_add(report, parser->problem_mark.line + 1, "yaml",
		    "%s%s%s; check the indentation (spaces, no tabs), brackets and quotes here and above",
		    problem, parser->context == NULL ? "" : " ",
		    parser->context == NULL ? "" : parser->context);
}

static bool
event_check(const yaml_event_t *event, size_t *depth, size_t *documents, struct report *report)
{
	size_t			 line = event->start_mark.line + 1;
	const yaml_char_t	*anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++*documents > 1) {
			report_add(
			    report, line, "yaml", "a second document starts; keep one, without --- lines");
			return false;
		}
		break;
	case YAML_ALIAS_EVENT:
		report_add(report, line, "yaml", "*%s is an alias; write the value out",
		    (const char *)event->data.alias.anchor);
		return false;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		++*depth;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		++*depth;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		--*depth;
		break;
	default:
		break;
	}
	if (anchor != NULL)
		report_add(report, line, "yaml", "&%s is an anchor; leave it out", (const char *)anchor);
	else if (tag != NULL)
		report_add(report, line, "yaml", "%s is a tag; leave it out", (const char *)tag);
	else if (*depth > CONFIG_DEPTH_MAX)
		report_add(report, line, "yaml", "lists and maps nest deeper than %d; no option needs that",
		    CONFIG_DEPTH_MAX);
	else
		return true;
	return false;
}

bool
yaml_scan(struct slice yaml, struct report *report)
{
	yaml_parser_t	parser;
	yaml_event_t	event;
	size_t		depth = 0, documents = 0;
	bool		ok = true, end = false;

	if (!yaml_parser_initialize(&parser)) {
		report->failed = true;
		return false;
	}
	yaml_parser_set_input_string(&parser, yaml.data, yaml.len);
	while (ok && !end) {
		if (!yaml_parser_parse(&parser, &event)) {
			scan_failed(&parser, yaml, report);
			ok = false;
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		ok = event_check(&event, &depth, &documents, report);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return ok;
}
