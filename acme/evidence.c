#include "acme/evidence.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/wire.h"
#include "lib/base64url.h"

#define EVIDENCE_VERSION 3
#define MAC_SIZE 32
#define SIGNATURE_SIZE 64 /* RFC 8032, 5.1.6 */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MAC_CTX   *template; /* HMAC-SHA256 with some key: looking both up costs ten times a statement */

static void
prepare(void)
{
	static const uint8_t key[EVIDENCE_KEY_SIZE];
	char		     digest[] = "SHA2-256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC		    *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	if (hmac == NULL || (template = EVP_MAC_CTX_new(hmac)) == NULL ||
	    EVP_MAC_init(template, key, sizeof(key), params) != 1)
		abort();
	EVP_MAC_free(hmac);
}

static void
mac(const uint8_t key[EVIDENCE_KEY_SIZE], const uint8_t *data, size_t len, uint8_t out[MAC_SIZE])
{
	EVP_MAC_CTX *ctx;
	size_t	     size;

	if (pthread_once(&once, prepare) != 0 || (ctx = EVP_MAC_CTX_dup(template)) == NULL ||
	    EVP_MAC_init(ctx, key, EVIDENCE_KEY_SIZE, NULL) != 1 || EVP_MAC_update(ctx, data, len) != 1 ||
	    EVP_MAC_final(ctx, out, &size, MAC_SIZE) != 1 || size != MAC_SIZE)
		abort();
	EVP_MAC_CTX_free(ctx);
}

/* --- one statement -------------------------------------------------------------------------------- */

static void
sign(EVP_PKEY *key, const uint8_t *data, size_t len, uint8_t out[SIGNATURE_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t	    size = SIGNATURE_SIZE;

	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, out, &size, data, len) != 1 || size != SIGNATURE_SIZE)
		abort();
	EVP_MD_CTX_free(ctx);
}

