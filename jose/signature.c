#include "jose/signature.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#define SIGNATURE_MAX 1024	/* RSA of 8192 bits; ca's own keys have 4096 at most */

/* The context for a signature over a hash that is made here; NULL: OpenSSL failed. */
static EVP_PKEY_CTX *
hash_context(EVP_PKEY *key, const EVP_MD *md, int init(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (ctx != NULL && init(ctx) == 1 && (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
	    (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1)))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

/* RSASSA-PKCS1-v1_5 or ECDSA */
static enum err
hash_verify(EVP_PKEY *key, const EVP_MD *md, struct slice input, struct slice signature)
{
	EVP_PKEY_CTX	*ctx;
	uint8_t		 hash[EVP_MAX_MD_SIZE];
	unsigned	 hash_len;
	int		 ok;

	if (EVP_Digest(input.data, input.len, hash, &hash_len, md, NULL) != 1 ||
	    (ctx = hash_context(key, md, EVP_PKEY_verify_init)) == NULL)
		return ERR_CRYPTO;
	ok = EVP_PKEY_verify(ctx, signature.data, signature.len, hash, hash_len);
	EVP_PKEY_CTX_free(ctx);
	return ok == 1 ? ERR_OK : ERR_BAD_SIGNATURE;
}

/* RFC 8032: the scheme hashes by itself. */
static enum err
eddsa_verify(EVP_PKEY *key, struct slice input, struct slice signature)
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	enum err	 err = ERR_CRYPTO;

	if (ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1)
		err = EVP_DigestVerify(ctx, signature.data, signature.len, input.data, input.len) == 1
		    ? ERR_OK : ERR_BAD_SIGNATURE;
	EVP_MD_CTX_free(ctx);
	return err;
}

enum err
signature_verify(EVP_PKEY *key, enum digest digest, struct slice input, struct slice signature)
{
	enum err	 err;

	ERR_set_mark();
	if (digest == DIGEST_COUNT)
		err = eddsa_verify(key, input, signature);
	else
		err = hash_verify(key, digest_get(digest), input, signature);
	ERR_pop_to_mark();
	return err;
}

static bool
hash_sign(EVP_PKEY *key, const EVP_MD *md, struct slice input, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX	*ctx;
	uint8_t		 hash[EVP_MAX_MD_SIZE];
	unsigned	 hash_len;
	bool		 ok;

	if (EVP_Digest(input.data, input.len, hash, &hash_len, md, NULL) != 1 ||
	    (ctx = hash_context(key, md, EVP_PKEY_sign_init)) == NULL)
		return false;
	ok = EVP_PKEY_sign(ctx, out, len, hash, hash_len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool
eddsa_sign(EVP_PKEY *key, struct slice input, uint8_t *out, size_t *len)
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	bool		 ok;

	ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, out, len, input.data, input.len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

enum err
signature_make(EVP_PKEY *key, enum digest digest, struct slice input, struct buf *out)
{
	uint8_t	 signature[SIGNATURE_MAX];
	size_t	 len = sizeof(signature);
	bool	 ok;

	ERR_set_mark();
	if (digest == DIGEST_COUNT)
		ok = eddsa_sign(key, input, signature, &len);
	else
		ok = hash_sign(key, digest_get(digest), input, signature, &len);
	ERR_pop_to_mark();
	if (!ok)
		return ERR_CRYPTO;
	buf_put(out, signature, len);
	return out->failed ? ERR_MEMORY : ERR_OK;
}

bool
signature_fits(int nid, const EVP_PKEY *key, enum digest *digest)
{
	int	 hash, kind;

	if (OBJ_find_sigid_algs(nid, &hash, &kind) != 1 || kind != EVP_PKEY_get_base_id(key))
		return false;
	switch (hash) {
	case NID_sha256:
		*digest = DIGEST_SHA256;
		break;
	case NID_sha384:
		*digest = DIGEST_SHA384;
		break;
	case NID_sha512:
		*digest = DIGEST_SHA512;
		break;
	default:
		*digest = DIGEST_COUNT;
		return kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448;
	}
	return kind == EVP_PKEY_RSA || kind == EVP_PKEY_EC;
}
