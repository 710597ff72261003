/* fuzz_json.c: what parses can be written and parsed again to an equal object; what doesn't has a reason
 * that is UTF-8 without control characters. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static void
check_reason(const char *s)
{
	size_t	 len = strlen(s), n;

	expect(len > 0 && len < REASON_MAX);
	for (; len > 0; s += n, len -= n) {
		expect((n = utf8_length(s, len)) > 0);
		expect((unsigned char)*s >= 0x20 && *s != 0x7f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reason	 reason = { "" };
	struct buf	 text = { 0 };
	json_t		*json, *again;

	if (json_object_parse(slice_of(data, len), &json, &reason) != ERR_OK) {
		expect(json == NULL);
		check_reason(reason.text);
		return 0;
	}
	json_member_str(json, "alg");
	json_put(&text, json);
	expect(!text.failed);
	expect(json_object_parse(buf_slice(&text), &again, &reason) == ERR_OK);
	expect(json_equal(json, again));
	json_decref(again);
	json_decref(json);
	buf_free(&text);
	return 0;
}
