#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "acme/challenge.h"
#include "config/parse.h"
#include "lib/file.h"

static void
strings_free(struct strings *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i]);
	free(s->items);
	*s = (struct strings){ 0 };
}

void
option_free(void *base, const struct option *o)
{
	void	*at = (char *)base + o->offset;
	char	*text;
	size_t	 count;

	if (o->type->kind == KIND_STRING) {
		memcpy(&text, at, sizeof(text));
		free(text);
		memset(at, 0, sizeof(text));
	} else if (o->type->kind == KIND_STRINGS) {
		strings_free(at);
	} else if (o->type->kind == KIND_RECORDS) {
		text = records_get(base, o, &count);
		for (size_t i = 0; i < count; i++)
			for (size_t f = 0; f < o->record->field_count; f++)
				option_free(text + i * o->record->size, &o->record->fields[f]);
		free(text);
		records_set(base, o, NULL, 0);
	}
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < option_count; i++)
		option_free(config, &options[i]);
	free(config->file);
	free(config->dir);
	free(config);
}

enum err
config_parse(struct slice yaml, const char *file, const char *dir, struct config **out, FILE *complaints)
{
	struct report	 report = { 0 };
	struct parse	 parse = { .report = &report };
	struct config	*config = calloc(1, sizeof(*config));
	enum err	 err = ERR_MEMORY;

	*out = NULL;
	if (config == NULL)
		return ERR_MEMORY;
	parse.config = config;
	if ((config->file = strdup(file)) == NULL || (config->dir = strdup(dir)) == NULL)
		goto out;
	if (yaml.len > CONFIG_FILE_MAX)
		report_add(&report, 1, "yaml", "the file is larger than %d bytes; is it the right one?",
		    CONFIG_FILE_MAX);
	else if (yaml_scan(yaml, &report)) {
		if (!options_read(&parse, yaml))
			goto out;
		config_derive(&parse);
		config_check(&parse);
	}
	if (report.failed)
		goto out;
	report_print(&report, file, complaints);
	err = report.count == 0 ? ERR_OK : ERR_CONFIG;
	if (err == ERR_OK) {
		*out = config;
		config = NULL;
	}
 out:
	report_free(&report);
	config_free(config);
	return err;
}

/* The absolute folder that file is in, on the heap; NULL with errno. */
static char *
folder_of(const char *file)
{
	const char	*slash = strrchr(file, '/');
	char		*part, *full;

	if (slash == NULL)
		return realpath(".", NULL);
	if ((part = strndup(file, slash == file ? 1 : (size_t)(slash - file))) == NULL)
		return NULL;
	full = realpath(part, NULL);
	free(part);
	return full;
}

enum err
config_read(const char *file, struct config **out, FILE *complaints)
{
	struct buf	 yaml = { 0 };
	char		*dir = NULL;
	enum err	 err;

	*out = NULL;
	errno = 0;
	err = file_read(file, CONFIG_FILE_MAX, &yaml);
	if (err == ERR_NOT_FOUND) {
		fprintf(complaints, "%s:1: yaml: there is no such file; make one with signet init\n", file);
		goto out;
	}
	if (err == ERR_TOO_LARGE) {
		fprintf(complaints, "%s:1: yaml: the file is larger than %d bytes; is it the right one?\n",
		    file, CONFIG_FILE_MAX);
		err = ERR_CONFIG;
		goto out;
	}
	if (err != ERR_OK || (dir = folder_of(file)) == NULL) {
		err = err == ERR_OK ? ERR_IO : err;
		fprintf(complaints, "%s:1: yaml: can't be read (%s); check its path and permissions\n", file,
		    strerror(errno));
		goto out;
	}
	err = config_parse(buf_slice(&yaml), file, dir, out, complaints);
 out:
	free(dir);
	buf_free(&yaml);
	return err;
}

static uint32_t
challenges_of(const struct strings *names)
{
	uint32_t set = 0;

	if (names->count == 0)
		return UINT32_MAX;
	for (size_t i = 0; i < names->count; i++)
		set |= 1u << challenge_by_name(names->items[i]);
	return set;
}

uint32_t
config_challenges(const struct ra_config *ra, const struct profile_config *profile)
{
	uint32_t persistent = 0;

	for (unsigned i = 1; i < CHALLENGE_TYPE_COUNT; i++)
		if (challenge_persists((enum challenge_type)i))
			persistent |= 1u << i;
	if (ra->issuer_domain_names.count > 0)
		persistent = 0;
	return challenges_of(&ra->challenges) & ~persistent & (profile != NULL ? challenges_of(&profile->challenges) : UINT32_MAX);
}

const struct profile_config *
config_profile(const struct ca_config *ca, const char *name)
{
	if (name == NULL)
		return &ca->profiles[0];
	for (size_t i = 0; i < ca->profile_count; i++)
		if (strcmp(ca->profiles[i].name, name) == 0)
			return &ca->profiles[i];
	return NULL;
}

bool
config_is_perspective(const struct config *config)
{
	return config->perspective.name != NULL && config->perspective.name[0] != '\0';
}

static bool
holds(const struct strings *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

bool
config_profile_takes(const struct profile_config *profile, const char *key_type)
{
	return profile->key_types.count == 0 || holds(&profile->key_types, key_type);
}

bool
config_serves_ocsp(const struct config *config)
{
	return config->ca.ocsp && config->wfe.plain_url != NULL && config->wfe.plain_url[0] != '\0';
}

bool
config_issuer_serves(const struct issuer_config *issuer, const struct profile_config *profile)
{
	return profile->issuers.count == 0 || (issuer->name != NULL && holds(&profile->issuers, issuer->name));
}

enum issuer_takes
config_issuer_takes(const struct issuer_config *issuer, const char *key_type)
{
	if (issuer->key_types.count == 0)
		return ISSUER_TAKES_ANY;
	return holds(&issuer->key_types, key_type) ? ISSUER_TAKES_IT : ISSUER_TAKES_NOT;
}
