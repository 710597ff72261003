/* External account binding (RFC 8555, 7.3.4): what is one, and each rule broken alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jose/binding.h"
#include "lib/base64url.h"

#define ACCOUNT_URL "https://ca.test/new-account"
/* RFC 7517, A.1, and another point of the curve. */
#define KEY "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\"," \
	"\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define OTHER_KEY "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define HEAD(more) "{\"alg\":\"HS256\",\"kid\":\"kid-1\",\"url\":\"" ACCOUNT_URL "\"" more "}"

static struct jwk *
account_key(void)
{
	struct jwk *key;

	assert_int_equal(jwk_parse_text(slice_str(KEY), &key, NULL), ERR_OK);
	return key;
}

static json_t *
make(const char *header, const char *payload, const char *signature)
{
	struct buf protected = { 0 }, body = { 0 };
	char *a, *b;
	json_t *json;

	base64url_put(&protected, header, strlen(header));
	base64url_put(&body, payload, strlen(payload));
	a = buf_take_str(&protected);
	b = buf_take_str(&body);
	json = json_pack("{s:s, s:s, s:s}", "protected", a, "payload", b, "signature", signature);
	free(a);
	free(b);
	return json;
}

/* Made by Python's hmac with the bytes 0 to 63 as key. */
#define VECTOR_PAYLOAD "{\"crv\": \"P-256\", \"kty\": \"EC\", \"x\": \"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\", " \
	"\"y\": \"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
static const struct {
	const char *alg, *mac;
} vectors[] = {
	{ "HS256", "nAxx_Z0y8uRx1Y-ZbBjAv8WM-DE0EkX46_KmTv6-ONo" },
	{ "HS384", "cNc752sODNWukKlIDbVeet_IT0whpiABolsIeDLkBigJ3GpXfvjWenFL41Ikl4dr" },
	{ "HS512", "YvIJceW7qP_92LzgCawn7fOKSZ-EbLCrjcjAIYb_oPIF5iK_cTJBv_ijwzyt0fuxyskg_lgmRLN8xKijM9Ailw" },
};

static void
good_bindings(void **state)
{
	struct jwk *key = account_key();
	uint8_t mac_key[64];

	(void)state;
	for (size_t i = 0; i < sizeof(mac_key); i++)
		mac_key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct binding binding;
		char header[128];
		json_t *json, *again;

		snprintf(header, sizeof(header), "{\"alg\": \"%s\", \"kid\": \"kid-1\", \"url\": \"" ACCOUNT_URL "\"}",
		    vectors[i].alg);
		json = make(header, VECTOR_PAYLOAD, vectors[i].mac);
		assert_int_equal(binding_read(json, ACCOUNT_URL, key, &binding, NULL), ERR_OK);
		assert_string_equal(binding_kid(&binding), "kid-1");
		assert_int_equal(binding_verify(&binding, slice_of(mac_key, sizeof(mac_key)), NULL), ERR_OK);
		assert_int_equal(binding_verify(&binding, slice_of(mac_key, sizeof(mac_key) - 1), NULL),
		    ERR_BAD_SIGNATURE);
		assert_non_null(again = json_loads(binding.text, 0, NULL));
		assert_true(json_equal(json, again));
		json_decref(again);
		json_decref(json);
		binding_free(&binding);
	}
	jwk_free(key);
}

