/* A proxy's answers. The first byte: which proxy, and in how large pieces they come. They mean the same in pieces of any
 * size, but that bytes which come too early are seen only when they come together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "va/proxy_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum talk_outcome
talk(const struct proxy *proxy, const uint8_t *data, size_t size, size_t piece)
{
	static const uint8_t target[] = { 192, 0, 2, 7 };
	struct address address = address_of(AF_INET, target);
	struct talk_result result = { TALK_ON, 0, "" };
	struct proxy_talk t;
	struct buf said = { 0 };

	proxy_talk_begin(&t, proxy, &address, 80, &said);
	for (size_t at = 0; at < size && result.outcome == TALK_ON; at += piece) {
		result = proxy_talk_hear(&t, slice_of(data + at, size - at < piece ? size - at : piece), &said);
		if ((result.outcome == TALK_TARGET || result.outcome == TALK_PROXY) && result.why[0] == '\0')
			abort();
		if (t.heard.len > PROXY_ANSWER_MAX + piece || strlen(result.why) > 100)
			abort();
	}
	proxy_talk_end(&t);
	buf_free(&said);
	return result.outcome;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const proxies[] = { "socks5://10.0.0.9:1080", "socks5://me:secret@10.0.0.9:1080",
		"http://10.0.0.9:3128", "http://me:secret@10.0.0.9:3128" };
	enum talk_outcome slow, fast;
	struct proxy proxy;
	struct reason reason;

	if (size == 0)
		return 0;
	if (!proxy_parse(proxies[data[0] % 4], &proxy, &reason))
		abort();
	slow = talk(&proxy, data + 1, size - 1, 1);
	fast = talk(&proxy, data + 1, size - 1, 1 + data[0] / 4 * 64u);
	if (fast != slow && fast != TALK_PROXY)
		abort();
	return 0;
}
