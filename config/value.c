/* Texts to values: one checker per type, and the table of types. */
#include "config/options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acme/challenge.h"
#include "acme/revocation.h"
#include "config/name.h"
#include "config/network.h"
#include "lib/base64url.h"
#include "x509/key.h"

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static bool
title_text(char *text, struct reason *why)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			reason_set(why, "holds a control character; write one line of plain text");
			return false;
		}
	return true;
}

bool
config_word(const char *text, struct reason *why)
{
	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0')
		return true;
	reason_set(why, "\"%.120s\" is no name; use letters, digits, '-', '_' and '.'", text);
	return false;
}

static bool
word_text(char *text, struct reason *why)
{
	return config_word(text, why);
}

#define ANY_PORT ":1"	/* makes a host alone an address that can be checked */

/* A host with an optional port, as in a URL; what follows it is *rest. */
static bool
authority(char *text, char **rest, struct reason *why)
{
	char		 host[256];
	size_t		 len = strcspn(text, "/?#");
	char		 part[300];
	uint16_t	 port;

	*rest = text + len;
	if (len + sizeof(ANY_PORT) > sizeof(part)) {
		reason_set(why, "its host is longer than 253 bytes; write a real host name");
		return false;
	}
	memcpy(part, text, len);
	part[len] = '\0';
	if (strchr(part, '@') != NULL) {
		reason_set(why, "holds a user name; write only the host and the port");
		return false;
	}
	if (part[0] != '\0' && (strchr(part, ':') == NULL || part[len - 1] == ']'))
		memcpy(part + len, ANY_PORT, sizeof(ANY_PORT));
	if (part[0] == ':' || !config_address(part, host, sizeof(host), &port)) {
		reason_set(why, "\"%.*s\" is no host; write a name or an address, as in ca.home.arpa:9443 or "
		    "[fd00::1]:9443", (int)len, text);
		return false;
	}
	return true;
}

static bool
scheme(char *text, char **rest, struct reason *why)
{
	size_t len = strncasecmp(text, "https://", 8) == 0 ? 8 : strncasecmp(text, "http://", 7) == 0 ? 7 : 0;

	*rest = text + len;
	if (len == 0)
		reason_set(
		    why, "\"%.120s\" is no URL of a web server; write one that begins with https://", text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	return len != 0;
}

/* wfe.url and wfe.plain_url: scheme, host, port and nothing else, in lower case. The routes follow it
 * directly, so a path would be one that we don't serve. */
static bool
server_url_text(char *text, struct reason *why)
{
	char	*host, *rest;

	if (!scheme(text, &host, why) || !authority(host, &rest, why))
		return false;
	if (rest[0] != '\0') {
		reason_set(why,
		    "goes on after the host with \"%.120s\"; write %.*s, without a path, query or slash "
		    "at the end",
		    rest, (int)(rest - text), text);
		return false;
	}
	lower(text);
	return true;
}

static bool
url_text(char *text, struct reason *why)
{
	char	*host, *rest = text;

	/* Terms that are short enough stand in their own URL (RFC 2397). */
	if (strncmp(text, "data:", 5) != 0 && (!scheme(text, &host, why) || !authority(host, &rest, why)))
		return false;
	for (const char *p = rest; *p != '\0'; p++)
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f ||
		    strchr("\"<>\\^`{|}", *p) != NULL) {
			reason_set(why, "holds a character that no URL has; write it as %%%02X",
			    (unsigned char)*p);
			return false;
		}
	return true;
}

static bool
listen_text(char *text, struct reason *why)
{
	char		host[256];
	unsigned char	address[16];
	uint16_t	port;

	if (!config_listen_address(text, host, sizeof(host), &port)) {
		reason_set(why,
		    "\"%.120s\" is no address with a port; write \"[::]:9443\", \"127.0.0.1:9443\" or "
		    "\":9443\"",
		    text);
		return false;
	}
	if (host[0] != '\0' && inet_pton(AF_INET, host, address) != 1 &&
	    inet_pton(AF_INET6, host, address) != 1) {
		reason_set(why,
		    "\"%.120s\" is a name, and names are not looked up here; write an address of this host, "
		    "as in \"127.0.0.1:%u\"",
		    host, port);
		return false;
	}
	return true;
}

static bool
public_key_text(char *text, struct reason *why)
{
	unsigned char	bytes[32];

	if (base64url_bytes(slice_str(text), bytes, sizeof(bytes)) == ERR_OK)
		return true;
	reason_set(why, "is no Ed25519 key: 43 characters of base64url, as `signet perspective create` writes it");
	return false;
}

