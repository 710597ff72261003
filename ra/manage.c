#include "ra/manage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/log.h"

/* A path that ends in "/" stands for all that begin so. Pebble takes any method for its own. */
static const struct {
	const char	*method;	/* NULL: any */
	const char	*path;
	manage_handler	*handle;
} table[] = {
	{ NULL, "/cert-status-by-serial/", manage_certificate_status },
	{ "POST", "/set-renewal-info/", manage_set_renewal_info },
	{ "GET", "/conformance", manage_conformance_page },
	{ "GET", "/conformance.json", manage_conformance_json },
	{ "GET", "/conformance.xml", manage_conformance_junit },
	{ "POST", "/conformance/reset", manage_conformance_reset },
	{ "GET", "/faults", manage_faults_show },
	{ "POST", "/faults", manage_faults_set },
	{ "DELETE", "/faults", manage_faults_clear },
	{ "GET", "/clock", manage_clock_show },
	{ "POST", "/clock", manage_clock_move },
	{ "POST", "/reset", manage_reset },
	{ "POST", "/snapshot", manage_snapshot },
	{ "POST", "/restore", manage_restore },
};

void
manage_say(struct manage *m, uint16_t status, const char *format, ...)
{
	char	text[REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	m->reply.status = status;
	m->reply.media = text[0] != '\0' ? MEDIA_TEXT : MEDIA_NONE;
	buf_clear(&m->out);
	buf_put_str(&m->out, text);
	if (text[0] != '\0')
		buf_put_str(&m->out, "\n");
}

void
manage_json(struct manage *m, json_t *owned)
{
	m->reply.status = 200;
	m->reply.media = MEDIA_JSON;
	json_put_indented(&m->out, owned, m->ra->surface->json_indent);
	json_decref(owned);
}

json_t *
manage_object(struct manage *m)
{
	struct reason reason = { "" };
	json_t	     *object = NULL;

	if (json_object_parse(m->msg.body, &object, &reason) != ERR_OK)
		manage_say(m, 400, "the body: %s", reason.text);
	return object;
}

static bool
matches(size_t row, const struct msg_manage *msg)
{
	size_t len = strlen(table[row].path);
	bool   all = table[row].path[len - 1] == '/';

	return (all ? strncmp(msg->path, table[row].path, len) == 0 : strcmp(msg->path, table[row].path) == 0) &&
	    (table[row].method == NULL || strcmp(table[row].method, msg->method) == 0);
}

static void
answer(struct manage *m)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (matches(i, &m->msg)) {
			table[i].handle(m, m->msg.path + strlen(table[i].path));
			return;
		}
	manage_say(m, 404, "404 page not found");
}

void
manage_reply(struct ra *ra, struct msg_reply *reply, struct buf *body)
{
	static const char too_long[] = "the answer is too long\n";
	struct buf	  message = { 0 };

	reply->body = buf_slice(body);
	if (body->failed || body->len > REPLY_BODY_MAX) {
		reply->status = 500;
		reply->media = MEDIA_TEXT;
		reply->body = slice_str(too_long);
	}
	put_reply(&message, reply);
	if (channel_send(ra->wfe, MSG_REPLY, &message) != ERR_OK)
		log_event(LOG_WARNING, "an answer of the management listener was lost: wfe is gone");
	buf_free(&message);
}

void
manage_take(struct ra *ra, struct slice body)
{
	struct manage m = { .ra = ra };

	if (!get_manage(body, &m.msg) || ra->config->wfe.management_listen.count == 0)
		channel_malformed(ra->wfe, MSG_MANAGE);
	m.reply.number = m.msg.number;
	answer(&m);
	if (!m.later)
		manage_reply(ra, &m.reply, &m.out);
	buf_free(&m.out);
}
