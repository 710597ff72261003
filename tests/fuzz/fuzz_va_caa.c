/* A DNS answer with CAA records: we may issue only when a property names us, or none restricts issuing; a refusal says
 * why, in printable ASCII. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "va/caa_set.h"
#include "va/issue_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_value(struct slice text)
{
	struct issue_value v;
	struct slice value;

	if (!issue_value_read(text, &v))
		return;
	if (strlen(v.domain) > ISSUE_DOMAIN_MAX || v.count > ISSUE_PARAMETERS_MAX)
		abort();
	for (size_t i = 0; i < v.count; i++)
		if (v.parameters[i].tag.len == 0 || v.parameters[i].value.len > text.len)
			abort();
	(void)issue_value_parameter(&v, "accounturi", &value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char ours[] = "ca.example", *list[] = { ours };
	static const struct strings identities = { list, 1 };
	struct caa_question q = { false, &identities, "https://ca.example/account/1", "dns-01" };
	struct dns_records records;
	bool named = memmem(data, size, "c", 1) != NULL || memmem(data, size, "C", 1) != NULL;

	check_value(slice_of(data, size));
	if (!dns_records_read(slice_of(data, size), 257, &records))
		return 0;
	for (int wildcard = 0; wildcard < 2; wildcard++) {
		struct reason reason = { "" };
		enum caa_verdict verdict;

		q.wildcard = wildcard == 1;
		verdict = caa_set_judge(&records, &q, &reason);
		if ((verdict == CAA_SET_FORBIDS) != (reason.text[0] != '\0') ||
		    (verdict == CAA_SET_EMPTY) != (records.count == 0))
			abort();
		for (const char *p = reason.text; *p != '\0'; p++)
			if (*p < 0x20 || *p > 0x7e)
				abort();
		if (verdict == CAA_SET_ALLOWS && !named && memmem(data, size, "issue", 5) != NULL &&
		    records.count == 1 && records.rdata[0].len > 7 &&
		    memcmp(records.rdata[0].data + 1, "\x05issue", 6) == 0)
			abort();
	}
	return 0;
}
