#include "va/dns_message.h"

#include <arpa/nameser.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/wire.h"

#define HEADER 12
#define LABEL_MAX 63
#define FLAG_RESPONSE 0x80	/* of the third octet */
#define FLAG_AUTHORITATIVE 0x04
#define FLAG_TRUNCATED 0x02
#define FLAG_RECURSE 0x01
#define FLAG_AUTHENTIC 0x20	/* of the fourth */
#define FLAG_UNCHECKED 0x10
#define OPTION_EXTENDED_ERROR 15	/* RFC 8914, 2 */

/* RFC 8914, 4. */
static const struct {
	const char *name;
	bool bogus;
} errors[] = {
	{ "Other Error", false }, { "Unsupported DNSKEY Algorithm", false }, { "Unsupported DS Digest Type", false },
	{ "Stale Answer", false }, { "Forged Answer", false }, { "DNSSEC Indeterminate", true },
	{ "DNSSEC Bogus", true }, { "Signature Expired", true }, { "Signature Not Yet Valid", true },
	{ "DNSKEY Missing", true }, { "RRSIGs Missing", true }, { "No Zone Key Bit Set", true },
	{ "NSEC Missing", true }, { "Cached Error", false }, { "Not Ready", false }, { "Blocked", false },
	{ "Censored", false }, { "Filtered", false }, { "Prohibited", false }, { "Stale NXDOMAIN Answer", false },
	{ "Not Authoritative", false }, { "Not Supported", false }, { "No Reachable Authority", false },
	{ "Network Error", false }, { "Invalid Data", false },
};

const char *
dns_error_name(int code)
{
	return code >= 0 && (size_t)code < sizeof(errors) / sizeof(errors[0]) ? errors[code].name : NULL;
}

bool
dns_error_is_bogus(int code)
{
	return dns_error_name(code) != NULL && errors[code].bogus;
}

