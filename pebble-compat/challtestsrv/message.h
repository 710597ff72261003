/* message.h: DNS messages (RFC 1035, 4), as far as a server needs them that answers one question and asks none.
 * Pure. */
#ifndef SIGNET_CHALLTESTSRV_MESSAGE_H
#define SIGNET_CHALLTESTSRV_MESSAGE_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

#define DNS_A 1
#define DNS_CNAME 5
#define DNS_SOA 6
#define DNS_TXT 16
#define DNS_AAAA 28
#define DNS_CAA 257

#define DNS_NOERROR 0
#define DNS_FORMERR 1
#define DNS_SERVFAIL 2
#define DNS_NOTIMP 4

#define DNS_MESSAGE_MAX 65535
#define DNS_WIRE_MAX 255		/* a name's octets (RFC 1035, 3.1) */
#define DNS_TEXT_SIZE 1024		/* each of them as \DDD, and the NUL: RFC 1035, 5.1 */

struct dns_name {
	uint8_t	wire[DNS_WIRE_MAX];
	size_t	len;
};

struct dns_query {
	uint16_t	id, flags;
	struct dns_name	name;		/* only after ERR_OK, as the following */
	char		text[DNS_TEXT_SIZE];	/* the name, with a dot at its end */
	uint16_t	type, class;
};

/* ERR_OK; ERR_CLOSED: it is no query, and must not be answered; ERR_MALFORMED, ERR_UNSUPPORTED: it is to be refused
 * with FORMERR or NOTIMP, and only id and flags are set. What follows the question is not looked at. */
enum err message_read(struct slice packet, struct dns_query *);

/* False when it is no name: an empty or too long label, too long, a bad escape. The dot at the end may be left out. */
bool	 name_read(const char *text, struct dns_name *);

/* An answer in the making; the buf is the caller's, and empty at the start. */
struct message {
	struct buf	*out;
	uint16_t	 answers;
};

/* The header and the question. */
void	 message_begin(struct message *, struct buf *out, const struct dns_query *);
void	 message_add(struct message *, const struct dns_name *owner, uint16_t type, struct slice data);
/* Adds the SOA record that every answer carries, and sets the code. ERR_MEMORY, ERR_TOO_LARGE. */
enum err message_end(struct message *, unsigned code);
/* A header alone, for what could not be read. ERR_MEMORY. */
enum err message_refuse(struct buf *out, const struct dns_query *, unsigned code);

#endif
