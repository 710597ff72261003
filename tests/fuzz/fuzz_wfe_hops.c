/* What proxies and clients say of where a request comes from. The first byte chooses the header; lines are parted by
 * newlines. Whatever is said, the answer is an address, and one that stands there or the connection's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wfe/hops.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *networks[] = { (char *)"10.0.0.0/8", (char *)"::/1" };
	static const struct strings trusted = { networks, 2 };
	struct hops hops = { .header = size > 0 && data[0] == 'f' ? PROXY_HEADER_FORWARDED : PROXY_HEADER_X_FORWARDED_FOR };
	struct address peer, client;
	char text[ADDRESS_TEXT_SIZE], *lines, *rest, *line;

	if (size == 0 || (rest = lines = strndup((const char *)data + 1, size - 1)) == NULL ||
	    !address_parse("10.0.0.1", &peer))
		return 0;
	while ((line = strsep(&rest, "\n")) != NULL)
		hops_add(&hops, line);
	free(lines);
	client = hops_client(&hops, &trusted, &peer);
	address_text(&client, text);
	if (!address_parse(text, &client) || hops.count > HOPS_MAX ||
	    (hops.count == 0 && !address_eq(&client, &peer)))
		abort();
	return 0;
}
