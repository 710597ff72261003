/* A DNS answer against dns-persist-01: what proves holds the account's URI, and ends in the future; what doesn't has a
 * reason that is short and quotes nothing. */
#include <arpa/nameser.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "va/persist_set.h"

#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
#define URL "https://ca.test/account/1"
#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
holds(const struct dns_records *records, const char *uri)
{
	struct buf text = { 0 };
	bool found = false;

	for (size_t i = 0; i < records->count; i++) {
		buf_clear(&text);
		if (dns_txt_join(records->rdata[i], &text) && text.len > 0 &&
		    memmem(text.data, text.len, uri, strlen(uri)) != NULL)
			found = true;
	}
	buf_free(&text);
	return found;
}

static void
judge(const struct dns_records *records, enum persist_form form, bool wildcard)
{
	static char ours[] = "ca.test", prefix[] = "https://ca.test/account-hash/", *list[] = { ours };
	const struct ra_config config = { .issuer_domain_names = { list, 1 }, .persist_form = form,
		.account_hash_prefix = prefix };
	const struct msg_check asked = { .wildcard = wildcard, .identifier = { IDENTIFIER_DNS, "a.test" },
		.thumbprint = THUMBPRINT, .account_url = URL };
	const struct persist_question q = { &config, &asked, NOW };
	struct persist_proof proof;
	enum problem_type problem;
	struct reason reason = { "" };
	char uri[PERSIST_URI_MAX];

	if (!persist_set_judge(records, &q, &proof, &problem, &reason)) {
		if (reason.text[0] == '\0' || strlen(reason.text) > REASON_MAX ||
		    (problem != PROBLEM_MALFORMED && problem != PROBLEM_UNAUTHORIZED))
			abort();
		return;
	}
	if (proof.key != 0 || (proof.until != 0 && proof.until < NOW))
		abort();
	if (!(persist_uri(&q, "a.test", 0, uri) && holds(records, uri)) &&
	    !(persist_uri(&q, "*", 0, uri) && holds(records, uri)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_records records;

	if (!dns_records_read(slice_of(data, size), ns_t_txt, &records))
		return 0;
	judge(&records, PERSIST_HASH, false);
	judge(&records, PERSIST_ACCOUNT_URL, true);
	return 0;
}