static uint8_t
lower(uint8_t c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* The name in labels, each letter's case by one random bit. False: it is no name. */
static bool
put_name(struct buf *out, const char *name, const uint8_t *bits)
{
	size_t at = 0;

	if (strlen(name) > DNS_NAME_MAX)
		return false;
	while (name[at] != '\0') {
		size_t len = strcspn(name + at, ".");

		if (len == 0 || len > LABEL_MAX)
			return false;
		buf_put_byte(out, (uint8_t)len);
		for (size_t i = at; i < at + len; i++) {
			uint8_t c = lower((uint8_t)name[i]);

			if (c >= 'a' && c <= 'z' && (bits[i / 8] >> i % 8 & 1) != 0)
				c = (uint8_t)(c - 32);
			buf_put_byte(out, c);
		}
		at += len;
		if (name[at] == '.' && name[++at] == '\0')
			return false;
	}
	buf_put_byte(out, 0);
	return true;
}

/* RFC 6891, 6.1: the root, OPT, how much we take, no options. */
static void
put_opt(struct buf *out)
{
	buf_put_byte(out, 0);
	put_u16(out, ns_t_opt);
	put_u16(out, DNS_UDP_SIZE);
	put_u32(out, 0);
	put_u16(out, 0);
}

bool
dns_question_make(struct dns_question *q, const char *name, uint16_t type, unsigned flags)
{
	uint8_t random[2 + DNS_NAME_MAX / 8 + 1];
	struct buf out = { 0 };
	bool good;

	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	q->id = (uint16_t)(random[0] << 8 | random[1]);
	q->type = type;
	put_u16(&out, q->id);
	put_u8(&out, (flags & DNS_RECURSE) != 0 ? FLAG_RECURSE : 0);
	put_u8(&out, (uint8_t)(((flags & DNS_AUTHENTIC) != 0 ? FLAG_AUTHENTIC : 0) |
			 ((flags & DNS_UNCHECKED) != 0 ? FLAG_UNCHECKED : 0)));
	put_u16(&out, 1);
	put_u32(&out, 0);
	put_u16(&out, (flags & DNS_PLAIN) == 0);
	good = put_name(&out, name, random + 2);
	put_u16(&out, type);
	put_u16(&out, ns_c_in);
	if ((flags & DNS_PLAIN) == 0)
		put_opt(&out);
	good = good && !out.failed && out.len <= sizeof(q->bytes);
	if (good)
		memcpy(q->bytes, out.data, q->len = out.len);
	buf_free(&out);
	return good;
}

enum dns_match
dns_reply_match(struct slice reply, const struct dns_question *q)
{
	size_t end = HEADER;
	bool exact = true;

	/* The question is whole: what we sent, as far as its class. */
	while (q->bytes[end] != 0)
		end += q->bytes[end] + 1u;
	end += 5;
	if (reply.len < end || reply.data[0] != q->bytes[0] || reply.data[1] != q->bytes[1] ||
	    (reply.data[2] & FLAG_RESPONSE) == 0 || reply.data[4] != 0 || reply.data[5] != 1)
		return DNS_FOREIGN;
	for (size_t i = HEADER; i < end; i++) {
		if (lower(reply.data[i]) != lower(q->bytes[i]))
			return DNS_FOREIGN;
		exact = exact && reply.data[i] == q->bytes[i];
	}
	return exact ? DNS_EXACT : DNS_OTHER_CASE;
}

void
dns_skip(struct wire *in, size_t len)
{
	if ((size_t)(in->end - in->next) < len)
		in->bad = true;
	else
		in->next += len;
}

/* RFC 1035, 4.1.4: labels, then the root or a pointer; labels of other types are reserved. */
void
dns_skip_name(struct wire *in)
{
	uint8_t len;

	while (!in->bad && (len = get_u8(in)) != 0) {
		if (len >= 0xc0) {
			dns_skip(in, 1);
			return;
		}
		if (len > LABEL_MAX)
			in->bad = true;
		else
			dns_skip(in, len);
	}
}

/* RFC 6891, 6.1.2: options; of extended errors the first that says most. */
static void
read_options(struct slice rdata, struct dns_head *head)
{
	struct wire in = wire_of(rdata);
	uint16_t code, len, shown;

	while (in.next < in.end && !in.bad) {
		code = get_u16(&in);
		len = get_u16(&in);
		if (in.bad || (size_t)(in.end - in.next) < len)
			return;
		if (code == OPTION_EXTENDED_ERROR && len >= 2 &&
		    (head->error < 0 || !dns_error_is_bogus(head->error))) {
			head->error = in.next[0] << 8 | in.next[1];
			shown = (uint16_t)(len - 2 < DNS_EXTRA_MAX ? len - 2 : DNS_EXTRA_MAX);
			for (uint16_t i = 0; i < shown; i++) {
				uint8_t c = in.next[2 + i];

				head->extra[i] = (char)(c >= 0x20 && c < 0x7f ? c : '?');
			}
			head->extra[shown] = '\0';
		}
		dns_skip(&in, len);
	}
}

static void
read_record(struct wire *in, struct dns_head *head)
{
	uint16_t type, len;
	uint32_t ttl;

	dns_skip_name(in);
	type = get_u16(in);
	dns_skip(in, 2);
	ttl = get_u32(in);
	len = get_u16(in);
	if (!in->bad && type == ns_t_opt && (size_t)(in->end - in->next) >= len) {
		head->edns = true;
		head->rcode |= ttl >> 24 << 4;
		read_options(slice_of(in->next, len), head);
	}
	dns_skip(in, len);
}

bool
dns_head_read(struct slice reply, struct dns_head *head)
{
	struct wire in = wire_of(reply);
	uint8_t high, low;
	uint16_t questions;
	uint32_t records;

	*head = (struct dns_head){ .error = -1 };
	dns_skip(&in, 2);
	high = get_u8(&in);
	low = get_u8(&in);
	questions = get_u16(&in);
	head->answers = get_u16(&in);
	records = head->answers;
	records += get_u16(&in);
	records += get_u16(&in);
	head->rcode = low & 15;
	head->truncated = (high & FLAG_TRUNCATED) != 0;
	head->authoritative = (high & FLAG_AUTHORITATIVE) != 0;
	head->authentic = (low & FLAG_AUTHENTIC) != 0;
	for (; questions > 0 && !in.bad; questions--) {
		dns_skip_name(&in);
		dns_skip(&in, 4);
	}
	for (; records > 0 && !in.bad && !head->truncated; records--)
		read_record(&in, head);
	return !in.bad;
}
