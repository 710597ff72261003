#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/utf8.h"
#include "ra/ra.h"

static admin_handler *const handlers[ADMIN_VERB_COUNT] = {
	[ADMIN_CERT_LIST] = admin_cert_list,
	[ADMIN_CERT_SHOW] = admin_cert_show,
	[ADMIN_CERT_REVOKE] = admin_cert_revoke,
	[ADMIN_ACCOUNT_LIST] = admin_account_list,
	[ADMIN_ACCOUNT_SHOW] = admin_account_show,
	[ADMIN_ACCOUNT_DEACTIVATE] = admin_account_deactivate,
	[ADMIN_ACCOUNT_POLICY] = admin_account_policy,
	[ADMIN_EAB_CREATE] = admin_eab_create,
	[ADMIN_EAB_LIST] = admin_eab_list,
	[ADMIN_EAB_REVOKE] = admin_eab_revoke,
	[ADMIN_LIMIT_RATES] = admin_limit_rates,
	[ADMIN_LIMIT_LIST] = admin_limit_list,
	[ADMIN_LIMIT_PAUSED] = admin_limit_paused,
	[ADMIN_LIMIT_OVERRIDE] = admin_limit_override,
	[ADMIN_LIMIT_RESET] = admin_limit_reset,
	[ADMIN_LIMIT_UNPAUSE] = admin_limit_unpause,
	[ADMIN_AUTHZ_SHOW] = admin_authz_show,
	[ADMIN_TRY] = admin_try,
};

static const char *const codes[] = { [ADMIN_MALFORMED] = "malformed", [ADMIN_DENIED] = "denied",
	[ADMIN_BUSY] = "busy", [ADMIN_NOT_FOUND] = "not-found", [ADMIN_CONFLICT] = "conflict",
	[ADMIN_BROKEN] = "internal" };

/* Takes the object over; a line that memory is too short for marks the buf. */
static void
put_line(struct buf *out, json_t *line)
{
	if (line == NULL)
		out->failed = true;
	else
		json_put(out, line);
	buf_put_byte(out, '\n');
	json_decref(line);
}

/* What was cut in the middle of a character would not be JSON. */
static void
mend(char *text)
{
	for (size_t len = strlen(text), n; len > 0; text += n, len -= n)
		if ((n = utf8_length(text, len)) == 0) {
			*text = '?';
			n = 1;
		}
}

void
admin_put_error(struct buf *out, enum admin_code code, const char *message)
{
	put_line(out, json_pack("{s:{s:s, s:s}}", "error", "code", codes[code], "message", message));
}

void
admin_row(struct admin_call *call, json_t *row)
{
	if (row == NULL)
		call->out->failed = true;
	else
		put_line(call->out, json_pack("{s:o}", "row", row));
	call->rows++;
}

void
admin_fail(struct admin_call *call, enum admin_code code, const char *format, ...)
{
	char message[512];	/* a sentence with a name and a pattern of 253 bytes each is cut, not lost */
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	mend(message);
	buf_clear(call->out);
	admin_put_error(call->out, code, message);
	call->failed = true;
}

void
admin_broken(struct admin_call *call, const char *where, enum err err)
{
	log_event(LOG_ERROR, "admin command failed inside", F_STR("where", where), F_STR("error", err_text(err)));
	admin_fail(call, ADMIN_BROKEN,
	    "the server could not carry out the command (%s: %s); nothing was changed, its log may say more", where,
	    err_text(err));
}

bool
admin_enough(const struct admin_call *call)
{
	const struct admin_value *limit = admin_value(call->request, "limit");

	return limit->given && call->rows >= (uint64_t)limit->number;
}

/* What the command is about: its arguments that have to be there. */
static void
put_subject(const struct admin_request *request, struct buf *out)
{
	const struct admin_argument *argument = admin_commands[request->verb].arguments;

	for (size_t i = 0; argument[i].name != NULL; i++)
		if ((argument[i].flags & ADMIN_REQUIRED) && request->values[i].text != NULL) {
			buf_put_str(out, out->len > 0 ? " " : "");
			buf_put_str(out, request->values[i].text);
		}
}

static void
call_log(const struct admin_call *call)
{
	const struct admin_command *command = &admin_commands[call->request->verb];
	struct buf about = { 0 };
	char name[ADMIN_NAME_SIZE], *subject;

	put_subject(call->request, &about);
	subject = buf_take_str(&about);
	log_event(LOG_INFO, "admin command", F_INT("uid", call->uid), F_STR("command", admin_command_name(command, name)),
	    F_STR("of", subject), F_INT("rows", call->rows),
	    F_STR("outcome", call->failed ? "refused" : "done"));
	free(subject);
}

void
admin_call_run(struct admin_call *call)
{
	call->more = call->wait = false;
	handlers[call->request->verb](call);
	if (call->failed)
		call->more = false;
	if (call->more)
		return;
	if (!call->failed)
		put_line(call->out, json_pack("{s:{s:I}}", "end", "rows", (json_int_t)call->rows));
	call_log(call);
}
