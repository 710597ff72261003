/* jwk.c: public keys as RFC 7517/7518/8037 write them.
 *
 * Decoding is strict, so every member has one text: the canonical form repeats the client's own. */
#include "jose/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "jose/digest.h"
#include "jose/ec.h"
#include "lib/base64url.h"
#include "lib/json.h"

#define EC_COORDINATE_MAX 66	/* P-521 */
#define OKP_MAX 57		/* Ed448 */
#define RSA_BITS_MIN 512	/* smaller isn't RSA but a mistake */
#define RSA_BITS_MAX 8192	/* RFC 8555 sets none; verifying with more is a denial of service */
#define RSA_EXPONENT_MAX 8	/* bytes; OpenSSL takes no more for a large modulus */

struct counted {
	struct jwk	 jwk;		/* first: the one is the other's address */
	_Atomic unsigned refs;
};

/* RFC 7518, 6.2.1.1 and RFC 8037, 2; size is that of a coordinate, or of the whole key. */
struct curve {
	const char	*name;
	const char	*openssl;
	size_t		 size;
};

static const struct curve ec_curves[] = {
	[EC_P256] = { "P-256", "P-256", 32 },
	[EC_P384] = { "P-384", "P-384", 48 },
	[EC_P521] = { "P-521", "P-521", 66 },
	[EC_CURVE_COUNT] = { NULL, NULL, 0 },
};

static const struct curve okp_curves[] = {
	{ "Ed25519", "ED25519", 32 },
	{ "Ed448", "ED448", 57 },
	{ NULL, NULL, 0 },
};

/* The member's string; NULL with the cause when it is absent or another type. */
static const char *
member(const json_t *json, const char *kty, const char *name, struct reason *reason)
{
	const char	*s = json_member_str(json, name);

	if (s == NULL)
		reason_set(reason, "JWK of type %s: member \"%s\" is %s", kty, name,
		    json_object_get(json, name) == NULL ? "missing" : "not a string");
	return s;
}

static enum err
member_curve(const json_t *json, const char *kty, const struct curve *curves, const struct curve **out,
    struct reason *reason)
{
	const char	*crv = member(json, kty, "crv", reason);

	if (crv == NULL)
		return ERR_MALFORMED;
	for (*out = curves; (*out)->name != NULL; (*out)++)
		if (strcmp((*out)->name, crv) == 0)
			return ERR_OK;
	reason_set(reason, "JWK of type %s: curve \"%s\" is not supported; use %s", kty, crv,
	    curves == ec_curves ? "P-256, P-384 or P-521" : "Ed25519 or Ed448");
	return ERR_UNSUPPORTED;
}

/* A member of exactly size bytes: leading zeros may not be left out (RFC 7518, 6.2.1.2). */
static enum err
member_bytes(const json_t *json, const char *kty, const char *name, uint8_t *out, size_t size,
    struct reason *reason)
{
	const char	*text = member(json, kty, name, reason);
	struct buf	 bytes = { 0 };
	enum err	 err;

	if (text == NULL)
		return ERR_MALFORMED;
	if (base64url_bytes(slice_str(text), out, size) == ERR_OK)
		return ERR_OK;
	/* Only for the sentence: is it the encoding or the length? */
	if ((err = base64url_get(slice_str(text), &bytes)) == ERR_MALFORMED)
		reason_set(reason, "JWK of type %s: member \"%s\" is not base64url without padding", kty,
		    name);
	else if (err == ERR_OK)
		reason_set(reason, "JWK of type %s: member \"%s\" has %zu octets, but this curve's has %zu, "
		    "leading zeros included (RFC 7518, 6.2.1.2)", kty, name, bytes.len, size);
	buf_free(&bytes);
	return err == ERR_MEMORY ? ERR_MEMORY : ERR_MALFORMED;
}

/* A Base64urlUInt (RFC 7518, 2): big-endian, no leading zero octet. */
static enum err
member_integer(const json_t *json, const char *name, struct buf *out, struct reason *reason)
{
	const char	*text = member(json, "RSA", name, reason);
	enum err	 err;

	if (text == NULL)
		return ERR_MALFORMED;
	if ((err = base64url_get(slice_str(text), out)) == ERR_MALFORMED)
		reason_set(reason, "JWK of type RSA: member \"%s\" is not base64url without padding", name);
	if (err != ERR_OK)
		return err;
	if (out->len == 0) {
		reason_set(reason, "JWK of type RSA: member \"%s\" is empty", name);
		return ERR_MALFORMED;
	}
	if (out->data[0] == 0) {
		reason_set(reason, "JWK of type RSA: member \"%s\" begins with a zero octet; use the fewest "
		    "octets that hold the number (RFC 7518, 2)", name);
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static enum err
rsa_key(OSSL_PARAM *params, EVP_PKEY **out)
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	enum err	 err = ERR_CRYPTO;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
		goto out;
	ERR_set_mark();
	err = EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) == 1 ? ERR_OK : ERR_BAD_KEY;
	ERR_pop_to_mark();
 out:
	EVP_PKEY_CTX_free(ctx);
	return err;
}

