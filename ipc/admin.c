#include "ipc/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

#define LIMIT { "limit", ADMIN_COUNT, 0, "N", "at most so many" }
#define KINDS \
	"accounts_per_address|accounts_per_network|orders_per_account|certificates_per_domain|" \
	"certificates_per_set|failures|pause_after"
#define KIND { "kind", ADMIN_WORD, ADMIN_REQUIRED | ADMIN_PLACED, KINDS, "which of ra.limits" }
#define STATES "valid|revoked|expired"
/* What accounts are held to (ra/admin_bounds.c), whose: "its accounts", "it". */
#define BOUNDS(whose, default_profile) \
	{ "name", ADMIN_TEXTS, 0, "PATTERN", \
	    "names and addresses that " whose " may ask for, as in ra.policy.allow: nas.lan, *.lan, 10.0.0.0/8; without it, " \
	    "all that the CA's policy allows" }, \
	{ "deny", ADMIN_TEXTS, 0, "PATTERN", "names and addresses that " whose " may not ask for; wins" }, \
	{ "profile", ADMIN_TEXTS, 0, "PROFILE", \
	    "profiles that " whose " may name, the first being " default_profile "; without it, all" }, \
	{ "no-wildcards", ADMIN_FLAG, 0, NULL, "no wildcards" }, \
	{ "max-names", ADMIN_COUNT, 0, "N", "at most so many names in one order" }
#define REASONS \
	"unspecified|keyCompromise|affiliationChanged|superseded|cessationOfOperation|privilegeWithdrawn"

