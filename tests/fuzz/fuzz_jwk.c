/* fuzz_jwk.c: a key that parses has a canonical text that parses to the same key. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jose/jwk.h"

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
	struct reason	 reason = { "" };
	struct jwk	*jwk, *again;
	enum err	 err = jwk_parse_text(slice_of(data, len), &jwk, &reason);

	if (err != ERR_OK) {
		expect(jwk == NULL);
		expect(reason.text[0] != '\0' || err == ERR_CRYPTO || err == ERR_MEMORY);
		return 0;
	}
	expect(strlen(jwk->text) < JWK_TEXT_MAX);
	expect(strlen(jwk->thumbprint) == JWK_THUMBPRINT_SIZE - 1);
	expect(jwk_parse_text(slice_str(jwk->text), &again, &reason) == ERR_OK);
	expect(strcmp(jwk->text, again->text) == 0);
	expect(strcmp(jwk->thumbprint, again->thumbprint) == 0);
	expect(EVP_PKEY_eq(jwk->key, again->key) == 1);
	jwk_free(again);
	jwk_free(jwk);
	return 0;
}
