/* blocked_keys.h: the file that ca.blocked_keys names, for the roles that consult it. */
#ifndef SIGNET_CONFIG_BLOCKED_KEYS_H
#define SIGNET_CONFIG_BLOCKED_KEYS_H

#include "config/config.h"
#include "lib/reason.h"
#include "x509/blocklist.h"

/* Reads it, before the sandbox. *out is NULL when the option is empty; else the caller owns it. ERR_CONFIG
 * with the file and what is wrong; ERR_MEMORY. */
enum err config_blocked_keys(const struct config *, struct blocklist **out, struct reason *);

#endif