static bool
is_signed(EVP_PKEY *key, const uint8_t *data, size_t len, const uint8_t *signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool	    good;

	if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1)
		abort();
	good = EVP_DigestVerify(ctx, signature, SIGNATURE_SIZE, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

static bool
is_authentic(const struct evidence_key *key, const uint8_t *data, size_t len, const uint8_t *proof)
{
	uint8_t tag[MAC_SIZE];

	if (key->mac == NULL)
		return is_signed(key->ed25519, data, len, proof);
	mac(key->mac, data, len, tag);
	return CRYPTO_memcmp(tag, proof, MAC_SIZE) == 0;
}

void
evidence_put(struct buf *out, const struct evidence *evidence, const struct evidence_key *key)
{
	size_t	start = out->len;
	uint8_t proof[SIGNATURE_SIZE];

	put_u8(out, EVIDENCE_VERSION);
	put_str(out, evidence->perspective);
	put_u8(out, (uint8_t)evidence->identifier.type);
	put_str(out, evidence->identifier.value);
	put_bool(out, evidence->wildcard);
	put_u8(out, (uint8_t)evidence->method);
	put_str(out, evidence->token);
	put_str(out, evidence->thumbprint);
	put_str(out, evidence->addresses);
	put_u8(out, (uint8_t)evidence->caa);
	put_i64(out, evidence->caa_checked);
	put_i64(out, evidence->validated);
	put_i64(out, evidence->until);
	put_str(out, evidence->account_url);
	if (out->failed)
		return;
	if (key->mac != NULL)
		mac(key->mac, out->data + start, out->len - start, proof);
	else
		sign(key->ed25519, out->data + start, out->len - start, proof);
	buf_put(out, proof, key->mac != NULL ? MAC_SIZE : SIGNATURE_SIZE);
}

bool
evidence_by(struct slice statement, char perspective[PERSPECTIVE_MAX + 1])
{
	struct wire in = wire_of(statement);

	perspective[0] = '\0';
	if (get_u8(&in) != EVIDENCE_VERSION)
		return false;
	get_str(&in, perspective, PERSPECTIVE_MAX + 1);
	return !in.bad;
}

static enum err
decode(struct slice body, struct evidence *out)
{
	struct wire in = wire_of(body);
	uint8_t	    type, method, caa;

	if (get_u8(&in) != EVIDENCE_VERSION)
		in.bad = true;
	get_str(&in, out->perspective, sizeof(out->perspective));
	type = get_u8(&in);
	get_str(&in, out->identifier.value, sizeof(out->identifier.value));
	out->wildcard = get_bool(&in);
	method = get_u8(&in);
	get_str(&in, out->token, sizeof(out->token));
	get_str(&in, out->thumbprint, sizeof(out->thumbprint));
	get_str(&in, out->addresses, sizeof(out->addresses));
	caa = get_u8(&in);
	out->caa_checked = get_i64(&in);
	out->validated = get_i64(&in);
	out->until = get_i64(&in);
	get_str(&in, out->account_url, sizeof(out->account_url));
	if (type == 0 || type >= IDENTIFIER_TYPE_COUNT || method == CHALLENGE_NONE ||
	    method >= CHALLENGE_TYPE_COUNT || caa < CAA_NOT_CHECKED || caa > CAA_ALLOWED)
		in.bad = true;
	out->identifier.type = (enum identifier_type)type;
	out->method = (enum challenge_type)method;
	out->caa = (enum caa_outcome)caa;
	return wire_done(&in) ? ERR_OK : ERR_MALFORMED;
}

enum err
evidence_get(struct slice statement, const struct evidence_key *key, struct evidence *out)
{
	size_t size = key->mac != NULL ? MAC_SIZE : SIGNATURE_SIZE;

	memset(out, 0, sizeof(*out));
	if (statement.len <= size || statement.len > EVIDENCE_MAX)
		return ERR_MALFORMED;
	statement.len -= size;
	if (!is_authentic(key, statement.data, statement.len, statement.data + statement.len))
		return ERR_BAD_SIGNATURE;
	return decode(statement, out);
}

bool
evidence_same_claim(const struct evidence *a, const struct evidence *b)
{
	return identifier_eq(&a->identifier, &b->identifier) && a->wildcard == b->wildcard && a->method == b->method &&
	    strcmp(a->token, b->token) == 0 && strcmp(a->thumbprint, b->thumbprint) == 0 &&
	    strcmp(a->account_url, b->account_url) == 0;
}

/* --- those about one validation -------------------------------------------------------------------- */

void
bundle_put(struct buf *out, const struct bundle *bundle)
{
	put_u32(out, (uint32_t)bundle->count);
	for (size_t i = 0; i < bundle->count; i++)
		put_bytes(out, bundle->statements[i]);
}

bool
bundle_get(struct slice bytes, struct bundle *bundle)
{
	struct wire in = wire_of(bytes);

	bundle->count = get_count(&in, BUNDLE_STATEMENTS_MAX);
	for (size_t i = 0; i < bundle->count; i++)
		bundle->statements[i] = get_bytes(&in, EVIDENCE_MAX);
	return wire_done(&in);
}

/* --- keys ------------------------------------------------------------------------------------------ */

static EVP_PKEY *
raw_key(const char *text, EVP_PKEY *(*make)(int, ENGINE *, const unsigned char *, size_t))
{
	struct buf bytes = { 0 };
	EVP_PKEY  *key = NULL;

	if (base64url_get(slice_str(text), &bytes) == ERR_OK && bytes.len == EVIDENCE_KEY_SIZE)
		key = make(EVP_PKEY_ED25519, NULL, bytes.data, bytes.len);
	buf_cleanse(&bytes);
	return key;
}

EVP_PKEY *
evidence_public_key(const char *text)
{
	return raw_key(text, EVP_PKEY_new_raw_public_key);
}

EVP_PKEY *
evidence_private_key(const char *text)
{
	return raw_key(text, EVP_PKEY_new_raw_private_key);
}
