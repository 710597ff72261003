/* fuzz_base64url.c: what decodes encodes back to the same text, by both ways in and out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice	 text = slice_of(data, len);
	struct buf	 bytes = { 0 }, again = { 0 };
	char		*copy = malloc(BASE64URL_LEN(len) + 1);
	uint8_t		*back = malloc(len + 1);

	expect(copy != NULL && back != NULL);
	if (base64url_get(text, &bytes) == ERR_OK) {
		base64url_put(&again, bytes.data, bytes.len);
		expect(slice_eq(buf_slice(&again), text));
		expect(BASE64URL_LEN(bytes.len) == len);
		expect(base64url_bytes(text, back, bytes.len) == ERR_OK);
		expect(slice_eq(slice_of(back, bytes.len), buf_slice(&bytes)));
	} else {
		expect(bytes.len == 0);
	}
	/* And the input as bytes: every string has a text. */
	base64url_text(data, len, copy);
	expect(strlen(copy) == BASE64URL_LEN(len));
	expect(base64url_bytes(slice_str(copy), back, len) == ERR_OK);
	expect(slice_eq(slice_of(back, len), text));
	buf_free(&bytes);
	buf_free(&again);
	free(copy);
	free(back);
	return 0;
}