static const struct {
	const char *header, *payload;
	enum err err;
	const char *says;
} bad[] = {
	{ "{\"alg\":\"ES256\",\"kid\":\"k\",\"url\":\"" ACCOUNT_URL "\"}", KEY, ERR_BAD_ALGORITHM, "\"ES256\" is no MAC" },
	{ "{\"alg\":\"none\",\"kid\":\"k\",\"url\":\"" ACCOUNT_URL "\"}", KEY, ERR_BAD_ALGORITHM, "\"none\" is no MAC" },
	{ "{\"alg\":\"hs256\",\"kid\":\"k\",\"url\":\"" ACCOUNT_URL "\"}", KEY, ERR_BAD_ALGORITHM, "is no MAC" },
	{ "{\"kid\":\"k\",\"url\":\"" ACCOUNT_URL "\"}", KEY, ERR_MALFORMED, "has no \"alg\"" },
	{ "{\"alg\":\"HS256\",\"url\":\"" ACCOUNT_URL "\"}", KEY, ERR_MALFORMED, "neither \"jwk\" nor \"kid\"" },
	{ "{\"alg\":\"HS256\",\"jwk\":" KEY ",\"url\":\"" ACCOUNT_URL "\"}", KEY, ERR_MALFORMED, "\"jwk\" instead of \"kid\"" },
	{ HEAD(",\"jwk\":" KEY), KEY, ERR_MALFORMED, "both \"jwk\" and \"kid\"" },
	{ HEAD(",\"nonce\":\"AAAA\""), KEY, ERR_MALFORMED, "has a \"nonce\"" },
	{ HEAD(",\"crit\":[\"b64\"]"), KEY, ERR_MALFORMED, "\"crit\"" },
	{ "{\"alg\":\"HS256\",\"kid\":\"k\"}", KEY, ERR_MALFORMED, "has no \"url\"" },
	{ "{\"alg\":\"HS256\",\"kid\":\"k\",\"url\":\"" ACCOUNT_URL "/\"}", KEY, ERR_MALFORMED, "must be the outer one's" },
	{ HEAD(""), "", ERR_MALFORMED, "no public key" },
	{ HEAD(""), "{}", ERR_MALFORMED, "no public key" },
	{ HEAD(""), "{\"kty\":\"oct\",\"k\":\"AAAA\"}", ERR_MALFORMED, "no public key" },
	{ HEAD(""), OTHER_KEY, ERR_MALFORMED, "another key than the outer JWS's \"jwk\"" },
};

static void
bad_bindings(void **state)
{
	struct jwk *key = account_key();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct binding binding;
		struct reason reason = { "" };
		json_t *json = make(bad[i].header, bad[i].payload, "AAAA");

		if (binding_read(json, ACCOUNT_URL, key, &binding, &reason) != bad[i].err ||
		    strstr(reason.text, bad[i].says) == NULL)
			fail_msg("%s: %s", bad[i].header, reason.text);
		assert_null(binding.jws);
		assert_null(binding.text);
		json_decref(json);
	}
	jwk_free(key);
}

static void
bad_forms(void **state)
{
	static const struct {
		const char *json, *says;
	} forms[] = {
		{ "7", "flattened" }, { "null", "flattened" }, { "[]", "flattened" }, { "\"x\"", "flattened" },
		{ "{}", "no \"protected\"" },
		{ "{\"protected\":\"e30\",\"payload\":\"e30\",\"signature\":\"\"}", "\"signature\" is empty" },
		{ "{\"protected\":\"e30=\",\"payload\":\"e30\",\"signature\":\"AA\"}", "not base64url" },
		{ "{\"protected\":\"e30\",\"payload\":\"e30\",\"signatures\":[]}", "\"signatures\"" },
		{ "{\"protected\":\"e30\",\"payload\":\"e30\",\"signature\":\"AA\",\"header\":{}}", "\"header\"" },
	};
	struct jwk *key = account_key();

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct binding binding;
		struct reason reason = { "" };
		json_t *json = json_loads(forms[i].json, JSON_DECODE_ANY, NULL);

		assert_int_equal(binding_read(json, ACCOUNT_URL, key, &binding, &reason), ERR_MALFORMED);
		if (strstr(reason.text, forms[i].says) == NULL)
			fail_msg("%s: %s", forms[i].json, reason.text);
		json_decref(json);
	}
	jwk_free(key);
}

/* A MAC of the wrong length is none, and is told so. */
static void
short_mac(void **state)
{
	struct jwk *key = account_key();
	struct binding binding;
	struct reason reason = { "" };
	json_t *json = make(HEAD(""), KEY, "AAAA");

	(void)state;
	assert_int_equal(binding_read(json, ACCOUNT_URL, key, &binding, NULL), ERR_OK);
	assert_int_equal(binding_verify(&binding, slice_str("key"), &reason), ERR_BAD_SIGNATURE);
	assert_non_null(strstr(reason.text, "3 octets instead of 32"));
	json_decref(json);
	binding_free(&binding);
	jwk_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_bindings),
		cmocka_unit_test(bad_bindings),
		cmocka_unit_test(bad_forms),
		cmocka_unit_test(short_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
