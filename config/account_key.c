#include "config/account_key.h"

#include "x509/key.h"

enum err
account_key_check(const struct config *config, EVP_PKEY *key, struct reason *reason)
{
	if (config->ra.weak_account_keys && EVP_PKEY_is_a(key, "RSA"))
		return ERR_OK;
	return key_check(key, reason);
}
