/* dns_answer.h: the records of one type in a DNS answer, as their bytes (RFC 1035, 4.1). Pure.
 *
 * Owner names are not looked at: the resolver was asked one question, and follows aliases itself. */
#ifndef SIGNET_VA_DNS_ANSWER_H
#define SIGNET_VA_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define DNS_RECORDS_MAX 64	/* of a name and type; the largest sets in use hold a tenth */

struct dns_records {
	struct slice	rdata[DNS_RECORDS_MAX];		/* borrowed from the answer */
	size_t		count;
	bool		more;		/* there were more than fit */
};

/* False: it is no DNS message, or ends in the middle of a record. */
bool dns_records_read(struct slice message, uint16_t type, struct dns_records *out);
/* The name that a CNAME or NS record's rdata is, without a dot at its end; pointers lead through the message that it
 * lies in (RFC 1035, 4.1.4). False: it is none, or has octets that no host's name has. */
#define DNS_TEXT_SIZE 254
bool dns_name_read(struct slice message, struct slice rdata, char out[DNS_TEXT_SIZE]);
/* Appends the character-strings of a TXT record's rdata, joined (RFC 8555, 8.4; RFC 1035, 3.3.14). False: it is
 * none. */
bool dns_txt_join(struct slice rdata, struct buf *out);

#endif
