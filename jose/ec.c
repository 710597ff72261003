/* ec.c: copying a curve costs a third of looking it up by name, which OpenSSL 3.0 does for every key. */
#include "jose/ec.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t	 once = PTHREAD_ONCE_INIT;
static EVP_PKEY		*empty[EC_CURVE_COUNT];		/* a key without a point for each curve */

static EVP_PKEY *
empty_key(const char *name)
{
	char		 group[16];
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY	*key = NULL;

	snprintf(group, sizeof(group), "%s", name);
	OSSL_PARAM	 params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_end(),
	};

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEY_PARAMETERS, params) != 1)
		abort();
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void
prepare(void)
{
	empty[EC_P256] = empty_key("P-256");
	empty[EC_P384] = empty_key("P-384");
	empty[EC_P521] = empty_key("P-521");
}

enum err
ec_public_key(enum ec_curve curve, struct slice point, EVP_PKEY **out)
{
	EVP_PKEY	*key;
	enum err	 err = ERR_CRYPTO;

	*out = NULL;
	if (pthread_once(&once, prepare) != 0)
		abort();
	if ((key = EVP_PKEY_new()) == NULL)
		return ERR_MEMORY;
	if (EVP_PKEY_copy_parameters(key, empty[curve]) != 1)
		goto out;
	ERR_set_mark();
	err = EVP_PKEY_set1_encoded_public_key(key, point.data, point.len) == 1 ? ERR_OK : ERR_BAD_KEY;
	ERR_pop_to_mark();
 out:
	if (err == ERR_OK)
		*out = key;
	else
		EVP_PKEY_free(key);
	return err;
}
