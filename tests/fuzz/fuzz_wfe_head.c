/* A request target and a header value, as wfe reads them: the input is cut at its first newline. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acme/surface.h"
#include "wfe/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_clean(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < 0x20 || *text > 0x7e)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char		*text = malloc(len + 1), *value, out[256], small[9];
	struct target	 target;
	bool		 query;

	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	value = strchr(text, '\n');
	if (value != NULL)
		*value++ = '\0';
	if (target_clean(text, out, sizeof(out), &query) && !query && strcmp(out, text) == 0)
		(void)(route_parse(&surface_native, slice_str(out), &target) ||
		    route_parse(&surface_pebble, slice_str(out), &target));
	check_clean(out);
	(void)target_clean(text, small, sizeof(small), &query);
	check_clean(small);
	(void)media_type_is_jose(value);
	(void)encoding_is_identity(value);
	text_clean(value, small, sizeof(small));
	check_clean(small);
	free(text);
	return 0;
}
