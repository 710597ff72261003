/* dns_message.h: a question to a DNS server as bytes, and what the head of its answer says (RFC 1035, 4.1; RFC 6891;
 * RFC 8914). Pure, but for randomness. */
#ifndef SIGNET_VA_DNS_MESSAGE_H
#define SIGNET_VA_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/wire.h"

#define DNS_NAME_MAX 253	/* RFC 1035, 3.1, in text form */
#define DNS_QUESTION_MAX 300	/* header, name, type and class, OPT */
#define DNS_UDP_SIZE 1232	/* DNS flag day 2020: no fragments on any path */

enum dns_flag {
	DNS_RECURSE = 1,	/* RD */
	DNS_AUTHENTIC = 2,	/* AD: say whether it was validated (RFC 6840, 5.7) */
	DNS_UNCHECKED = 4,	/* CD: also what fails validation (RFC 4035, 3.2.2) */
	DNS_PLAIN = 8		/* no EDNS */
};

struct dns_question {
	uint16_t	id, type;
	size_t		len;
	uint8_t		bytes[DNS_QUESTION_MAX];
};

/* name is absolute without its dot. Its letters are in random case (draft-vixie-dnsext-dns0x20), the id is random.
 * False: it is no name. */
bool	dns_question_make(struct dns_question *, const char *name, uint16_t type, unsigned flags);

enum dns_match {
	DNS_FOREIGN,		/* not the answer to this question */
	DNS_OTHER_CASE,		/* but for the case of its letters it is */
	DNS_EXACT
};
/* Compares id and question. */
enum dns_match dns_reply_match(struct slice reply, const struct dns_question *);

void	dns_skip(struct wire *, size_t len);
void	dns_skip_name(struct wire *);

#define DNS_EXTRA_MAX 120
struct dns_head {
	unsigned	rcode;		/* with EDNS' upper bits */
	bool		truncated, authentic, authoritative;
	uint16_t	answers;
	bool		edns;
	int		error;		/* RFC 8914's code; -1: none */
	char		extra[DNS_EXTRA_MAX + 1];	/* its text, printable; "" */
};
/* False: it is no DNS message as far as its head and OPT record go. */
bool	dns_head_read(struct slice reply, struct dns_head *);
/* RFC 8914's name of the code: "DNSSEC Bogus"; NULL: one we don't know. */
const char *dns_error_name(int code);
/* Whether the code says that DNSSEC validation failed. */
bool	dns_error_is_bogus(int code);

#endif
