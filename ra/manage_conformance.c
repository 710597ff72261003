/* manage_conformance.c: the report of what clients did, in three forms, and a new one for the next test. */
#include "ra/conduct.h"
#include "ra/manage.h"

static void
show(struct manage *m, enum conduct_form form, enum media_type media)
{
	if (m->ra->conduct == NULL) {
		manage_say(m, 404, "clients are not watched; set ra.observe");
		return;
	}
	m->reply.status = 200;
	m->reply.media = media;
	conduct_report(m->ra->conduct, form, m->ra->surface->json_indent, &m->out);
}

void
manage_conformance_page(struct manage *m, const char *rest)
{
	(void)rest;
	show(m, CONDUCT_PAGE, MEDIA_HTML);
}

void
manage_conformance_json(struct manage *m, const char *rest)
{
	(void)rest;
	show(m, CONDUCT_JSON, MEDIA_JSON);
}

void
manage_conformance_junit(struct manage *m, const char *rest)
{
	(void)rest;
	show(m, CONDUCT_JUNIT, MEDIA_XML);
}

void
manage_conformance_reset(struct manage *m, const char *rest)
{
	(void)rest;
	conduct_reset(m->ra->conduct);
	manage_say(m, 200, "%s", "");
}
