/* test_jose.c: every algorithm signs and verifies; what must not verify doesn't; and hostile JWS and JWK
 * are refused with the right code and a sentence that names the cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jose/jwk.h"
#include "jose/jws.h"
#include "lib/base64url.h"
#include "tests/unit/jose_cases.h"

/* One key of each kind, made once: RSA takes its time. */
enum key { P256, P384, P521, RSA2048, ED25519, ED448, KEYS };

static EVP_PKEY *keys[KEYS];

static const struct {
	const char	*alg;
	enum key	 key;
	const char	*md;		/* NULL: the scheme's own */
	size_t		 half;
} signers[] = {
	{ "ES256", P256, "SHA2-256", 32 },
	{ "ES384", P384, "SHA2-384", 48 },
	{ "ES512", P521, "SHA2-512", 66 },
	{ "RS256", RSA2048, "SHA2-256", 0 },
	{ "EdDSA", ED25519, NULL, 0 },
	{ "EdDSA", ED448, NULL, 0 },
	{ "Ed25519", ED25519, NULL, 0 },
	{ "Ed448", ED448, NULL, 0 },
};

#define SIGNERS (sizeof(signers) / sizeof(signers[0]))

static int
keys_make(void **state)
{
	(void)state;
	keys[P256] = EVP_EC_gen("P-256");
	keys[P384] = EVP_EC_gen("P-384");
	keys[P521] = EVP_EC_gen("P-521");
	keys[RSA2048] = EVP_RSA_gen(2048);
	keys[ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	keys[ED448] = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	for (int i = 0; i < KEYS; i++)
		if (keys[i] == NULL)
			return -1;
	return 0;
}

static int
keys_free(void **state)
{
	(void)state;
	for (int i = 0; i < KEYS; i++)
		EVP_PKEY_free(keys[i]);
	return 0;
}

/* The key's JWK, members not in canonical order, with one that is to be ignored. */
static char *
jwk_text(enum key which)
{
	EVP_PKEY	*key = keys[which];
	struct buf	 b = { 0 };
	uint8_t		 bytes[256];
	size_t		 len = sizeof(bytes), half;
	BIGNUM		*n = NULL;

	if (which == RSA2048) {
		assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
		buf_put_str(&b, "{\"use\":\"sig\",\"n\":\"");
		base64url_put(&b, bytes, (size_t)BN_bn2bin(n, bytes));
		buf_put_str(&b, "\",\"kty\":\"RSA\",\"e\":\"AQAB\"}");
		BN_free(n);
	} else if (which <= P521) {
		assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, bytes,
		    sizeof(bytes), &len), 1);
		half = (len - 1) / 2;
		buf_put_str(&b, "{\"kty\":\"EC\",\"use\":\"sig\",\"y\":\"");
		base64url_put(&b, bytes + 1 + half, half);
		buf_put_str(&b, "\",\"x\":\"");
		base64url_put(&b, bytes + 1, half);
		buf_printf(&b, "\",\"crv\":\"P-%s\"}", which == P256 ? "256" : which == P384 ? "384" : "521");
	} else {
		assert_int_equal(EVP_PKEY_get_raw_public_key(key, bytes, &len), 1);
		buf_put_str(&b, "{\"kty\":\"OKP\",\"use\":\"sig\",\"x\":\"");
		base64url_put(&b, bytes, len);
		buf_printf(&b, "\",\"crv\":\"%s\"}", which == ED25519 ? "Ed25519" : "Ed448");
	}
	return buf_take_str(&b);
}

static struct jwk *
jwk_of(enum key which)
{
	char		*text = jwk_text(which);
	struct jwk	*jwk;
	struct reason	 reason = { "" };

	if (jwk_parse_text(slice_str(text), &jwk, &reason) != ERR_OK)
		fail_msg("%s: %s", text, reason.text);
	free(text);
	return jwk;
}