static bool
pattern_text(char *text, struct reason *why)
{
	lower(text);
	if (strcmp(text, "*") == 0 || name_check(strncmp(text, "*.", 2) == 0 ? text + 2 : text))
		return true;
	why->text[0] = '\0';
	if (network_cidr(text, why)) /* RFC 8738: identifiers of type ip */
		return true;
	if (why->text[0] == '\0')
		reason_set(why,
		    "\"%.120s\" is no name pattern; write nas.lan for one name, \"*.home.arpa\" for every "
		    "name below it, \"*\" for all names, or \"10.0.0.0/8\" for addresses",
		    text);
	return false;
}

static bool
domain_text(char *text, struct reason *why)
{
	lower(text);
	if (name_check(text))
		return true;
	reason_set(why, "\"%.120s\" is no DNS name; write letters, digits and hyphens between dots, as in "
	    "corp.example (an international name in its xn-- form)", text);
	return false;
}

static bool
challenge_text(char *text, struct reason *why)
{
	char known[120] = "";

	if (challenge_by_name(text) != CHALLENGE_NONE)
		return true;
	for (unsigned i = 1; i < CHALLENGE_TYPE_COUNT; i++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", i == 1 ? "" : ", ",
		    challenge_name((enum challenge_type)i));
	reason_set(why, "\"%.60s\" is no challenge type of this version; there are %s", text, known);
	return false;
}

static bool
key_type_text(char *text, struct reason *why)
{
	if (key_type_by_name(text) != 0)
		return true;
	reason_set(why, "\"%.60s\" is no key type; there are p256, p384, p521, rsa2048, rsa3072, rsa4096, ed25519 and "
	    "ed448", text);
	return false;
}

static bool
host_text(char *text, struct reason *why)
{
	unsigned char	address[16];

	lower(text);
	if (name_check(text) || inet_pton(AF_INET, text, address) == 1 ||
	    inet_pton(AF_INET6, text, address) == 1)
		return true;
	if (strncmp(text, "*.", 2) == 0)
		reason_set(why, "\"%.120s\" is a wildcard; write the server's own names", text);
	else
		reason_set(why,
		    "\"%.120s\" is neither a DNS name nor an address; write one such as ca.home.arpa or "
		    "192.168.1.10, without a port",
		    text);
	return false;
}

static bool
storage_text(char *text, struct reason *why)
{
	if (strncmp(text, "postgresql:", 11) == 0 || strncmp(text, "postgres:", 9) == 0)
		reason_set(why, "PostgreSQL is not served by this version; write \"sqlite:data/signet.db\"");
	else if (strncmp(text, "sqlite:", 7) != 0 || text[7] == '\0')
		reason_set(why,
		    "\"%.120s\" is no database; write \"sqlite:\" and a file, as in "
		    "\"sqlite:data/signet.db\"",
		    text);
	else
		return true;
	return false;
}

static bool
reason_text(char *text, struct reason *why)
{
	enum revocation_reason reason;

	if (revocation_reason_by_name(text, &reason))
		return true;
	reason_set(why,
	    "\"%.120s\" is no reason; write unspecified, keyCompromise, affiliationChanged, superseded, "
	    "cessationOfOperation or privilegeWithdrawn",
	    text);
	return false;
}

static bool
integer_number(const struct option *o, const char *text, int64_t *out, struct reason *why)
{
	char	*end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (text[strspn(text, "-0123456789")] != '\0' || end == text || *end != '\0') {
		reason_set(why, "\"%.120s\" is no whole number; write digits only, as in %lld", text,
		    (long long)(o->min > 0 ? o->min : o->max));
		return false;
	}
	if (errno == ERANGE || *out < o->min || *out > o->max) {
		reason_set(why, "%s is out of range; write a number from %lld to %lld", text,
		    (long long)o->min, (long long)o->max);
		return false;
	}
	return true;
}

static const struct unit {
	const char	*name;
	int64_t		 ms;
} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

