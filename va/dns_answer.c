#include "va/dns_answer.h"

#include <arpa/nameser.h>

#include "va/dns_message.h"

#define HEADER_REST 4 /* id and flags */

bool
dns_records_read(struct slice message, uint16_t type, struct dns_records *out)
{
	struct wire in = wire_of(message);
	uint16_t questions, answers, is, class, len;

	out->count = 0;
	out->more = false;
	dns_skip(&in, HEADER_REST);
	questions = get_u16(&in);
	answers = get_u16(&in);
	dns_skip(&in, 4);
	for (; questions > 0 && !in.bad; questions--) {
		dns_skip_name(&in);
		dns_skip(&in, 4);
	}
	for (; answers > 0 && !in.bad; answers--) {
		dns_skip_name(&in);
		is = get_u16(&in);
		class = get_u16(&in);
		dns_skip(&in, 4); /* its time to live */
		len = get_u16(&in);
		if (!in.bad && is == type && class == ns_c_in && out->count < DNS_RECORDS_MAX)
			out->rdata[out->count++] = slice_of(in.next, len);
		else if (is == type && class == ns_c_in)
			out->more = true;
		dns_skip(&in, len);
	}
	if (in.bad)
		out->count = 0; /* the last may reach past the end */
	return !in.bad;
}

bool
dns_name_read(struct slice message, struct slice rdata, char out[DNS_TEXT_SIZE])
{
	size_t at = (size_t)(rdata.data - message.data), used = 0, len;

	if (rdata.len == 0)
		return false;
	/* Pointers lead back only: so it ends. */
	for (size_t limit = at + rdata.len, start = at; at < limit && (len = message.data[at]) != 0;) {
		if (len >= 0xc0) {
			if (at + 1 >= limit || (len = (len & 0x3f) << 8 | message.data[at + 1]) >= start)
				return false;
			limit = start;
			start = at = len;
			continue;
		}
		if (len > 63 || len >= limit - at || used + len + 1 >= DNS_TEXT_SIZE)
			return false;
		if (used > 0)
			out[used++] = '.';
		for (size_t i = 1; i <= len; i++) {
			uint8_t c = message.data[at + i];

			if (c <= ' ' || c >= 0x7f || c == '.')
				return false;
			out[used++] = (char)c;
		}
		at += len + 1;
	}
	out[used] = '\0';
	return used > 0;
}

bool
dns_txt_join(struct slice rdata, struct buf *out)
{
	size_t at = 0, len;

	if (rdata.len == 0)
		return false;
	while (at < rdata.len) {
		len = rdata.data[at++];
		if (len > rdata.len - at)
			return false;
		buf_put(out, rdata.data + at, len);
		at += len;
	}
	return true;
}