static size_t
sign(size_t signer, const char *input, uint8_t out[512])
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	ECDSA_SIG	*ec;
	uint8_t		 raw[512];
	const uint8_t	*p = raw;
	size_t		 len = sizeof(raw), half = signers[signer].half;

	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, signers[signer].md, NULL, NULL,
	    keys[signers[signer].key], NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, raw, &len, (const uint8_t *)input, strlen(input)), 1);
	EVP_MD_CTX_free(ctx);
	if (half == 0) {
		memcpy(out, raw, len);
		return len;
	}
	assert_non_null(ec = d2i_ECDSA_SIG(NULL, &p, (long)len));
	BN_bn2binpad(ECDSA_SIG_get0_r(ec), out, (int)half);
	BN_bn2binpad(ECDSA_SIG_get0_s(ec), out + half, (int)half);
	ECDSA_SIG_free(ec);
	return 2 * half;
}

static struct jws *
parse_or_fail(const char *body)
{
	struct jws	*jws;
	struct reason	 reason = { "" };

	if (jws_parse(slice_str(body), &jws, &reason) != ERR_OK)
		fail_msg("%s: %s", body, reason.text);
	return jws;
}

/* A JWS with these bytes as its signature, or with the right one when signature is NULL. */
static struct jws *
jws_of(size_t signer, const char *payload, const uint8_t *signature, size_t len)
{
	struct buf	 header = { 0 }, input = { 0 }, body = { 0 };
	uint8_t		 made[512];
	char		*text;
	struct jws	*jws;

	buf_printf(&header, "{\"alg\":\"%s\",\"kid\":\"https://ca.test/account/1\",\"nonce\":\"AAEC\","
	    "\"url\":\"https://ca.test/new-order\",\"typ\":\"extra\"}", signers[signer].alg);
	base64url_put(&input, header.data, header.len);
	buf_put_byte(&input, '.');
	base64url_put(&input, payload, strlen(payload));
	text = buf_take_str(&input);
	if (signature == NULL) {
		len = sign(signer, text, made);
		signature = made;
	}
	*strchr(text, '.') = '\0';
	buf_printf(&body, "{\"signature\":\"");
	base64url_put(&body, signature, len);
	buf_printf(&body, "\", \"payload\":\"%s\", \"protected\":\"%s\", \"extra\": 1}",
	    text + strlen(text) + 1, text);
	free(text);
	text = buf_take_str(&body);
	jws = parse_or_fail(text);
	free(text);
	buf_free(&header);
	return jws;
}

static void
test_every_algorithm(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIGNERS; i++) {
		struct jwk	*jwk = jwk_of(signers[i].key);
		struct jws	*jws = jws_of(i, "{\"a\":1}", NULL, 0);
		struct reason	 reason = { "" };

		assert_string_equal(jws_alg(jws), signers[i].alg);
		assert_string_equal(jws_url(jws), "https://ca.test/new-order");
		assert_string_equal(jws_kid(jws), "https://ca.test/account/1");
		assert_string_equal(jws_nonce(jws), "AAEC");
		assert_null(jws_jwk(jws));
		assert_true(slice_eq_str(jws_payload(jws), "{\"a\":1}"));
		if (jws_verify(jws, jwk, &reason) != ERR_OK)
			fail_msg("%s: %s", signers[i].alg, reason.text);
		jws_free(jws);
		jwk_free(jwk);
	}
}

/* Enough signatures that r or s begins with a zero octet, or needs a sign octet, many times. */
static void
test_ecdsa_shapes(void **state)
{
	struct jwk	*jwk = jwk_of(P256);
	char		 payload[16];

	(void)state;
	for (int i = 0; i < 600; i++) {
		struct jws	*jws;

		snprintf(payload, sizeof(payload), "%d", i);
		jws = jws_of(0, payload, NULL, 0);
		assert_int_equal(jws_verify(jws, jwk, NULL), ERR_OK);
		jws_free(jws);
	}
	jwk_free(jwk);
}

static void
test_wrong_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIGNERS; i++) {
		struct jws	*jws = jws_of(i, "", NULL, 0);

		for (int k = 0; k < KEYS; k++) {
			struct jwk	*jwk = jwk_of((enum key)k);
			struct reason	 reason = { "" };
			bool		 eddsa = strcmp(signers[i].alg, "EdDSA") == 0 && k >= ED25519;
			enum err	 err = jws_verify(jws, jwk, &reason);

			if (k == (int)signers[i].key)
				assert_int_equal(err, ERR_OK);
			else if (eddsa)		/* the other curve: told by the length */
				assert_int_equal(err, ERR_BAD_SIGNATURE);
			else {
				assert_int_equal(err, ERR_BAD_ALGORITHM);
				assert_non_null(strstr(reason.text, "does not fit the key"));
			}
			jwk_free(jwk);
		}
		jws_free(jws);
	}
}

