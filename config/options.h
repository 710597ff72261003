/* options.h: the one list of what signet.yaml may say. Parsing, defaults, the roles' parts, freeing, the
 * sample and the man page walk this table; nothing else names a key, but the checks of several keys at once
 * (check.c) and what init fills in (sample.c). */
#ifndef SIGNET_CONFIG_OPTIONS_H
#define SIGNET_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "lib/reason.h"

#define PRESET_COUNT 3
#define OPTION_TEXT_MAX 1024	/* bytes in one string: four times the longest DNS name, a long URL or path */

/* How a value lies in memory. */
enum kind {
	KIND_STRING,	/* char * */
	KIND_STRINGS,	/* struct strings */
	KIND_INTEGER,	/* int64_t */
	KIND_BOOL,	/* bool */
	KIND_ENUM,	/* an enum that counts up from 0 as names[] does */
	KIND_RECORDS	/* pointer to an array of structs, its count elsewhere */
};

struct option;

struct type {
	const char	*name;		/* for people: "duration" */
	enum kind	 kind;
	/* Strings: checks one and brings it to normal form in place. NULL: any text. */
	bool		(*text)(char *, struct reason *);
	/* Integers: reads one. */
	bool		(*number)(const struct option *, const char *, int64_t *, struct reason *);
	bool		 plain;		/* KIND_INTEGER: a YAML number, so quotes are a mistake */
};

enum option_flag {
	OPTION_REQUIRED = 1,	/* no default */
	OPTION_DERIVED = 2,	/* the default follows from other options: check.c */
	OPTION_SAMPLE = 4,	/* in the file that init writes */
	OPTION_TEST = 8	/* only preset pebble takes another value than the default */
};

struct option {
	const char		*key;		/* "wfe.listen"; a record's field: "lifetime" */
	const struct type	*type;
	size_t			 offset;	/* in struct config; a record's field: in the record */
	unsigned		 roles;		/* ROLE_BITs of those who are told */
	const char		*defaults[PRESET_COUNT];	/* as YAML, by enum preset */
	int64_t			 min, max; /* of integers; bytes of a string; items of a list or records */
	const char *const	*names; /* of an enum, NULL-terminated; "{...}" is what a map stands for */
	const struct record	*record;
	unsigned		 flags;
	const char		*help;
};

enum shape {
	SHAPE_LIST,		/* [{certificate: a, key: b}] */
	SHAPE_MAP,		/* {name: {lifetime: 90d}}: fields[0] is the name */
	SHAPE_PAIR		/* the same, or {name: [a, b]}: fields[1] alone */
};

struct record {
	enum shape		 shape;
	size_t			 size;
	size_t			 count_offset;	/* of its size_t, in what the records' pointer is in */
	const struct option	*fields;
	size_t			 field_count;
};

extern const struct option options[];
extern const size_t option_count;
#define OPTIONS_MAX 128		/* for arrays beside the table; options.c checks it */

/* NULL when there is none of this key. */
const struct option	*option_find(const char *key);
/* Whether options lie below key: "wfe" and "wfe.tls". */
bool			 option_section(const char *key);
/* "90d", "500ms": the largest unit that divides it. */
void			 duration_text(int64_t ms, char *out, size_t size);

/* A record array's address and count, through the table. */
void	*records_get(const void *base, const struct option *, size_t *count);
void	 records_set(void *base, const struct option *, void *items, size_t count);

/* The types, in value.c. */
extern const struct type type_text, type_title, type_path, type_paths, type_server_url, type_url,
    type_address, type_storage, type_integer, type_seconds, type_milliseconds, type_bool, type_enum,
    type_addresses, type_resolvers, type_networks, type_proxies, type_prefixes, type_proxy, type_patterns,
    type_hosts, type_domains, type_records, type_rate, type_word, type_words, type_oid, type_oids,
    type_subject, type_key_types, type_domain, type_source, type_peer, type_public_key, type_reasons,
    type_challenges;

#endif
