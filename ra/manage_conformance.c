/* manage_conformance.c: the report of what clients did, in three forms, and a new one for the next test. */
#include <stdlib.h>

#include "lib/memory.h"
#include "ra/conduct.h"
#include "ra/manage.h"

/* A report that waits for va to look at what clients left behind. */
struct report {
	struct parked	  parked;	/* first */
	struct ra	 *ra;
	struct msg_reply  reply;
	enum conduct_form form;
};

static void
report_write(struct parked *parked)
{
	struct report *report = (struct report *)parked;
	struct ra     *ra = report->ra;
	struct buf     out = { 0 };

	conduct_report(ra->conduct, report->form, ra->surface->json_indent, &out);
	manage_reply(ra, &report->reply, &out);
	buf_free(&out);
	free(report);
}

static void
show(struct manage *m, enum conduct_form form, enum media_type media)
{
	struct report *report;

	if (m->ra->conduct == NULL) {
		manage_say(m, 404, "clients are not watched; set ra.observe");
		return;
	}
	if ((report = calloc(1, sizeof(*report))) == NULL)
		memory_out();
	report->parked.run = report_write;
	report->ra = m->ra;
	report->form = form;
	report->reply = m->reply;
	report->reply.status = 200;
	report->reply.media = media;
	m->later = true;
	conduct_look(m->ra, &report->parked);
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
