/* fuzz_key_change.c: the outer JWS of a keyChange request (RFC 8555, 7.3.5); what it carries is a JWS again. The
 * input is tried as the whole body, and as the payload of a body made around it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jose/key_change.h"
#include "lib/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
read_it(struct slice body)
{
	struct reason	  reason = { "" };
	struct key_change change;
	struct jws	 *jws;
	enum err	  err;

	if (jws_parse(body, &jws, NULL) != ERR_OK)
		return;
	err = key_change_read(jws, &change, &reason);
	/* All or nothing, and never a refusal without a word. */
	if ((err == ERR_OK) != (change.old != NULL) || (err == ERR_OK) != (change.new != NULL) ||
	    (err != ERR_OK && reason.text[0] == '\0'))
		abort();
	key_change_free(&change);
	jws_free(jws);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char head[] = "{\"alg\":\"ES256\",\"kid\":\"https://ca.test/account/1\",\"nonce\":\"AAAA\","
				   "\"url\":\"https://ca.test/key-change\"}";
	struct buf	  body = { 0 };

	read_it(slice_of(data, len));
	buf_put_str(&body, "{\"protected\":\"");
	base64url_put(&body, head, sizeof(head) - 1);
	buf_put_str(&body, "\",\"payload\":\"");
	base64url_put(&body, data, len);
	buf_put_str(&body, "\",\"signature\":\"AAAA\"}");
	read_it(buf_slice(&body));
	buf_free(&body);
	return 0;
}
