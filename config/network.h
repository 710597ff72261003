/* network.h: blocks of addresses and proxies as signet.yaml has them. */
#ifndef SIGNET_CONFIG_NETWORK_H
#define SIGNET_CONFIG_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/address.h"
#include "lib/reason.h"

/* "10.0.0.0/8": no bits are set after the prefix. False, with the cause unless it isn't of that form at all. */
bool	 network_cidr(const char *text, struct reason *why);

enum proxy_kind { PROXY_SOCKS5 = 1, PROXY_HTTP };

struct proxy {
	enum proxy_kind	 kind;
	struct address	 address;
	uint16_t	 port;
	char		 user[256], password[256];	/* RFC 1929: to 255 bytes; "": none */
};

/* "socks5://10.0.0.9:1080", "http://user:password@10.0.0.9:3128"; RFC 3986's %XX in user and password. False, with the
 * cause, in which there is no password. */
bool	 proxy_parse(const char *text, struct proxy *out, struct reason *why);

#endif
