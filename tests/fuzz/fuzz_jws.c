/* fuzz_jws.c: a request as it arrives. The input is tried as the whole body, and as the protected header of
 * a body made around it, so that the fuzzer needn't learn base64url. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jose/jws.h"
#include "lib/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* RFC 7517, A.1; RFC 8037, A.2. Nothing the fuzzer finds may verify with them. */
static const char *const others[] = {
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
	"\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}",
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
};

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static void
use(const struct jws *jws)
{
	struct reason	 reason = { "" };
	struct jwk	*jwk;

	expect(jws_alg(jws) != NULL && jws_url(jws) != NULL);
	expect((jws_kid(jws) == NULL) != (jws_jwk(jws) == NULL));
	(void)jws_nonce(jws);
	(void)jws_payload(jws);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		expect(jwk_parse_text(slice_str(others[i]), &jwk, NULL) == ERR_OK);
		expect(jws_verify(jws, jwk, &reason) != ERR_OK && reason.text[0] != '\0');
		jwk_free(jwk);
	}
	if (jws_jwk(jws) != NULL && jwk_parse(jws_jwk(jws), &jwk, &reason) == ERR_OK) {
		jws_verify(jws, jwk, &reason);
		jwk_free(jwk);
	}
}

/* A member that is to be ignored sends the body to the JSON parser: what the short way takes, that takes. */
static void
parse_long_way(struct slice body)
{
	const uint8_t	*brace = memchr(body.data, '{', body.len);
	struct buf	 longer = { 0 };
	struct jws	*jws;
	size_t		 head;

	expect(brace != NULL);
	head = (size_t)(brace - body.data) + 1;
	buf_put(&longer, body.data, head);
	buf_put_str(&longer, "\"a member nobody knows\":0,");
	buf_put(&longer, body.data + head, body.len - head);
	if (longer.len <= JWS_BODY_MAX) {
		expect(jws_parse(buf_slice(&longer), &jws, NULL) == ERR_OK);
		jws_free(jws);
	}
	buf_free(&longer);
}

static void
parse(struct slice body)
{
	struct reason	 reason = { "" };
	struct buf	 nonce = { 0 };
	struct jws	*jws;
	enum err	 peeked = jws_peek_nonce(body, &nonce);

	if (jws_parse(body, &jws, &reason) == ERR_OK) {
		expect((peeked == ERR_OK) == (jws_nonce(jws) != NULL));
		expect(peeked != ERR_OK || strcmp((const char *)nonce.data, jws_nonce(jws)) == 0);
		use(jws);
		parse_long_way(body);
	}
	else
		expect(jws == NULL && reason.text[0] != '\0');
	jws_free(jws);
	buf_free(&nonce);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf	 body = { 0 };

	parse(slice_of(data, len));
	buf_put_str(&body, "{\"protected\":\"");
	base64url_put(&body, data, len);
	buf_put_str(&body, "\",\"payload\":\"e30\",\"signature\":\"");
	for (int i = 0; i < 21; i++)	/* 64 octets, as ES256 and Ed25519 want it */
		buf_put_str(&body, "AQEB");
	buf_put_str(&body, "AQ\"}");
	parse(buf_slice(&body));
	buf_free(&body);
	return 0;
}
