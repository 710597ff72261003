/* mac.c: whether a JWS was made with that MAC key (RFC 7518, 3.2). */
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "jose/jws_internal.h"

enum err
jws_verify_mac(const struct jws *jws, struct slice key, struct reason *reason)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool good;

	if (jws->algorithm->key != EVP_PKEY_HMAC)
		abort();
	if (HMAC(digest_get(jws->algorithm->digest), key.data, (int)key.len, jws->input.data, jws->input.len, mac,
		&len) == NULL)
		return ERR_CRYPTO;
	good = jws->signature.len == len && CRYPTO_memcmp(jws->signature.data, mac, len) == 0;
	OPENSSL_cleanse(mac, sizeof(mac));
	if (good)
		return ERR_OK;
	if (jws->signature.len != len)
		reason_set(reason, "the %s has %zu octets instead of %u", jws->algorithm->name, jws->signature.len, len);
	else
		reason_set(reason,
		    "the %s does not verify: the key differs, or what was signed; it is over the base64url texts of "
		    "\"protected\" and \"payload\" with a period between them, with the key's decoded bytes",
		    jws->algorithm->name);
	return ERR_BAD_SIGNATURE;
}
