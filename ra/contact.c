#include "ra/contact.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "acme/identifier.h"

#define ADDRESS_MAX 254		/* RFC 5321, 4.5.3.1.3, less the angle brackets */

/* RFC 6068's addr-spec as far as a mailbox that people use: dot-atom or worse before '@', a host after. */
static bool
is_address(const char *text)
{
	const char    *at = strrchr(text, '@');
	struct reason  ignored;
	char	       host[IDENTIFIER_VALUE_SIZE];

	if (at == NULL || at == text || strlen(text) > ADDRESS_MAX || strlen(at + 1) >= sizeof(host))
		return false;
	for (const char *p = text; p < at; p++)
		if (!isgraph((unsigned char)*p) || strchr("@,;:\\\"<>()[]%", *p) != NULL)
			return false;
	for (size_t i = 0; i <= strlen(at + 1); i++)
		host[i] = (char)tolower((unsigned char)at[1 + i]);
	return dns_name_check(host, &ignored) == ERR_OK;
}

static bool
check_one(const json_t *item, struct problem *problem)
{
	const char *uri = json_string_value(item);

	if (uri == NULL)
		return problem_set(problem, PROBLEM_MALFORMED,
		    "\"contact\" holds something that is not a string (RFC 8555, 7.1.2)");
	if (strncasecmp(uri, "mailto:", 7) != 0)
		return problem_set(problem, PROBLEM_UNSUPPORTED_CONTACT,
		    "contact \"%.100s\" is not a mailto: URL, the only kind served here", uri);
	if (strchr(uri, '?') != NULL)
		return problem_set(problem, PROBLEM_INVALID_CONTACT,
		    "contact \"%.100s\" has header fields (\"?\"), which RFC 8555, 7.3 forbids", uri);
	if (strchr(uri, ',') != NULL)
		return problem_set(problem, PROBLEM_INVALID_CONTACT,
		    "contact \"%.100s\" has more than one address, which RFC 8555, 7.3 forbids", uri);
	if (!is_address(uri + 7))
		return problem_set(problem, PROBLEM_INVALID_CONTACT,
		    "contact \"%.100s\" is not a mail address", uri);
	return true;
}

static bool
refuse_many(size_t count, size_t max, struct problem *problem)
{
	char number[24];

	snprintf(number, sizeof(number), "%zu", count);
	problem_set(problem, PROBLEM_INVALID_CONTACT, "there are %zu contacts; %zu is the most", count, max);
	return problem_said(problem, SAID_CONTACT_COUNT, number);
}

bool
contact_check(const json_t *contact, size_t max, char **out, struct problem *problem)
{
	const json_t *item;
	size_t	      i;

	if (contact != NULL && !json_is_array(contact))
		return problem_set(problem, PROBLEM_MALFORMED,
		    "\"contact\" is not an array of URLs (RFC 8555, 7.1.2)");
	if (json_array_size(contact) > max)
		return refuse_many(json_array_size(contact), max, problem);
	json_array_foreach(contact, i, item)
		if (!check_one(item, problem))
			return false;
	*out = contact == NULL ? strdup("[]") : json_dumps(contact, JSON_COMPACT);
	if (*out == NULL)
		return problem_set(problem, PROBLEM_SERVER_INTERNAL, "the server is out of memory");
	return true;
}