void
duration_text(int64_t ms, char *out, size_t size)
{
	size_t	i = 0;

	while (i < 4 && (ms % units[i].ms != 0 || ms < units[i].ms))
		i++;
	if (ms == 0)
		i = 3;
	snprintf(out, size, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
}

/* The range is in steps of step milliseconds, and so is *out. */
static bool
duration(const struct option *o, const char *text, int64_t step, int64_t *out, struct reason *why)
{
	size_t	digits = strspn(text, "0123456789"), i = 0;
	char	least[32], most[32];
	int64_t	ms;

	while (i < 5 && (strcmp(text + digits, units[i].name) != 0 || units[i].ms < step))
		i++;
	if (digits > 0 && text[digits] == '\0') {
		reason_set(why, "\"%.20s\" has no unit; write %.20sd, %.20sh, %.20sm or %.20ss", text, text,
		    text, text, text);
		return false;
	}
	if (digits == 0 || i == 5) {
		reason_set(why, "\"%.120s\" is no duration; write a whole number and one unit, %s", text,
		    step == 1 ? "d, h, m, s or ms, as in 500ms" : "d, h, m or s, as in 90d or 160h");
		return false;
	}
	duration_text(o->min * step, least, sizeof(least));
	duration_text(o->max * step, most, sizeof(most));
	errno = 0;
	ms = strtoll(text, NULL, 10);
	if (errno == ERANGE || ms > o->max * step / units[i].ms || ms * units[i].ms < o->min * step) {
		reason_set(why, "%s is out of range; write a duration from %s to %s", text, least, most);
		return false;
	}
	*out = ms * units[i].ms / step;
	return true;
}

static bool
seconds_number(const struct option *o, const char *text, int64_t *out, struct reason *why)
{
	return duration(o, text, 1000, out, why);
}

static bool
milliseconds_number(const struct option *o, const char *text, int64_t *out, struct reason *why)
{
	return duration(o, text, 1, out, why);
}

bool
config_duration(const char *text, int64_t *seconds, struct reason *why)
{
	static const struct option any = { .min = 1, .max = INT64_C(36500) * 86400 };

	return duration(&any, text, 1000, seconds, why);
}

#define RATE_COUNT_MAX 1000000

bool
config_rate(const char *text, int64_t *count, int64_t *seconds, struct reason *why)
{
	static const struct option year = { .min = 1, .max = INT64_C(366) * 86400 };
	size_t digits = strspn(text, "0123456789");
	struct reason cause = { "" };

	*count = *seconds = 0;
	if (strcmp(text, "none") == 0)
		return true;
	if (digits > 0 && digits < 8 && text[digits] == '/' &&
	    duration(&year, text + digits + 1, 1000, seconds, &cause)) {
		*count = strtoll(text, NULL, 10);
		if (*count >= 1 && *count <= RATE_COUNT_MAX)
			return true;
	}
	reason_set(why, "\"%.60s\" is no rate%s%.120s; write a number from 1 to %d and a duration, as in 50/7d, or none",
	    text, cause.text[0] != '\0' ? ": " : "", cause.text, RATE_COUNT_MAX);
	return false;
}

static bool
rate_text(char *text, struct reason *why)
{
	int64_t count, seconds;

	return config_rate(text, &count, &seconds, why);
}

const struct type type_text = { .name = "text", .kind = KIND_STRING, .text = title_text };
const struct type type_title = { .name = "text", .kind = KIND_STRING, .text = title_text };
const struct type type_word = { .name = "name", .kind = KIND_STRING, .text = word_text };
const struct type type_words = { .name = "list of names", .kind = KIND_STRINGS, .text = word_text };
const struct type type_domain = { .name = "DNS name", .kind = KIND_STRING, .text = domain_text };
const struct type type_public_key = { .name = "key", .kind = KIND_STRING, .text = public_key_text };
const struct type type_path = { .name = "file", .kind = KIND_STRING, .text = title_text };
const struct type type_paths = { .name = "list of files", .kind = KIND_STRINGS, .text = title_text };
const struct type type_key_types = { .name = "list of key types", .kind = KIND_STRINGS, .text = key_type_text };
const struct type type_server_url = { .name = "URL without a path", .kind = KIND_STRING,
	.text = server_url_text };
const struct type type_url = { .name = "URL", .kind = KIND_STRING, .text = url_text };
const struct type type_address = { .name = "address", .kind = KIND_STRING, .text = listen_text };
const struct type type_storage = { .name = "database", .kind = KIND_STRING, .text = storage_text };
const struct type type_integer = { .name = "number", .kind = KIND_INTEGER, .number = integer_number,
	.plain = true };
const struct type type_seconds = { .name = "duration", .kind = KIND_INTEGER, .number = seconds_number };
const struct type type_milliseconds = { .name = "duration", .kind = KIND_INTEGER,
	.number = milliseconds_number };
const struct type type_bool = { .name = "true or false", .kind = KIND_BOOL };
const struct type type_enum = { .name = "one of", .kind = KIND_ENUM };
const struct type type_addresses = { .name = "list of addresses", .kind = KIND_STRINGS, .text = listen_text };
const struct type type_patterns = { .name = "list of name patterns", .kind = KIND_STRINGS,
	.text = pattern_text };
const struct type type_hosts = { .name = "list of names and addresses", .kind = KIND_STRINGS,
	.text = host_text };
const struct type type_domains = { .name = "list of DNS names", .kind = KIND_STRINGS, .text = domain_text };
const struct type type_reasons = {
	.name = "list of revocation reasons", .kind = KIND_STRINGS, .text = reason_text
};
const struct type type_challenges = { .name = "list of challenge types", .kind = KIND_STRINGS,
	.text = challenge_text };
const struct type type_records = { .name = "records", .kind = KIND_RECORDS };
const struct type type_rate = { .name = "rate", .kind = KIND_STRING, .text = rate_text };
