/* Types of what stands in certificates: OIDs and the subject's fields. */
#include <openssl/objects.h>
#include <string.h>

#include "config/options.h"

/* The usages that make a certificate more than an end entity of TLS, or that have options of their own. */
static bool
oid_text(char *text, struct reason *why)
{
	static const char *const taken[][2] = { { "1.3.6.1.5.5.7.3.1", "write server_auth: true" },
		{ "1.3.6.1.5.5.7.3.2", "write client_auth: true" },
		{ "2.5.29.37.0", "it would stand for every usage there is" },
		{ "1.3.6.1.5.5.7.3.9", "it would let a subscriber sign OCSP answers for this CA" } };
	ASN1_OBJECT *object = OBJ_txt2obj(text, 1);

	ASN1_OBJECT_free(object);
	if (object == NULL || text[strspn(text, "0123456789.")] != '\0') {
		reason_set(why, "\"%.60s\" is no OID; write numbers between dots, as in 1.3.6.1.5.5.7.3.17", text);
		return false;
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(text, taken[i][0]) == 0) {
			reason_set(why, "%s does not stand here; %s", text, taken[i][1]);
			return false;
		}
	return true;
}

/* X.520's short names (RFC 4514, 3), with the bounds of RFC 5280, A.1. */
static const struct field {
	const char	*name;
	int		 nid;
	size_t		 most;
} fields[] = { { "C", NID_countryName, 2 }, { "ST", NID_stateOrProvinceName, 128 },
	{ "L", NID_localityName, 128 }, { "O", NID_organizationName, 64 },
	{ "OU", NID_organizationalUnitName, 64 } };

static const struct field *
field_of(const char *text)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t	n = strlen(fields[i].name);

		if (strncmp(text, fields[i].name, n) == 0 && text[n] == '=')
			return &fields[i];
	}
	return NULL;
}

bool
config_subject_field(const char *text, int *nid, const char **value)
{
	const struct field	*field = field_of(text);

	if (field == NULL)
		return false;
	*nid = field->nid;
	*value = text + strlen(field->name) + 1;
	return true;
}

static bool
subject_text(char *text, struct reason *why)
{
	const struct field	*field = field_of(text);
	const char		*value;
	size_t			 characters = 0;
	bool			 plain = true;

	if (field == NULL) {
		reason_set(why, "\"%.60s\" is no field of a subject; write C=, ST=, L=, O= or OU= and its text", text);
		return false;
	}
	value = text + strlen(field->name) + 1;
	for (const char *p = value; *p != '\0'; p++) {
		characters += (*p & 0xc0) != 0x80;
		plain = plain && (unsigned char)*p >= 0x20 && *p != 0x7f;
	}
	if (characters == 0 || characters > field->most)
		reason_set(why, "\"%.60s\" is to have from 1 to %zu characters after the \"=\"", text, field->most);
	else if (field->nid == NID_countryName && (strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2))
		reason_set(why, "\"%.60s\": a country is two capital letters (ISO 3166), as in C=DE", text);
	else if (!plain)
		reason_set(why, "holds a control character; write one line of plain text");
	else
		return true;
	return false;
}

const struct type type_oid = { .name = "OID", .kind = KIND_STRING, .text = oid_text };
const struct type type_oids = { .name = "list of OIDs", .kind = KIND_STRINGS, .text = oid_text };
const struct type type_subject = { .name = "list of subject fields", .kind = KIND_STRINGS, .text = subject_text };
