/* network.h: blocks of addresses as signet.yaml has them. */
#ifndef SIGNET_CONFIG_NETWORK_H
#define SIGNET_CONFIG_NETWORK_H

#include <stdbool.h>

#include "lib/reason.h"

/* "10.0.0.0/8": no bits are set after the prefix. False, with the cause unless it isn't of that form at all. */
bool	 network_cidr(const char *text, struct reason *why);

#endif
