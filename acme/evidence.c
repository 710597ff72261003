#include "acme/evidence.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/wire.h"

#define EVIDENCE_VERSION 2
#define MAC_SIZE 32

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

void
evidence_put(struct buf *out, const struct evidence *evidence, const uint8_t key[EVIDENCE_KEY_SIZE])
{
	size_t	start = out->len;
	uint8_t tag[MAC_SIZE];

	put_u8(out, EVIDENCE_VERSION);
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
	put_str(out, evidence->perspective);
	if (out->failed)
		return;
	mac(key, out->data + start, out->len - start, tag);
	buf_put(out, tag, sizeof(tag));
}

static enum err
decode(struct slice body, struct evidence *out)
{
	struct wire in = wire_of(body);
	uint8_t	    type, method, caa;

	if (get_u8(&in) != EVIDENCE_VERSION)
		in.bad = true;
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
	get_str(&in, out->perspective, sizeof(out->perspective));
	if (type == 0 || type >= IDENTIFIER_TYPE_COUNT || method == CHALLENGE_NONE ||
	    method >= CHALLENGE_TYPE_COUNT || caa < CAA_NOT_CHECKED || caa > CAA_ALLOWED)
		in.bad = true;
	out->identifier.type = (enum identifier_type)type;
	out->method = (enum challenge_type)method;
	out->caa = (enum caa_outcome)caa;
	return wire_done(&in) ? ERR_OK : ERR_MALFORMED;
}

enum err
evidence_get(struct slice statement, const uint8_t key[EVIDENCE_KEY_SIZE], struct evidence *out)
{
	uint8_t tag[MAC_SIZE];

	memset(out, 0, sizeof(*out));
	if (statement.len <= MAC_SIZE || statement.len > EVIDENCE_MAX)
		return ERR_MALFORMED;
	statement.len -= MAC_SIZE;
	mac(key, statement.data, statement.len, tag);
	if (CRYPTO_memcmp(tag, statement.data + statement.len, MAC_SIZE) != 0)
		return ERR_BAD_SIGNATURE;
	return decode(statement, out);
}
