/* A DNS answer against dns-01's digest: only a record that is the digest passes, and no byte of the others comes back
 * in the reason. */
#include <arpa/nameser.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "va/txt.h"

#define TOKEN "dG9rZW4tb2YtMzItYnl0ZXMtZm9yLXRlc3RpbmctMDE"
#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice message = slice_of(data, size);
	struct reason reason = { "" };
	struct dns_records records;
	struct buf text = { 0 };
	char want[TXT_DIGEST_SIZE];
	bool there = false;

	if (!dns_records_read(message, ns_t_txt, &records)) {
		if (records.count != 0)
			abort();
		return 0;
	}
	txt_digest(TOKEN, THUMBPRINT, want);
	for (size_t i = 0; i < records.count; i++) {
		if (records.rdata[i].data < data || records.rdata[i].data + records.rdata[i].len > data + size)
			abort();
		buf_clear(&text);
		if (dns_txt_join(records.rdata[i], &text) && slice_eq_str(buf_slice(&text), want))
			there = true;
	}
	buf_free(&text);
	if (txt_match(&records, TOKEN, THUMBPRINT, &reason) != there || strlen(reason.text) > 250)
		abort();
	return 0;
}
