/* fuzz_binding.c: the external account binding of a newAccount request (RFC 8555, 7.3.4). What is read has a kid and
 * can be shown again as it was; what isn't leaves nothing behind and has a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jose/binding.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static struct jwk *
account_key(void)
{
	static struct jwk *key;

	if (key == NULL)
		expect(jwk_parse_text(slice_str("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu"
		    "6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"), &key, NULL) == ERR_OK);
	return key;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reason	reason = { "" };
	struct binding	binding;
	json_t	       *json, *again;
	enum err	err;

	if (json_object_parse(slice_of(data, len), &json, NULL) != ERR_OK)
		return 0;
	err = binding_read(json, "https://ca.test/new-account", account_key(), &binding, &reason);
	if (err == ERR_OK) {
		expect(binding_kid(&binding) != NULL);
		again = json_loads(binding.text, 0, NULL);
		expect(json_equal(json, again));
		json_decref(again);
		/* Nobody can have guessed it. */
		expect(binding_verify(&binding, slice_str("a key of the fuzzer's own"), &reason) == ERR_BAD_SIGNATURE);
		binding_free(&binding);
	}
	expect(binding.jws == NULL && binding.text == NULL && (err == ERR_OK || reason.text[0] != '\0'));
	json_decref(json);
	return 0;
}