static void
expect_bad(size_t signer, struct jwk *jwk, const uint8_t *signature, size_t len, const char *says)
{
	struct jws	*jws = jws_of(signer, "", signature, len);
	struct reason	 reason = { "" };

	assert_int_equal(jws_verify(jws, jwk, &reason), ERR_BAD_SIGNATURE);
	if (strstr(reason.text, says) == NULL)
		fail_msg("%s: \"%s\" lacks \"%s\"", signers[signer].alg, reason.text, says);
	jws_free(jws);
}

/* A bit flipped anywhere, an octet more, an octet less, all zero, all ones, somebody else's signature. */
static void
test_bad_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIGNERS; i++) {
		struct jwk	*jwk = jwk_of(signers[i].key);
		struct jws	*jws = jws_of(i, "", NULL, 0);
		uint8_t		 good[512], bad[512] = { 0 };
		size_t		 len = sign(i, "another.text", good);

		expect_bad(i, jwk, good, len, "does not verify");
		expect_bad(i, jwk, bad, len, "does not verify");
		expect_bad(i, jwk, good, len - 1, "octets");
		expect_bad(i, jwk, good, 1, "JW");
		good[len] = 0;
		expect_bad(i, jwk, good, len + 1, "octets");
		memset(bad, 0xff, sizeof(bad));
		expect_bad(i, jwk, bad, len, "does not verify");
		jws_free(jws);
		jwk_free(jwk);
	}
}

static void
test_flipped_bits(void **state)
{
	static const char	 header[] = "{\"alg\":\"ES256\",\"kid\":\"k\",\"url\":\"u\"}";
	struct buf		 input = { 0 };
	struct jwk		*jwk = jwk_of(P256);
	uint8_t			 good[512], bad[512];
	char			*text;
	size_t			 len;

	(void)state;
	base64url_put(&input, header, strlen(header));
	buf_put_str(&input, ".e30");
	text = buf_take_str(&input);
	len = sign(0, text, good);
	*strchr(text, '.') = '\0';
	for (size_t bit = 0; bit <= len * 8; bit++) {
		struct buf	 body = { 0 };
		struct jws	*jws;
		char		*json;

		memcpy(bad, good, len);
		if (bit < len * 8)
			bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		buf_printf(&body, "{\"protected\":\"%s\",\"payload\":\"e30\",\"signature\":\"", text);
		base64url_put(&body, bad, len);
		buf_put_str(&body, "\"}");
		json = buf_take_str(&body);
		jws = parse_or_fail(json);
		assert_null(jws_nonce(jws));
		assert_int_equal(jws_verify(jws, jwk, NULL), bit < len * 8 ? ERR_BAD_SIGNATURE : ERR_OK);
		jws_free(jws);
		free(json);
	}
	free(text);
	jwk_free(jwk);
}

static void
test_der_hint(void **state)
{
	struct jwk	*jwk = jwk_of(P256);
	uint8_t		 der[70] = { 0x30, 68 };

	(void)state;
	expect_bad(0, jwk, der, sizeof(der), "looks like DER");
	jwk_free(jwk);
}

