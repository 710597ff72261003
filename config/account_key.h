/* account_key.h: which keys an account may have. */
#ifndef SIGNET_CONFIG_ACCOUNT_KEY_H
#define SIGNET_CONFIG_ACCOUNT_KEY_H

#include <openssl/evp.h>

#include "config/config.h"
#include "lib/reason.h"

/* key_check(); with ra.weak_account_keys any RSA key is good. ERR_BAD_KEY with the reason. */
enum err account_key_check(const struct config *, EVP_PKEY *, struct reason *);

#endif
