/* A body against a key authorization; and no byte of it comes back in the reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "va/body.h"

#define TOKEN "dG9rZW4tb2YtMzItYnl0ZXMtZm9yLXRlc3RpbmctMDE"
#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char want[] = TOKEN "." THUMBPRINT;
	struct reason reason = { "" };
	bool ok = body_check(slice_of(data, size), false, TOKEN, THUMBPRINT, &reason);
	bool starts = size >= sizeof(want) - 1 && memcmp(data, want, sizeof(want) - 1) == 0;

	if (ok && !starts)
		abort();
	if (!ok && (reason.text[0] == '\0' || strlen(reason.text) > 200))
		abort();
	if (body_check(slice_of(data, size), true, TOKEN, THUMBPRINT, &reason))
		abort();
	return 0;
}