/* RFC 7638, 3.1 */
static void
test_thumbprint(void **state)
{
	static const char	 text[] = "{\"kty\":\"RSA\",\"n\":\""
	    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78L"
	    "hWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXA"
	    "rwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr"
	    "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
	    "kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}";
	struct jwk		*jwk, *other;

	(void)state;
	assert_int_equal(jwk_parse_text(slice_str(text), &jwk, NULL), ERR_OK);
	assert_string_equal(jwk->thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	assert_int_equal(strncmp(jwk->text, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"0vx7", 33), 0);
	assert_int_equal(jwk_parse_text(slice_str(jwk->text), &other, NULL), ERR_OK);
	assert_string_equal(other->text, jwk->text);
	jwk_free(other);
	jwk_free(jwk);

	/* RFC 8037, A.3 */
	assert_int_equal(jwk_parse_text(slice_str("{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
	    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"), &jwk, NULL), ERR_OK);
	assert_string_equal(jwk->thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
	jwk_free(jwk);
}

/* A CSR may carry its key's point compressed (RFC 5480, 2.2): the key is the same. */
static void
test_thumbprint_of_compressed(void **state)
{
	char	 plain[JWK_THUMBPRINT_SIZE], compressed[JWK_THUMBPRINT_SIZE];

	(void)state;
	for (enum key k = P256; k <= P521; k++) {
		EVP_PKEY	*key = EVP_PKEY_dup(keys[k]);

		assert_int_equal(jwk_thumbprint_of(key, plain), ERR_OK);
		assert_int_equal(EVP_PKEY_set_utf8_string_param(key,
		    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
		assert_int_equal(jwk_thumbprint_of(key, compressed), ERR_OK);
		assert_string_equal(compressed, plain);
		EVP_PKEY_free(key);
	}
}

static void *
verify_many(void *arg)
{
	struct jwk	*jwk = arg;
	struct jws	*jws = jws_of(0, "x", NULL, 0);
	intptr_t	 failed = 0;

	for (int i = 0; i < 100; i++)
		failed |= jws_verify(jws, jwk, NULL) != ERR_OK;
	jws_free(jws);
	jwk_free(jwk);
	return (void *)failed;
}

static void
test_shared_key(void **state)
{
	struct jwk	*jwk = jwk_of(P256);
	pthread_t	 threads[4];
	void		*failed;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_many, jwk_up(jwk)), 0);
	jwk_free(jwk);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

/* Replaces "%H" in form by the header's base64url. */
static char *
fill(const char *form, const char *header)
{
	const char	*at = strstr(form, "%H");
	struct buf	 b = { 0 };

	if (at == NULL)
		return strdup(form);
	buf_put(&b, form, (size_t)(at - form));
	base64url_put(&b, header, strlen(header));
	buf_put_str(&b, at + 2);
	return buf_take_str(&b);
}

static void
test_hostile_jws(void **state)
{
	(void)state;
	for (const struct jose_case *c = jws_cases; c->err != ERR_OK; c++) {
		char		*body = fill(c->body != NULL ? c->body : JWS_BODY("%H"), c->header);
		struct jws	*jws = (struct jws *)-1;
		struct reason	 reason = { "" };
		enum err	 err = jws_parse(slice_str(body), &jws, &reason);

		if (err != c->err || strstr(reason.text, c->says) == NULL)
			fail_msg("%s\n%s: %s: \"%s\", not \"%s\"", body, c->header, err_text(err),
			    reason.text, c->says);
		assert_null(jws);
		free(body);
	}
}

static void
test_hostile_jwk(void **state)
{
	(void)state;
	for (const struct jose_case *c = jwk_cases; c->err != ERR_OK; c++) {
		struct jwk	*jwk = (struct jwk *)-1;
		struct reason	 reason = { "" };
		enum err	 err = jwk_parse_text(slice_str(c->body), &jwk, &reason);

		if (err != c->err || strstr(reason.text, c->says) == NULL)
			fail_msg("%s: %s: \"%s\", not \"%s\"", c->body, err_text(err), reason.text, c->says);
		assert_null(jwk);
	}
}

static void
test_too_large(void **state)
{
	char		*body = malloc(JWS_BODY_MAX + 1);
	struct jws	*jws;
	struct reason	 reason = { "" };

	(void)state;
	memset(body, ' ', JWS_BODY_MAX + 1);
	assert_int_equal(jws_parse(slice_of(body, JWS_BODY_MAX + 1), &jws, &reason), ERR_MALFORMED);
	assert_non_null(strstr(reason.text, "over the limit"));
	assert_int_equal(jws_parse(slice_of(NULL, 0), &jws, &reason), ERR_MALFORMED);
	free(body);
}

/* A modulus of the given length, all ones, as a JWK. */
static enum err
rsa_of(size_t len, const char *e, struct reason *reason)
{
	uint8_t		 n[1100];
	struct buf	 b = { 0 };
	struct jwk	*jwk;
	enum err	 err;

	memset(n, 0xff, sizeof(n));
	buf_put_str(&b, "{\"kty\":\"RSA\",\"n\":\"");
	base64url_put(&b, n, len);
	buf_printf(&b, "\",\"e\":\"%s\"}", e);
	err = jwk_parse_text(buf_slice(&b), &jwk, reason);
	if (err == ERR_OK)
		assert_true(strlen(jwk->text) < JWK_TEXT_MAX);
	buf_free(&b);
	jwk_free(jwk);
	return err;
}

static void
test_rsa_limits(void **state)
{
	struct reason	 reason = { "" };

	(void)state;
	assert_int_equal(rsa_of(64, "AQAB", &reason), ERR_OK);
	assert_int_equal(rsa_of(1024, "AQAB", &reason), ERR_OK);
	assert_int_equal(rsa_of(63, "AQAB", &reason), ERR_BAD_KEY);
	assert_non_null(strstr(reason.text, "504 bits"));
	assert_int_equal(rsa_of(1025, "AQAB", &reason), ERR_BAD_KEY);
	assert_non_null(strstr(reason.text, "8200 bits"));
	assert_int_equal(rsa_of(256, "Ag", &reason), ERR_BAD_KEY);
	assert_int_equal(rsa_of(256, "AQ", &reason), ERR_BAD_KEY);
	assert_non_null(strstr(reason.text, "exponent must be odd"));
	assert_int_equal(rsa_of(256, "AAEAAQ", &reason), ERR_MALFORMED);
	assert_int_equal(rsa_of(256, "________________", &reason), ERR_BAD_KEY);
}

static void
test_algorithm_names(void **state)
{
	const char *const	*names = jws_algorithms();
	size_t			 count = 0;

	(void)state;
	for (; names[count] != NULL; count++) {
		char	 header[128], *body;

		snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"url\":\"u\",\"kid\":\"k\"}",
		    names[count]);
		body = fill(JWS_BODY("%H"), header);
		jws_free(parse_or_fail(body));
		free(body);
	}
	assert_int_equal(count, 7);
}

/* RFC 8555, 6.5: of a request that is refused for whatever else, the nonce is still seen. */
static void
test_peek_nonce(void **state)
{
	static const struct {
		const char	*body, *header, *nonce;
	} cases[] = {
		{ JWS_BODY("%H"), "{\"alg\":\"none\",\"nonce\":\"AAAA\",\"url\":\"u\",\"kid\":\"k\"}", "AAAA" },
		{ JWS_BODY("%H"), "{\"nonce\":\"AAAA\"}", "AAAA" },
		{ "{\"protected\":\"%H\",\"signatures\":[]}", "{\"nonce\":\"not base64url\"}", "not base64url" },
		{ JWS_BODY("%H"), "{\"nonce\":7}", NULL },
		{ JWS_BODY("%H"), "{}", NULL },
		{ JWS_BODY("%H"), "{\"nonce\":\"AAAA\",\"nonce\":\"BBBB\"}", NULL },
		{ JWS_BODY("%H"), "nonsense", NULL },
		{ "{\"protected\":5}", "", NULL },
		{ "{\"protected\":\"e30=\"}", "", NULL },
		{ "{}", "", NULL },
		{ "nonsense", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char		*body = fill(cases[i].body, cases[i].header);
		struct buf	 nonce = { 0 };
		enum err	 err = jws_peek_nonce(slice_str(body), &nonce);

		assert_int_equal(err, cases[i].nonce != NULL ? ERR_OK : ERR_MALFORMED);
		if (cases[i].nonce != NULL)
			assert_string_equal((const char *)nonce.data, cases[i].nonce);
		buf_free(&nonce);
		free(body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_algorithm),
		cmocka_unit_test(test_ecdsa_shapes),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_bad_signatures),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_der_hint),
		cmocka_unit_test(test_thumbprint),
		cmocka_unit_test(test_thumbprint_of_compressed),
		cmocka_unit_test(test_shared_key),
		cmocka_unit_test(test_hostile_jws),
		cmocka_unit_test(test_hostile_jwk),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_rsa_limits),
		cmocka_unit_test(test_algorithm_names),
		cmocka_unit_test(test_peek_nonce),
	};

	return cmocka_run_group_tests_name("jose", tests, keys_make, keys_free);
}
