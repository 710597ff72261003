/* parse.h: from YAML to struct config, between the files of this folder. */
#ifndef SIGNET_CONFIG_PARSE_H
#define SIGNET_CONFIG_PARSE_H

#include <yaml.h>

#include "config/options.h"
#include "config/report.h"

#define CONFIG_FILE_MAX 262144	/* a thousand times the sample */
#define CONFIG_DEPTH_MAX 8	/* as deep as the deepest value: va.perspectives[].zones.NAME.resolvers[] */

struct parse {
	struct config	*config;
	struct report	*report;
	yaml_document_t	*document;		/* the one being read; its file or a default */
	size_t		 line[OPTIONS_MAX];	/* where each option's value stands; 0: not in the file */
	bool		 map;			/* the file is one, or empty: options can be missing */
};

/* Whether it is one YAML document without anchors, aliases and tags, not too deep; complains when not. */
bool	 yaml_scan(struct slice yaml, struct report *);

/* Walks the document, then fills in the defaults of what it doesn't say. False: out of memory. */
bool	 options_read(struct parse *, struct slice yaml);
/* One value into base + option->offset. key is the full path, for complaints. False: it complained. */
bool	 value_read(struct parse *, const struct option *, const char *key, yaml_node_t *, void *base);

/* Helpers for both. */
size_t	 node_line(const yaml_node_t *);
/* The key's text, borrowed; NULL after a complaint: not a plain text. */
const char *node_key(struct parse *, const char *prefix, yaml_node_t *);
/* Complains when pair i of the mapping repeats an earlier key. */
bool	 key_repeated(struct parse *, const char *path, const yaml_node_t *mapping, yaml_node_pair_t *pair);

/* The options that follow from others, then what several options say together. */
void	 config_derive(struct parse *);
void	 config_check(struct parse *);

/* Frees what a table's option holds at base, leaving zero. */
void	 option_free(void *base, const struct option *);

#endif
