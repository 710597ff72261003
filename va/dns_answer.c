#include "va/dns_answer.h"

#include <arpa/nameser.h>

#include "ipc/wire.h"

#define HEADER_REST 4 /* id and flags */

static void
skip(struct wire *in, size_t len)
{
	if ((size_t)(in->end - in->next) < len)
		in->bad = true;
	else
		in->next += len;
}

/* RFC 1035, 4.1.4: labels, then the root or a pointer. */
static void
skip_name(struct wire *in)
{
	uint8_t len;

	while (!in->bad) {
		len = get_u8(in);
		if (len == 0)
			return;
		if (len >= 0xc0) {
			skip(in, 1);
			return;
		}
		if (len > 63) /* 01 and 10 are reserved */
			in->bad = true;
		else
			skip(in, len);
	}
}

bool
dns_records_read(struct slice message, uint16_t type, struct dns_records *out)
{
	struct wire in = wire_of(message);
	uint16_t questions, answers, is, class, len;

	out->count = 0;
	out->more = false;
	skip(&in, HEADER_REST);
	questions = get_u16(&in);
	answers = get_u16(&in);
	skip(&in, 4);
	for (; questions > 0 && !in.bad; questions--) {
		skip_name(&in);
		skip(&in, 4);
	}
	for (; answers > 0 && !in.bad; answers--) {
		skip_name(&in);
		is = get_u16(&in);
		class = get_u16(&in);
		skip(&in, 4); /* its time to live */
		len = get_u16(&in);
		if (!in.bad && is == type && class == ns_c_in && out->count < DNS_RECORDS_MAX)
			out->rdata[out->count++] = slice_of(in.next, len);
		else if (is == type && class == ns_c_in)
			out->more = true;
		skip(&in, len);
	}
	if (in.bad)
		out->count = 0; /* the last may reach past the end */
	return !in.bad;
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