/* clang-format off */
const struct admin_command admin_commands[ADMIN_VERB_COUNT] = {
	[ADMIN_CERT_LIST] = { "cert", "list", "lists certificates, the newest first", {
		{ "name", ADMIN_TEXT, 0, "NAME", "only those for that name or address; *.NAME: for any name below" },
		{ "account", ADMIN_OBJECT, 0, "ID", "only that account's" },
		{ "state", ADMIN_WORD, 0, STATES, "only those in that state" },
		{ "expiring-before", ADMIN_TIME, 0, "TIME",
		    "only those that end before then, the first to end first; 30d: within thirty days" },
		{ "serial", ADMIN_SERIAL, 0, "SERIAL", "only that one" },
		LIMIT } },
	[ADMIN_CERT_SHOW] = { "cert", "show", "shows a certificate and what is known of it", {
		{ "serial", ADMIN_SERIAL, ADMIN_REQUIRED | ADMIN_PLACED, "SERIAL", "in hexadecimal" } } },
	[ADMIN_CERT_REVOKE] = { "cert", "revoke", "revokes a certificate; the CRL says so within a second", {
		{ "serial", ADMIN_SERIAL, ADMIN_REQUIRED | ADMIN_PLACED, "SERIAL", "in hexadecimal" },
		{ "reason", ADMIN_WORD, 0, REASONS,
		    "as RFC 5280, 5.3.1, has them; keyCompromise also blocks the key: no account and no certificate "
		    "has it again" } } },
	[ADMIN_ACCOUNT_LIST] = { "account", "list", "lists accounts, the newest first", {
		{ "state", ADMIN_WORD, 0, "valid|deactivated", "only those in that state" },
		{ "contact", ADMIN_TEXT, 0, "TEXT", "only those with that in a contact" },
		LIMIT } },
	[ADMIN_ACCOUNT_SHOW] = { "account", "show", "shows an account", {
		{ "id", ADMIN_OBJECT, ADMIN_REQUIRED | ADMIN_PLACED, "ID", "the end of its URL" } } },
	[ADMIN_ACCOUNT_DEACTIVATE] = { "account", "deactivate",
	    "ends an account and its open orders, for ever; its certificates stay", {
		{ "id", ADMIN_OBJECT, ADMIN_REQUIRED | ADMIN_PLACED, "ID", "the end of its URL" } } },
	[ADMIN_ACCOUNT_POLICY] = { "account", "policy",
	    "holds an account to a policy of its own, beside the CA's, from its next request on; what was said before is "
	    "forgotten", {
		{ "id", ADMIN_OBJECT, ADMIN_REQUIRED | ADMIN_PLACED, "ID", "the end of its URL" },
		BOUNDS("it", "its default"),
		{ "remove", ADMIN_FLAG, 0, NULL, "the account has no policy of its own any more" } } },
	[ADMIN_EAB_CREATE] = { "eab", "create", "makes a key for external account binding, and shows it this once", {
		BOUNDS("its accounts", "their default"),
		{ "expires", ADMIN_TIME, 0, "TIME", "until when it makes accounts; 30d: for thirty days; without it, for ever" },
		{ "uses", ADMIN_COUNT, 0, "N", "how many accounts it makes; without it, any number" },
		{ "comment", ADMIN_TEXT, 0, "TEXT", "whose it is, for the list" } } },
	[ADMIN_EAB_LIST] = { "eab", "list", "lists such keys, the newest first, but never the secret", {
		{ "state", ADMIN_WORD, 0, "valid|used|expired|revoked", "only those in that state" },
		LIMIT } },
	[ADMIN_EAB_REVOKE] = { "eab", "revoke", "has a key make no more accounts", {
		{ "kid", ADMIN_OBJECT, ADMIN_REQUIRED | ADMIN_PLACED, "KID", "the key's identifier" },
		{ "accounts", ADMIN_FLAG, 0, NULL, "also deactivate the accounts that it made; works for a revoked key too" } } },
	[ADMIN_LIMIT_RATES] = { "limit", "rates", "shows the rates of ra.limits, and those of single subjects", { { 0 } } },
	[ADMIN_LIMIT_LIST] = { "limit", "list", "lists what is spent", {
		{ "kind", ADMIN_WORD, 0, KINDS, "only that limit" },
		{ "account", ADMIN_OBJECT, 0, "ID", "only that account's" },
		LIMIT } },
	[ADMIN_LIMIT_PAUSED] = { "limit", "paused", "lists accounts and names that are paused", {
		{ "account", ADMIN_OBJECT, 0, "ID", "only that account's" },
		LIMIT } },
	[ADMIN_LIMIT_OVERRIDE] = { "limit", "override", "gives one subject a rate of its own", {
		KIND,
		{ "subject", ADMIN_TEXT, ADMIN_REQUIRED | ADMIN_PLACED, "SUBJECT",
		    "an account, a registered domain or address, as the limit counts" },
		{ "rate", ADMIN_TEXT, ADMIN_REQUIRED | ADMIN_PLACED, "RATE",
		    "such as 500/7d; none for no limit; default to end the override; a number for pause_after" } } },
	[ADMIN_LIMIT_RESET] = { "limit", "reset", "forgets what a subject has spent", {
		KIND,
		{ "subject", ADMIN_TEXT, ADMIN_REQUIRED | ADMIN_PLACED, "SUBJECT",
		    "as `signet limit list` shows it; for certificates_per_set also the names, with commas" },
		{ "account", ADMIN_OBJECT, 0, "ID", "of the account that has a rate of its own" } } },
	[ADMIN_LIMIT_UNPAUSE] = { "limit", "unpause", "lets an account order names again that were paused for it", {
		{ "account", ADMIN_OBJECT, ADMIN_REQUIRED | ADMIN_PLACED, "ACCOUNT", "the end of its URL" },
		{ "name", ADMIN_TEXT, 0, "NAME", "only that name or address; without it, all" } } },
	[ADMIN_AUTHZ_SHOW] = { "authz", "show", "shows an authorization: what was tried, what was seen, from where", {
		{ "id", ADMIN_OBJECT, ADMIN_REQUIRED | ADMIN_PLACED, "ID", "as in its URL and in the log" } } },
	[ADMIN_TRY] = { "try", "", "tells whether an order for a name would be taken, and whether it could be validated now, as this CA and its "
	    "perspectives see it", {
		{ "name", ADMIN_TEXT, ADMIN_REQUIRED | ADMIN_PLACED, "NAME", "a name or an address" },
		{ "challenge", ADMIN_WORD, 0, "http-01|tls-alpn-01|dns-01|dns-account-01|dns-persist-01",
		    "by which challenge; without it the first of the first three that is offered and can prove the name" },
		{ "account", ADMIN_OBJECT, 0, "ID",
		    "for which account: for its policy, for CAA records that name it, and for dns-account-01 and "
		    "dns-persist-01, which need it" },
		{ "profile", ADMIN_TEXT, 0, "PROFILE", "by which profile; without it the account's default" } } },
};
/* clang-format on */

