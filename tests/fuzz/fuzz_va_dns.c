/* A DNS message from a stranger: its head and extended error, whether it answers a question, and the names in it. */
#include <arpa/nameser.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "va/dns_answer.h"
#include "va/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
names(struct slice message, uint16_t type)
{
	struct dns_records records;
	char name[DNS_TEXT_SIZE];

	if (!dns_records_read(message, type, &records))
		return;
	for (size_t i = 0; i < records.count; i++) {
		if (!dns_name_read(message, records.rdata[i], name))
			continue;
		if (name[0] == '\0' || strlen(name) > DNS_NAME_MAX)
			abort();
		for (const char *c = name; *c != '\0'; c++)
			if (*c <= ' ' || *c > '~')
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice message = slice_of(data, size);
	struct dns_question q;
	struct dns_head head;
	enum dns_match match;
	uint8_t *copy;

	names(message, ns_t_ns);
	names(message, ns_t_cname);
	if (dns_head_read(message, &head) && (head.error > 0xffff || strlen(head.extra) > DNS_EXTRA_MAX))
		abort();
	(void)dns_error_name(head.error);
	/* What begins as the question does matches it, in its letters; with a bit of its id changed it doesn't. */
	if (!dns_question_make(&q, "_acme-challenge.a.test", ns_t_txt, DNS_RECURSE))
		abort();
	match = dns_reply_match(message, &q);
	if (size < q.len || (copy = malloc(size)) == NULL)
		return 0;
	memcpy(copy, data, size);
	memcpy(copy, q.bytes, q.len);
	copy[2] |= 0x80;
	if (dns_reply_match(slice_of(copy, size), &q) != DNS_EXACT)
		abort();
	copy[1] ^= 1;
	if (dns_reply_match(slice_of(copy, size), &q) != DNS_FOREIGN)
		abort();
	free(copy);
	(void)match;
	return 0;
}
