/* What the options of va say together, and those of a perspective's own file. */
#include <string.h>

#include "acme/evidence.h"
#include "config/check.h"
#include "config/quorum.h"

size_t
line_of(const struct parse *p, const char *key)
{
	return p->line[option_find(key) - options];
}

bool
absent(const struct parse *p, const char *key)
{
	return line_of(p, key) == 0;
}

bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

void
check_both(struct parse *p, const char *key, const struct strings *list, const struct strings *other,
    const char *sentence)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t j = 0; j < other->count; j++)
			if (strcmp(list->items[i], other->items[j]) == 0)
				report_add(p->report, line_of(p, key), key, sentence, list->items[i]);
}

static void
check_resolvers(struct parse *p, const char *key, size_t line, const struct strings *list)
{
	if (list->count < 2)
		return;
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], "system") == 0)
			report_add(p->report, line, key,
			    "system stands beside addresses; write [system] alone, or only addresses");
}

static void
check_zones(struct parse *p, const char *prefix, size_t line, const struct zone_config *zones, size_t count)
{
	enum dnssec_mode mode;
	char key[KEY_PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		if (zones[i].zone == NULL)
			continue;
		snprintf(key, sizeof(key), "%s.%s", prefix, zones[i].zone);
		check_resolvers(p, key, line, &zones[i].resolvers);
		mode = zones[i].dnssec == ZONE_DNSSEC_DEFAULT ? p->config->va.dnssec : (enum dnssec_mode)(zones[i].dnssec - 1);
		if (zones[i].direct && mode == DNSSEC_REQUIRED)
			report_add(p->report, line, key, "is asked at its own name servers (direct), which validate nothing, and "
			    "dnssec is required; write dnssec: if-present for it, or remove direct");
		for (size_t j = 0; j < i; j++)
			if (zones[j].zone != NULL && strcmp(zones[i].zone, zones[j].zone) == 0)
				report_add(p->report, line, key, "is there twice; keep one of the two");
	}
}

/* Here or elsewhere, and what belongs to either. */
static void
check_place(struct parse *p, const struct perspective_config *one, const char *key, size_t line)
{
	if (one->name == NULL || one->address == NULL || one->tls_key == NULL || one->evidence_key == NULL ||
	    one->source == NULL || one->proxy == NULL)
		return;
	if (one->address[0] == '\0' && (!same(one->tls_key, "") || !same(one->evidence_key, "")))
		report_add(p->report, line, key, "has keys and no address; add where it listens");
	else if (p->config->preset != PRESET_PEBBLE && one->address[0] == '\0' && one->resolvers.count == 0 &&
	    one->zone_count == 0 && same(one->source, "") && same(one->proxy, ""))
		report_add(p->report, line, key, "sees what the server itself sees; give it resolvers, zones, a source or a proxy, "
		    "or the address of one on another machine");
	else if (one->address[0] != '\0' && (same(one->tls_key, "") || same(one->evidence_key, "")))
		report_add(p->report, line, key, "is on another machine and has no tls_key or no evidence_key; "
		    "`signet perspective create` prints both");
	else if (one->address[0] != '\0' &&
	    (one->resolvers.count > 0 || one->zone_count > 0 || !same(one->source, "") || !same(one->proxy, "")))
		report_add(p->report, line, key, "is on another machine, and resolvers, zones, source and proxy are for those in the "
		    "server itself; remove them here, its resolvers stand in its own file");
}

static void
check_perspectives(struct parse *p)
{
	const struct va_config	*va = &p->config->va;
	char			 key[KEY_PATH_MAX];
	size_t			 line = line_of(p, "va.perspectives"), before = p->report->count;

	for (size_t i = 0; i < va->perspective_count; i++) {
		const struct perspective_config	*one = &va->perspectives[i];

		snprintf(key, sizeof(key), "va.perspectives[%zu]", i);
		if (same(one->name, PERSPECTIVE_PRIMARY))
			report_add(p->report, line, key, "is called %s, as the server's own is; choose another name",
			    PERSPECTIVE_PRIMARY);
		for (size_t j = 0; j < i; j++)
			if (same(one->name, va->perspectives[j].name))
				report_add(p->report, line, key, "has the name of va.perspectives[%zu]; choose another", j);
		check_resolvers(p, key, line, &one->resolvers);
		check_place(p, one, key, line);
		snprintf(key, sizeof(key), "va.perspectives[%zu].zones", i);
		check_zones(p, key, line, one->zones, one->zone_count);
	}
	for (size_t i = 0; i < va->perspective_count; i++)
		if (va->perspectives[i].name == NULL || va->perspectives[i].region == NULL)
			return; /* it could not be read, which was told */
	if (p->report->count != before || va->perspective_count == 0)
		return;
	if (va->quorum_failures >= (int64_t)va->perspective_count)
		report_add(p->report, line_of(p, "va.quorum.failures"), "va.quorum.failures",
		    "lets all %zu of va.perspectives fail; write a number below %zu", va->perspective_count,
		    va->perspective_count);
	if (!quorum_reached(va, (1u << va->perspective_count) - 1))
		report_add(p->report, absent(p, "va.quorum.regions") ? line : line_of(p, "va.quorum.regions"),
		    "va.quorum.regions", "is %lld, and va.perspectives lie in fewer regions, so that they could never "
		    "agree; give them regions, or lower it", (long long)va->quorum_regions);
}

void
check_va(struct parse *p)
{
	const struct va_config	*va = &p->config->va;

	check_resolvers(p, "va.resolvers", line_of(p, "va.resolvers"), &va->resolvers);
	check_zones(p, "va.zones", line_of(p, "va.zones"), va->zones, va->zone_count);
	check_perspectives(p);
	if (!absent(p, "va.targets.deny"))
		check_both(p, "va.targets.deny", &va->deny, &va->allow,
		    "%s stands in allow too, and allow wins; remove one of the two");
}

static bool
is_of_perspective(const char *key)
{
	static const char *const beginnings[] = { "preset", "name", "perspective.", "va.", "ra.caa_identities",
		"ra.dns_persist.", "log." };

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(key, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

/* A perspective's file: nothing of the server's other roles, and all of its own. */
void
check_own_perspective(struct parse *p)
{
	const struct own_perspective_config	*own = &p->config->perspective;
	static const char *const needed[] = { "perspective.listen", "perspective.tls_key", "perspective.evidence_key",
		"perspective.primary_key" };

	for (size_t i = 0; i < option_count; i++)
		if (p->line[i] != 0 && !is_of_perspective(options[i].key))
			report_add(p->report, p->line[i], options[i].key,
			    "is an option of a server, and this file is a perspective's (perspective.name); remove it");
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (absent(p, needed[i]))
			report_add(p->report, line_of(p, "perspective.name"), needed[i],
			    "is missing; `signet perspective create` writes it");
	if (!absent(p, "va.perspectives"))
		report_add(p->report, line_of(p, "va.perspectives"), "va.perspectives",
		    "has no meaning in a perspective's own file; remove it");
	if (!absent(p, "perspective.listen") && own->listen.count == 0)
		report_add(p->report, line_of(p, "perspective.listen"), "perspective.listen",
		    "is empty, so that nobody could ask; write an address such as \"[::]:9444\"");
}

void
check_not_perspective(struct parse *p)
{
	for (size_t i = 0; i < option_count; i++)
		if (strncmp(options[i].key, "perspective.", 12) == 0 && p->line[i] != 0 &&
		    strcmp(options[i].key, "perspective.name") != 0)
			report_add(p->report, p->line[i], options[i].key,
			    "stands without perspective.name; such a section belongs into a perspective's own file");
}
