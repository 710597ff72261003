#include "acme/identifier.h"

#include <ctype.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/json.h"

#define LABEL_MAX 63	/* RFC 1035, 2.3.4 */

static enum err check_dns(const char *, struct identifier *, struct reason *);
static enum err check_ip(const char *, struct identifier *, struct reason *);

static const struct {
	const char	*name;
	enum err	(*check)(const char *value, struct identifier *out, struct reason *);
} table[IDENTIFIER_TYPE_COUNT] = {
	[IDENTIFIER_DNS] = { "dns", check_dns },
	[IDENTIFIER_IP] = { "ip", check_ip },
};

const char *
identifier_type_name(enum identifier_type type)
{
	if (type == 0 || (unsigned)type >= IDENTIFIER_TYPE_COUNT)
		return "unknown";
	return table[type].name;
}

enum identifier_type
identifier_type_by_name(const char *name)
{
	for (unsigned i = 1; i < IDENTIFIER_TYPE_COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return (enum identifier_type)i;
	return 0;
}

/* RFC 8555, 7.1.4: an A-label must decode, and be what its U-label encodes to. */
static enum err
check_a_label(const char *label, size_t len, struct reason *reason)
{
	char	 text[LABEL_MAX + 1];
	char	*unicode = NULL, *again = NULL;
	enum err err = ERR_MALFORMED;

	memcpy(text, label, len);
	text[len] = '\0';
	if (idn2_to_unicode_8z8z(text, &unicode, IDN2_NONTRANSITIONAL) != IDN2_OK ||
	    idn2_to_ascii_8z(unicode, &again, IDN2_NONTRANSITIONAL) != IDN2_OK || strcmp(again, text) != 0)
		reason_set(reason,
		    "the label \"%s\" begins with \"xn--\" but is not the A-label of any name (RFC 5890)",
		    text);
	else
		err = ERR_OK;
	idn2_free(unicode);
	idn2_free(again);
	return err;
}

static enum err
check_label(const char *name, const char *label, size_t len, struct reason *reason)
{
	if (len == 0) {
		reason_set(reason, "the name \"%s\" has an empty label", name);
		return ERR_MALFORMED;
	}
	if (len > LABEL_MAX) {
		reason_set(reason, "the name \"%s\" has a label of %zu characters; 63 is the most", name,
		    len);
		return ERR_MALFORMED;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)label[i];

		if (!islower(c) && !isdigit(c) && c != '-') {
			reason_set(reason, "the name \"%s\" has the character '%c', which no host name has",
			    name, isprint(c) ? c : '?');
			return ERR_MALFORMED;
		}
	}
	if (label[0] == '-' || label[len - 1] == '-') {
		reason_set(reason, "the name \"%s\" has a label that begins or ends with '-'", name);
		return ERR_MALFORMED;
	}
	if (len >= 4 && label[2] == '-' && label[3] == '-') {
		if (strncmp(label, "xn", 2) == 0)
			return check_a_label(label, len, reason);
		reason_set(reason,
		    "the name \"%s\" has a label with \"--\" at its third place that is not an A-label (xn--)",
		    name);
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* RFC 8555, 7.1.4: the client converts names, as only it knows what its user meant; but it is told what it would be. */
static enum err
refuse_unicode(const char *name, struct reason *reason)
{
	char *ascii = NULL;

	if (idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
		reason_set(reason, "the name \"%.90s\" is not ASCII; order it by its A-labels: \"%.150s\" (RFC 8555, 7.1.4)",
		    name, ascii);
	else
		reason_set(reason, "the name \"%.150s\" is not ASCII, and has no A-labels either (RFC 5891, 4)", name);
	idn2_free(ascii);
	return ERR_MALFORMED;
}

enum err
dns_name_check(const char *value, struct reason *reason)
{
	size_t		 len = strlen(value);
	const char	*label = value, *dot;
	struct address	 address;
	enum err	 err;

	if (len == 0) {
		reason_set(reason, "the name is empty");
		return ERR_MALFORMED;
	}
	if (len > IDENTIFIER_VALUE_MAX) {
		reason_set(reason, "the name has %zu characters; 253 is the most", len);
		return ERR_MALFORMED;
	}
	if (!is_ascii(value))
		return refuse_unicode(value, reason);
	/* A rival once issued for an address sent as type "dns". */
	if (address_parse(value, &address)) {
		reason_set(reason, "\"%s\" is an IP address, not a DNS name; use the identifier type \"ip\"",
		    value);
		return ERR_MALFORMED;
	}
	if (value[len - 1] == '.') {
		reason_set(reason, "the name \"%s\" ends with a dot; leave it out", value);
		return ERR_MALFORMED;
	}
	for (;; label = dot + 1) {
		dot = strchr(label, '.');
		err = check_label(value, label, dot ? (size_t)(dot - label) : strlen(label), reason);
		if (err != ERR_OK)
			return err;
		if (dot == NULL)
			break;
	}
	/* RFC 1123, 2.1: so that no name reads as an address in any of its old forms. libcurl takes "127.0.0.0x1"
	 * for 127.0.0.1. */
	if (strspn(label, "0123456789") == strlen(label)) {
		reason_set(reason, "the name \"%s\" ends in a label of digits only, as no domain does", value);
		return ERR_MALFORMED;
	}
	if (strncmp(label, "0x", 2) == 0 && strspn(label + 2, "0123456789abcdef") == strlen(label + 2)) {
		reason_set(reason, "the name \"%s\" ends in a hexadecimal number, as no domain does", value);
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static enum err
check_dns(const char *value, struct identifier *out, struct reason *reason)
{
	const char	*base = value;
	size_t		 len = strlen(value);
	char		 lower[IDENTIFIER_VALUE_SIZE];

	if (len >= sizeof(lower)) {
		reason_set(reason, "the name has %zu characters; 253 is the most", len);
		return ERR_MALFORMED;
	}
	for (size_t i = 0; i <= len; i++)
		lower[i] = (char)(value[i] >= 'A' && value[i] <= 'Z' ? value[i] + ('a' - 'A') : value[i]);
	base = strncmp(lower, "*.", 2) == 0 ? lower + 2 : lower;
	if (strchr(base, '*') != NULL) {
		reason_set(reason,
		    "\"%s\" has a '*' that is not its whole leftmost label (RFC 8555, 7.1.3)", value);
		return ERR_MALFORMED;
	}
	memcpy(out->value, lower, len + 1);
	return dns_name_check(base, reason);
}

/* Forms of IPv6 that stand for an IPv4 address: as identifiers they would pass by a policy for the latter. */
static bool
is_ipv4_in_disguise(const struct address *address)
{
	static const char *const blocks[] = { "::ffff:0:0/96", "::/96" };	/* RFC 4291, 2.5.5 */
	static const uint8_t	 zero[15];
	struct block		 block;

	if (address->family != AF_INET6 ||
	    (memcmp(address->bytes, zero, sizeof(zero)) == 0 && address->bytes[15] <= 1))	/* :: and ::1 */
		return false;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (block_parse(blocks[i], &block) && block_holds(&block, address))
			return true;
	return false;
}

/* RFC 8738, 3: the text of RFC 1123, 2.1 or RFC 5952, 4, so that there is one for each address. */
static enum err
check_ip(const char *value, struct identifier *out, struct reason *reason)
{
	struct address	address;

	if (!address_parse(value, &address)) {
		reason_set(reason, "\"%.100s\" is not an IPv4 or IPv6 address (RFC 8738, 3)", value);
		return ERR_MALFORMED;
	}
	if (is_ipv4_in_disguise(&address)) {
		reason_set(reason, "\"%.100s\" is an IPv4 address written as IPv6; name the IPv4 address itself",
		    value);
		return ERR_MALFORMED;
	}
	address_text(&address, out->value);
	if (strcmp(out->value, value) != 0) {
		reason_set(reason, "\"%.100s\" is not in the form of RFC 5952; write \"%s\" (RFC 8738, 3)", value,
		    out->value);
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

enum err
identifier_check(enum identifier_type type, const char *value, struct identifier *out,
    struct reason *reason)
{
	if (type == 0 || (unsigned)type >= IDENTIFIER_TYPE_COUNT)
		abort();
	memset(out, 0, sizeof(*out));
	out->type = type;
	return table[type].check(value, out, reason);
}

enum err
identifier_parse(const json_t *object, struct identifier *out, struct reason *reason)
{
	const char		*type, *value;
	enum identifier_type	 known;

	memset(out, 0, sizeof(*out));
	if (!json_is_object(object) || (type = json_member_str(object, "type")) == NULL ||
	    (value = json_member_str(object, "value")) == NULL) {
		reason_set(reason, "an identifier is not an object with the strings \"type\" and \"value\"");
		return ERR_MALFORMED;
	}
	if ((known = identifier_type_by_name(type)) == 0) {
		reason_set(reason, "identifiers of type \"%.32s\" are not served here", type);
		return ERR_UNSUPPORTED;
	}
	return identifier_check(known, value, out, reason);
}

json_t *
identifier_json(const struct identifier *identifier)
{
	return json_pack("{s:s, s:s}", "type", identifier_type_name(identifier->type), "value",
	    identifier->value);
}

int
identifier_compare(const void *a, const void *b)
{
	const struct identifier *left = a, *right = b;

	if (left->type != right->type)
		return left->type < right->type ? -1 : 1;
	return strcmp(left->value, right->value);
}

bool
identifier_eq(const struct identifier *a, const struct identifier *b)
{
	return identifier_compare(a, b) == 0;
}

bool
identifier_is_wildcard(const struct identifier *identifier)
{
	return identifier->type == IDENTIFIER_DNS && strncmp(identifier->value, "*.", 2) == 0;
}

struct identifier
identifier_base(const struct identifier *identifier)
{
	struct identifier base = *identifier;

	if (identifier_is_wildcard(identifier))
		memmove(base.value, base.value + 2, strlen(base.value) - 1);
	return base;
}
