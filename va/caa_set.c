#include "va/caa_set.h"

#include <string.h>
#include <strings.h>

#include "va/issue_value.h"

#define CRITICAL 128	/* RFC 8659, 4.1 */
#define SHOWN 120	/* of a value in a reason */

struct property {
	uint8_t flags;
	struct slice tag, value;
};

static bool
is_tag(const struct property *p, const char *name)
{
	return p->tag.len == strlen(name) && strncasecmp((const char *)p->tag.data, name, p->tag.len) == 0;
}

/* RFC 8659, 4.1: flags, the tag's length, the tag of letters and digits, the value. */
static bool
property_read(struct slice rdata, struct property *p)
{
	size_t len;

	if (rdata.len < 3 || (len = rdata.data[1]) == 0 || len > rdata.len - 2)
		return false;
	p->flags = rdata.data[0];
	p->tag = slice_of(rdata.data + 2, len);
	p->value = slice_of(rdata.data + 2 + len, rdata.len - 2 - len);
	for (size_t i = 0; i < len; i++) {
		uint8_t c = p->tag.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
			return false;
	}
	return true;
}

/* Those we know the meaning of; the last four say nothing about a server's certificate. */
static bool
is_known(const struct property *p)
{
	static const char *const known[] = { "issue", "issuewild", "iodef", "issuemail", "issuevmc",
		"contactemail", "contactphone" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is_tag(p, known[i]))
			return true;
	return false;
}

static void
explain(struct reason *reason, const struct property *p, const char *why)
{
	char value[SHOWN + 1];
	size_t len = p->value.len < SHOWN ? p->value.len : SHOWN;

	for (size_t i = 0; i < len; i++)
		value[i] = (char)(p->value.data[i] >= 0x20 && p->value.data[i] < 0x7f ? p->value.data[i]
										      : '?');
	value[len] = '\0';
	reason_set(reason, "%u %.*s \"%s%s\" %s", p->flags, (int)(p->tag.len < 32 ? p->tag.len : 32),
	    (const char *)p->tag.data, value, len < p->value.len ? "..." : "", why);
}

static bool
is_ours(const struct strings *identities, const char *domain)
{
	for (size_t i = 0; i < identities->count; i++)
		if (strcasecmp(identities->items[i], domain) == 0)
			return true;
	return false;
}

/* RFC 8657, 4: labels between commas. */
static bool
lists_method(struct slice list, const char *method)
{
	size_t len = strlen(method), at = 0;
	bool found = false;

	for (size_t i = 0; i <= list.len; i++) {
		if (i < list.len && list.data[i] != ',')
			continue;
		if (i == at)
			return false;	/* an empty label: malformed */
		if (i - at == len && memcmp(list.data + at, method, len) == 0)
			found = true;
		at = i + 1;
	}
	return found;
}

/* Why the parameters don't allow it, or NULL (RFC 8657, 3 and 4: one that is there twice can't be satisfied). */
static const char *
parameters_fault(const struct issue_value *v, const struct caa_question *q)
{
	struct slice value;
	size_t n;

	n = issue_value_parameter(v, "accounturi", &value);
	if (n > 1)
		return "has accounturi more than once, which nothing can satisfy (RFC 8657, 3)";
	if (n == 1 && !slice_eq_str(value, q->account_url))
		return "names another account (accounturi; RFC 8657, 3)";
	n = issue_value_parameter(v, "validationmethods", &value);
	if (n > 1)
		return "has validationmethods more than once, which nothing can satisfy (RFC 8657, 4)";
	if (n == 1 && !lists_method(value, q->method))
		return "does not allow the challenge type that was used (validationmethods; RFC 8657, 4)";
	return NULL;
}

/* Why this issue or issuewild property doesn't let us issue, or NULL when it does. */
static const char *
property_fault(const struct property *p, const struct caa_question *q)
{
	struct issue_value v;

	if (!issue_value_read(p->value, &v))
		return "is malformed, so it lets nobody issue (RFC 8659, 4.2)";
	if (v.domain[0] == '\0')
		return "lets nobody issue";
	if (!is_ours(q->identities, v.domain))
		return "names another CA";
	return parameters_fault(&v, q);
}

enum caa_verdict
caa_set_judge(const struct dns_records *records, const struct caa_question *q, struct reason *reason)
{
	struct property p[DNS_RECORDS_MAX];
	bool wild = false, any = false, ours = false;
	struct reason refusal = { "" }; /* of one property, which another may outdo */
	const char *fault;

	if (records->count == 0)
		return CAA_SET_EMPTY;
	if (records->more) {
		reason_set(reason, "the set has more than %d records", DNS_RECORDS_MAX);
		return CAA_SET_FORBIDS;
	}
	for (size_t i = 0; i < records->count; i++) {
		if (!property_read(records->rdata[i], &p[i])) {
			reason_set(reason, "a record is malformed (RFC 8659, 4.1)");
			return CAA_SET_FORBIDS;
		}
		if ((p[i].flags & CRITICAL) != 0 && !is_known(&p[i])) {
			explain(reason, &p[i], "is critical, and unknown to this CA (RFC 8659, 4.1)");
			return CAA_SET_FORBIDS;
		}
		wild = wild || is_tag(&p[i], "issuewild");
	}
	/* RFC 8659, 4.3: issuewild, where there is one, stands for wildcards in the place of issue. */
	for (size_t i = 0; i < records->count; i++) {
		if (!is_tag(&p[i], q->wildcard && wild ? "issuewild" : "issue"))
			continue;
		any = true;
		if ((fault = property_fault(&p[i], q)) == NULL)
			return CAA_SET_ALLOWS;
		/* The one that names us explains best. */
		if (ours)
			continue;
		explain(&refusal, &p[i], fault);
		ours = strcmp(fault, "names another CA") != 0;
	}
	if (!any)
		return CAA_SET_ALLOWS;
	reason_set(reason, "%s", refusal.text);
	return CAA_SET_FORBIDS;
}