const char *
admin_command_name(const struct admin_command *command, char out[ADMIN_NAME_SIZE])
{
	snprintf(out, ADMIN_NAME_SIZE, "%s%s%s", command->group, command->verb[0] != '\0' ? " " : "", command->verb);
	return out;
}

bool
admin_word(const char *words, const char *word)
{
	size_t len = strcspn(word, "|");

	if (word[len] != '\0')
		return false;	/* two of them are none */
	for (const char *at = words; at != NULL; at = strchr(at, '|') != NULL ? strchr(at, '|') + 1 : NULL)
		if (len > 0 && strncmp(at, word, len) == 0 && (at[len] == '|' || at[len] == '\0'))
			return true;
	return false;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
admin_serial(const char *text, uint8_t out[ADMIN_SERIAL_MAX], size_t *len)
{
	char digits[2 * ADMIN_SERIAL_MAX + 2];
	size_t count = 0, pair = 0;

	for (const char *at = text; *at != '\0'; at++) {
		if (*at == ':' && pair > 0 && pair % 2 == 0 && at[1] != '\0' && at[1] != ':')
			continue;
		if (nibble(*at) < 0)
			return false;
		pair++;
		if (count == 0 && *at == '0')
			continue;
		if (count == 2 * ADMIN_SERIAL_MAX)
			return false;
		digits[count++] = *at;
	}
	if (count == 0)
		return false;
	*len = (count + 1) / 2;
	memset(out, 0, *len);
	for (size_t i = 0; i < count; i++) {
		size_t place = i + count % 2;	/* an odd count begins with half a byte */

		out[place / 2] = (uint8_t)(out[place / 2] << 4 | nibble(digits[i]));
	}
	return true;
}

/* --- reading a request --------------------------------------------------------------------------- */

static bool
command_find(const char *name, enum admin_verb *out)
{
	char one[ADMIN_NAME_SIZE];

	for (enum admin_verb verb = 0; name != NULL && verb < ADMIN_VERB_COUNT; verb++)
		if (strcmp(admin_command_name(&admin_commands[verb], one), name) == 0) {
			*out = verb;
			return true;
		}
	return false;
}

static bool
text_ok(const json_t *json)
{
	const char *text = json_string_value(json);
	size_t len = json_string_length(json);

	if (text == NULL || len == 0 || len > ADMIN_TEXT_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

static bool
texts_ok(const json_t *json)
{
	size_t i;
	json_t *item;

	if (!json_is_array(json) || json_array_size(json) == 0 || json_array_size(json) > ADMIN_LIST_MAX)
		return false;
	json_array_foreach(json, i, item)
		if (!text_ok(item))
			return false;
	return true;
}

static bool
number_read(const json_t *json, int64_t least, int64_t *out)
{
	*out = json_integer_value(json);
	return json_is_integer(json) && *out >= least;
}

/* NULL, or what would have been right. */
static const char *
value_read(const struct admin_argument *argument, const json_t *json, struct admin_value *value)
{
	bool text = text_ok(json);

	value->text = json_string_value(json);
	switch (argument->kind) {
	case ADMIN_TEXT:
		return text ? NULL : "a string of 1 to 1024 bytes without control characters";
	case ADMIN_TEXTS:
		value->list = json;
		return texts_ok(json) ? NULL : "an array of 1 to 100 strings";
	case ADMIN_WORD:
		return text && admin_word(argument->value, value->text) ? NULL : argument->value;
	case ADMIN_COUNT:
		return number_read(json, 1, &value->number) ? NULL : "a whole number from 1 on";
	case ADMIN_FLAG:
		value->number = json_is_true(json);
		return json_is_boolean(json) ? NULL : "true or false";
	case ADMIN_TIME:
		return number_read(json, 0, &value->number) ? NULL : "a number of seconds since 1970";
	case ADMIN_DURATION:
		return number_read(json, 1, &value->number) ? NULL : "a number of seconds from 1 on";
	case ADMIN_OBJECT:
		return text && id_parse(value->text, strlen(value->text), &value->id) ?
		    NULL : "an id of 22 characters, the end of the object's URL";
	case ADMIN_SERIAL:
		return text && admin_serial(value->text, value->serial, &value->serial_len) ?
		    NULL : "a serial number in hexadecimal";
	}
	return "something else";
}

static enum err
argument_read(struct admin_request *request, const char *name, const json_t *json, struct reason *reason)
{
	const struct admin_command *command = &admin_commands[request->verb];
	const struct admin_argument *argument = command->arguments;
	const char *wanted;
	char whole[ADMIN_NAME_SIZE];

	while (argument->name != NULL && strcmp(argument->name, name) != 0)
		argument++;
	if (argument->name == NULL) {
		reason_set(reason, "\"%s\" takes no \"%.100s\"", admin_command_name(command, whole), name);
		return ERR_MALFORMED;
	}
	if ((wanted = value_read(argument, json, &request->values[argument - command->arguments])) != NULL) {
		reason_set(reason, "\"%s\" has to be %s", name, wanted);
		return ERR_MALFORMED;
	}
	request->values[argument - command->arguments].given = true;
	return ERR_OK;
}

static enum err
arguments_read(struct admin_request *request, struct reason *reason)
{
	const struct admin_argument *argument = admin_commands[request->verb].arguments;
	const char *name;
	json_t *json;
	enum err err = ERR_OK;

	json_object_foreach(request->json, name, json)
		if (strcmp(name, "command") != 0 &&
		    (err = argument_read(request, name, json, reason)) != ERR_OK)
			return err;
	for (size_t i = 0; argument[i].name != NULL; i++)
		if ((argument[i].flags & ADMIN_REQUIRED) && !request->values[i].given) {
			reason_set(reason, "\"%s\" is missing", argument[i].name);
			return ERR_MALFORMED;
		}
	return ERR_OK;
}

enum err
admin_request_parse(struct slice line, struct admin_request *out, struct reason *reason)
{
	const char *name;
	enum err err;

	*out = (struct admin_request){ .json = NULL };
	if ((err = json_object_parse(line, &out->json, reason)) != ERR_OK)
		return err;
	name = json_member_str(out->json, "command");
	if (!command_find(name, &out->verb)) {
		reason_set(reason, "there is no command \"%.100s\" in this version", name != NULL ? name : "");
		err = ERR_MALFORMED;
	} else {
		err = arguments_read(out, reason);
	}
	if (err != ERR_OK)
		admin_request_free(out);
	return err;
}

void
admin_request_free(struct admin_request *request)
{
	json_decref(request->json);
	*request = (struct admin_request){ .json = NULL };
}

const struct admin_value *
admin_value(const struct admin_request *request, const char *name)
{
	const struct admin_argument *argument = admin_commands[request->verb].arguments;

	for (size_t i = 0; argument[i].name != NULL; i++)
		if (strcmp(argument[i].name, name) == 0)
			return &request->values[i];
	abort();
}
