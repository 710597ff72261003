#include "x509/der.h"

/* Universal tags that have a rule of their own (X.690, 8 and 11). */
enum {
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_BIT_STRING = 0x03,
	TAG_NULL = 0x05,
	TAG_ENUMERATED = 0x0a
};

#define CONSTRUCTED 0x20
#define TAG_NUMBER 0x1f

static bool
primitive_check(uint8_t tag, struct slice value, struct reason *reason)
{
	const uint8_t *v = value.data;

	switch (tag) {
	case TAG_BOOLEAN: /* X.690, 11.1 */
		if (value.len == 1 && (v[0] == 0 || v[0] == 0xff))
			return true;
		reason_set(reason, "a BOOLEAN is neither 00 nor FF (X.690, 11.1)");
		return false;
	case TAG_INTEGER:
	case TAG_ENUMERATED: /* X.690, 8.3.2 */
		if (value.len == 1 ||
		    (value.len > 1 && !(v[0] == 0 && v[1] < 0x80) && !(v[0] == 0xff && v[1] >= 0x80)))
			return true;
		reason_set(reason, "an INTEGER is empty or has needless leading bytes (X.690, 8.3.2)");
		return false;
	case TAG_BIT_STRING: /* X.690, 8.6.2 and 11.2.1 */
		if (value.len >= 1 && v[0] <= 7 && (value.len > 1 || v[0] == 0) &&
		    (v[value.len - 1] & ((1u << v[0]) - 1u)) == 0)
			return true;
		/* With no bits at all the last byte is the count itself, which must be 0. */
		reason_set(
		    reason, "a BIT STRING has a bad count of unused bits, or sets them (X.690, 11.2.1)");
		return false;
	case TAG_NULL:
		if (value.len == 0)
			return true;
		reason_set(reason, "a NULL holds bytes (X.690, 8.8.2)");
		return false;
	default:
		return true;
	}
}

/* Reads one header; *value is the content, *rest what follows. */
static bool
header_read(struct slice in, uint8_t *tag, struct slice *value, struct slice *rest, struct reason *reason)
{
	size_t at = 2, len;

	if (in.len < 2) {
		reason_set(reason, "DER ends in the middle of a value");
		return false;
	}
	*tag = in.data[0];
	if ((*tag & TAG_NUMBER) == TAG_NUMBER) {
		reason_set(reason, "DER uses a tag number above 30, which nothing here has");
		return false;
	}
	len = in.data[1];
	if (len >= 0x80) {
		size_t count = len & 0x7f;

		if (count == 0 || count > 4 || in.len < 2 + count) {
			reason_set(reason, "DER has an indefinite, oversized or cut length (X.690, 10.1)");
			return false;
		}
		for (len = 0; at < 2 + count; at++)
			len = len << 8 | in.data[at];
		if (len < 0x80 || len >> (8 * (count - 1)) == 0) {
			reason_set(reason, "DER has a length that is not in its shortest form (X.690, 10.1)");
			return false;
		}
	}
	if (len > in.len - at) {
		reason_set(reason, "DER ends in the middle of a value");
		return false;
	}
	*value = slice_of(in.data + at, len);
	*rest = slice_of(in.data + at + len, in.len - at - len);
	return true;
}

static bool
values_check(struct slice in, unsigned depth, struct reason *reason)
{
	while (in.len > 0) {
		struct slice value, rest;
		uint8_t tag;

		if (!header_read(in, &tag, &value, &rest, reason))
			return false;
		if (tag & CONSTRUCTED) {
			if (depth >= DER_DEPTH_MAX) {
				reason_set(reason, "DER nests deeper than %d", DER_DEPTH_MAX);
				return false;
			}
			if (!values_check(value, depth + 1, reason))
				return false;
		} else if (!primitive_check(tag, value, reason))
			return false;
		in = rest;
	}
	return true;
}

bool
der_check(struct slice in, struct reason *reason)
{
	struct slice value, rest;
	uint8_t tag;

	if (!header_read(in, &tag, &value, &rest, reason))
		return false;
	if (rest.len != 0) {
		reason_set(reason, "%zu bytes follow the end of the DER value", rest.len);
		return false;
	}
	return values_check(in, 0, reason);
}

bool
der_take(struct slice *in, uint8_t tag, struct slice *value)
{
	struct slice rest;
	uint8_t found;

	if (in->len == 0 || in->data[0] != tag || !header_read(*in, &found, value, &rest, NULL))
		return false;
	*in = rest;
	return true;
}

void
der_put(struct buf *out, uint8_t tag, struct slice content)
{
	uint8_t header[6] = { tag };
	size_t n = 1;

	if (content.len >= 0x1000000) {
		header[n++] = 0x84;
		header[n++] = (uint8_t)(content.len >> 24);
		header[n++] = (uint8_t)(content.len >> 16);
		header[n++] = (uint8_t)(content.len >> 8);
	} else if (content.len >= 0x10000) {
		header[n++] = 0x83;
		header[n++] = (uint8_t)(content.len >> 16);
		header[n++] = (uint8_t)(content.len >> 8);
	} else if (content.len >= 0x100) {
		header[n++] = 0x82;
		header[n++] = (uint8_t)(content.len >> 8);
	} else if (content.len >= 0x80)
		header[n++] = 0x81;
	header[n++] = (uint8_t)content.len;
	buf_put(out, header, n);
	buf_put(out, content.data, content.len);
}
