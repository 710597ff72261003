/* RFC 9773's name of a certificate: what parses must be written out as the same text again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acme/certid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct buf out = { 0 };
	struct certid id;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (certid_parse(text, &id)) {
		certid_put(&out, &id);
		if (!out.failed && !slice_eq_str(buf_slice(&out), text))
			abort();
		if (id.serial[0] & 0x80)
			abort();
	}
	buf_free(&out);
	free(text);
	return 0;
}
