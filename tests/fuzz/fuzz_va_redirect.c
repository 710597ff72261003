/* A Location header, relative to where it came from. What is let through must hold url.h's promises. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "va/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct identifier name = { IDENTIFIER_DNS, "a.example" };
	struct url from, to, again;
	struct reason reason;
	const char *c;

	url_challenge(&from, &name, 5002, "token");
	if (url_redirect(&from, slice_of(data, size), 5002, 5001, &to, &reason) != ERR_OK) {
		if (reason.text[0] == '\0')
			abort();
		return 0;
	}
	if (to.tls ? to.port != 443 && to.port != 5001 : to.port != 80 && to.port != 5002)
		abort();
	if (to.host[0] == '\0' || strlen(to.host) > URL_HOST_MAX || strchr(to.text, '#') != NULL)
		abort();
	for (c = to.host; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("-_.:", *c) == NULL)
			abort();
	if (strncmp(to.text, to.tls ? "https://" : "http://", to.tls ? 8 : 7) != 0)
		abort();
	/* What libcurl is given must be read the same way a second time. */
	if (url_redirect(&from, slice_str(to.text), 5002, 5001, &again, &reason) != ERR_OK ||
	    strcmp(again.host, to.host) != 0 || again.port != to.port || again.tls != to.tls)
		abort();
	return 0;
}
