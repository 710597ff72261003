#include "acme/public_name.h"

#include <libpsl.h>
#include <string.h>

bool
name_is_public_suffix(const char *name)
{
	/* An unlisted top-level domain counts as a suffix too: the list's own rule for what it doesn't know. */
	return psl_is_public_suffix2(psl_builtin(), strncmp(name, "*.", 2) == 0 ? name + 2 : name, PSL_TYPE_ICANN) == 1;
}

/* IANA, IPv4 and IPv6 Special-Purpose Address Registries: what is not globally reachable; and multicast. */
static const char *const reserved[] = { "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/8", "64:ff9b::/96", "64:ff9b:1::/48",
	"100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
	"ff00::/8" };

bool
address_is_reserved(const struct address *address)
{
	struct block block;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (block_parse(reserved[i], &block) && block_holds(&block, address))
			return true;
	return false;
}

bool
identifier_is_public(const struct identifier *identifier, struct reason *reason)
{
	struct address address;

	if (identifier->type == IDENTIFIER_DNS && name_is_public_suffix(identifier->value))
		reason_set(reason, "\"%s\" is a public suffix, or all names right below one", identifier->value);
	else if (identifier->type == IDENTIFIER_IP && address_parse(identifier->value, &address) &&
	    address_is_reserved(&address))
		reason_set(reason, "\"%s\" is an address for special use", identifier->value);
	else
		return true;
	return false;
}
