/* address.h: an IPv4 or IPv6 address and a block of them (CIDR). Pure. */
#ifndef SIGNET_LIB_ADDRESS_H
#define SIGNET_LIB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_SIZE INET6_ADDRSTRLEN

struct address {
	int	family;		/* AF_INET or AF_INET6; 0: none */
	uint8_t	bytes[16];	/* the first 4 for AF_INET */
};

struct block {
	struct address	address;
	unsigned	bits;
};

/* "10.0.0.7" or "2001:db8::1", nothing else around it. */
bool	 address_parse(const char *text, struct address *out);
void	 address_text(const struct address *, char out[ADDRESS_TEXT_SIZE]);
/* The name of the reverse mapping, without a dot at its end: "1.2.0.192.in-addr.arpa" (RFC 1035, 3.5), 32
 * nibbles and "ip6.arpa" (RFC 3596, 2.5). */
#define ADDRESS_REVERSE_SIZE 73
void	 address_reverse(const struct address *, char out[ADDRESS_REVERSE_SIZE]);
size_t	 address_size(const struct address *);		/* 4 or 16: how many of bytes count */
bool	 address_eq(const struct address *, const struct address *);
struct address address_of(int family, const void *bytes);
/* False when it is of another family. */
bool	 address_from_sockaddr(const struct sockaddr *, struct address *out);
/* The other way; returns how much of out counts. */
socklen_t address_sockaddr(const struct address *, uint16_t port, struct sockaddr_storage *out);

/* "10.0.0.0/8", "fe80::/10"; an address alone is a block of one. Host bits may be set. */
bool	 block_parse(const char *text, struct block *out);
bool	 block_holds(const struct block *, const struct address *);

#endif