static enum err
ec_parse(const json_t *json, struct buf *text, EVP_PKEY **key, struct reason *reason)
{
	const struct curve	*curve;
	uint8_t			 point[1 + 2 * EC_COORDINATE_MAX] = { 4 };	/* uncompressed */
	enum err		 err;

	if ((err = member_curve(json, "EC", ec_curves, &curve, reason)) != ERR_OK ||
	    (err = member_bytes(json, "EC", "x", point + 1, curve->size, reason)) != ERR_OK ||
	    (err = member_bytes(json, "EC", "y", point + 1 + curve->size, curve->size, reason)) != ERR_OK)
		return err;
	err = ec_public_key((enum ec_curve)(curve - ec_curves), slice_of(point, 1 + 2 * curve->size), key);
	if (err == ERR_BAD_KEY)
		reason_set(reason, "JWK of type EC: (x, y) is not a point on curve %s", curve->name);
	buf_printf(text, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", curve->name,
	    json_member_str(json, "x"), json_member_str(json, "y"));
	return err;
}

static enum err
okp_parse(const json_t *json, struct buf *text, EVP_PKEY **key, struct reason *reason)
{
	const struct curve	*curve;
	uint8_t			 x[OKP_MAX];
	enum err		 err;

	if ((err = member_curve(json, "OKP", okp_curves, &curve, reason)) != ERR_OK ||
	    (err = member_bytes(json, "OKP", "x", x, curve->size, reason)) != ERR_OK)
		return err;
	if ((*key = EVP_PKEY_new_raw_public_key_ex(NULL, curve->openssl, NULL, x, curve->size)) == NULL)
		return ERR_CRYPTO;
	buf_printf(text, "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%s\"}", curve->name,
	    json_member_str(json, "x"));
	return ERR_OK;
}

static enum err
rsa_check(const struct buf *n, const struct buf *e, struct reason *reason)
{
	size_t	 bits = n->len * 8;

	for (uint8_t first = n->data[0]; (first & 0x80) == 0; first = (uint8_t)(first << 1))
		bits--;
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
		reason_set(reason, "JWK of type RSA: the modulus has %zu bits, outside %d to %d", bits,
		    RSA_BITS_MIN, RSA_BITS_MAX);
		return ERR_BAD_KEY;
	}
	if ((n->data[n->len - 1] & 1) == 0) {
		reason_set(reason, "JWK of type RSA: the modulus is even, so it is no product of two large "
		    "primes");
		return ERR_BAD_KEY;
	}
	if (e->len > RSA_EXPONENT_MAX) {
		reason_set(reason, "JWK of type RSA: the exponent has %zu octets, at most %d are taken; use "
		    "65537", e->len, RSA_EXPONENT_MAX);
		return ERR_BAD_KEY;
	}
	if ((e->data[e->len - 1] & 1) == 0 || (e->len == 1 && e->data[0] == 1)) {
		reason_set(reason, "JWK of type RSA: the exponent must be odd and greater than 1; use 65537");
		return ERR_BAD_KEY;
	}
	return ERR_OK;
}

/* Turns big-endian bytes into the machine's own order, as OSSL_PARAM wants integers. */
static void
native_order(struct buf *b)
{
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		return;
	for (size_t i = 0, j = b->len - 1; i < j; i++, j--) {
		uint8_t	 byte = b->data[i];

		b->data[i] = b->data[j];
		b->data[j] = byte;
	}
}

static enum err
rsa_parse(const json_t *json, struct buf *text, EVP_PKEY **key, struct reason *reason)
{
	struct buf	 n = { 0 }, e = { 0 };
	enum err	 err;

	if ((err = member_integer(json, "n", &n, reason)) != ERR_OK ||
	    (err = member_integer(json, "e", &e, reason)) != ERR_OK ||
	    (err = rsa_check(&n, &e, reason)) != ERR_OK)
		goto out;
	native_order(&n);
	native_order(&e);
	OSSL_PARAM	 params[] = {
		{ OSSL_PKEY_PARAM_RSA_N, OSSL_PARAM_UNSIGNED_INTEGER, n.data, n.len, OSSL_PARAM_UNMODIFIED },
		{ OSSL_PKEY_PARAM_RSA_E, OSSL_PARAM_UNSIGNED_INTEGER, e.data, e.len, OSSL_PARAM_UNMODIFIED },
		OSSL_PARAM_construct_end(),
	};

	if ((err = rsa_key(params, key)) == ERR_BAD_KEY)
		reason_set(reason, "JWK of type RSA: OpenSSL refuses this modulus and exponent");
	buf_printf(text, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", json_member_str(json, "e"),
	    json_member_str(json, "n"));
 out:
	buf_free(&n);
	buf_free(&e);
	return err;
}

/* RFC 7518, 6.2.2, 6.3.2, 6.4.1; RFC 8037, 2. */
static enum err
private_refuse(const json_t *json, struct reason *reason)
{
	static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_get(json, names[i]) != NULL) {
			reason_set(reason, "JWK holds \"%s\", a part of the private key: never send that to "
			    "anyone. Make a new key, and send its public members only", names[i]);
			return ERR_BAD_KEY;
		}
	return ERR_OK;
}

static enum err
key_parse(const json_t *json, struct buf *text, EVP_PKEY **key, struct reason *reason)
{
	const char	*kty;
	enum err	 err;

	if (!json_is_object(json)) {
		reason_set(reason, "JWK is not a JSON object");
		return ERR_MALFORMED;
	}
	if ((err = private_refuse(json, reason)) != ERR_OK)
		return err;
	if ((kty = json_member_str(json, "kty")) == NULL) {
		reason_set(reason, "JWK: member \"kty\" is %s",
		    json_object_get(json, "kty") == NULL ? "missing" : "not a string");
		return ERR_MALFORMED;
	}
	if (strcmp(kty, "EC") == 0)
		return ec_parse(json, text, key, reason);
	if (strcmp(kty, "RSA") == 0)
		return rsa_parse(json, text, key, reason);
	if (strcmp(kty, "OKP") == 0)
		return okp_parse(json, text, key, reason);
	reason_set(reason, "JWK: key type \"%s\" is not supported; use EC, RSA or OKP", kty);
	return ERR_UNSUPPORTED;
}

/* RFC 7638, 3 */
static enum err
thumbprint(struct slice text, char out[JWK_THUMBPRINT_SIZE])
{
	uint8_t	 hash[32];

	if (EVP_Digest(text.data, text.len, hash, NULL, digest_get(DIGEST_SHA256), NULL) != 1)
		return ERR_CRYPTO;
	base64url_text(hash, sizeof(hash), out);
	return ERR_OK;
}

enum err
jwk_parse(const json_t *json, struct jwk **out, struct reason *reason)
{
	struct counted	*made = calloc(1, sizeof(*made));
	struct buf	 text = { 0 };
	enum err	 err = ERR_MEMORY;

	*out = NULL;
	if (made == NULL)
		return ERR_MEMORY;
	atomic_init(&made->refs, 1);
	if ((err = key_parse(json, &text, &made->jwk.key, reason)) != ERR_OK)
		goto out;
	if (text.failed)
		err = ERR_MEMORY;
	else if ((err = thumbprint(buf_slice(&text), made->jwk.thumbprint)) == ERR_OK &&
	    (made->jwk.text = buf_take_str(&text)) == NULL)
		err = ERR_MEMORY;
 out:
	buf_free(&text);
	if (err == ERR_OK)
		*out = &made->jwk;
	else
		jwk_free(&made->jwk);
	return err;
}

enum err
jwk_parse_text(struct slice text, struct jwk **out, struct reason *reason)
{
	json_t		*json;
	enum err	 err;

	*out = NULL;
	if ((err = json_object_parse(text, &json, reason)) != ERR_OK)
		return err;
	err = jwk_parse(json, out, reason);
	json_decref(json);
	return err;
}

struct jwk *
jwk_up(struct jwk *jwk)
{
	atomic_fetch_add_explicit(&((struct counted *)jwk)->refs, 1, memory_order_relaxed);
	return jwk;
}

void
jwk_free(struct jwk *jwk)
{
	struct counted	*counted = (struct counted *)jwk;

	/* The last to let go must see what the others did before they did. */
	if (jwk == NULL || atomic_fetch_sub_explicit(&counted->refs, 1, memory_order_acq_rel) != 1)
		return;
	EVP_PKEY_free(jwk->key);
	free(jwk->text);
	free(counted);
}
