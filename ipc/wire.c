#include "ipc/wire.h"

#include <string.h>

static void
put_be(struct buf *out, uint64_t value, unsigned bytes)
{
	uint8_t be[8];

	for (unsigned i = 0; i < bytes; i++)
		be[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	buf_put(out, be, bytes);
}

static uint64_t
get_be(struct wire *in, unsigned bytes)
{
	uint64_t value = 0;

	if (in->bad || (size_t)(in->end - in->next) < bytes) {
		in->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | *in->next++;
	return value;
}

void
put_u8(struct buf *out, uint8_t value)
{
	buf_put_byte(out, value);
}

void
put_u16(struct buf *out, uint16_t value)
{
	put_be(out, value, 2);
}

void
put_u32(struct buf *out, uint32_t value)
{
	put_be(out, value, 4);
}

void
put_u64(struct buf *out, uint64_t value)
{
	put_be(out, value, 8);
}

void
put_i64(struct buf *out, int64_t value)
{
	put_be(out, (uint64_t)value, 8);
}

void
put_bool(struct buf *out, bool value)
{
	buf_put_byte(out, value ? 1 : 0);
}

void
put_id(struct buf *out, struct id id)
{
	buf_put(out, id.bytes, ID_SIZE);
}

void
put_bytes(struct buf *out, struct slice bytes)
{
	/* Every field has a limit far below this; a larger one is a bug of ours. */
	if (bytes.len > UINT32_MAX)
		__builtin_trap();
	put_u32(out, (uint32_t)bytes.len);
	buf_put(out, bytes.data, bytes.len);
}

void
put_str(struct buf *out, const char *text)
{
	put_bytes(out, slice_str(text));
}

struct wire
wire_of(struct slice bytes)
{
	struct wire in = { .next = bytes.data, .end = bytes.data };

	if (bytes.len > 0)
		in.end = bytes.data + bytes.len;
	return in;
}

uint8_t
get_u8(struct wire *in)
{
	return (uint8_t)get_be(in, 1);
}

uint16_t
get_u16(struct wire *in)
{
	return (uint16_t)get_be(in, 2);
}

uint32_t
get_u32(struct wire *in)
{
	return (uint32_t)get_be(in, 4);
}

uint64_t
get_u64(struct wire *in)
{
	return get_be(in, 8);
}

int64_t
get_i64(struct wire *in)
{
	return (int64_t)get_be(in, 8);
}

bool
get_bool(struct wire *in)
{
	uint8_t value = get_u8(in);

	if (value > 1)
		in->bad = true;
	return value == 1;
}

struct id
get_id(struct wire *in)
{
	struct id id = { { 0 } };

	if (in->bad || in->end - in->next < ID_SIZE) {
		in->bad = true;
		return id;
	}
	memcpy(id.bytes, in->next, ID_SIZE);
	in->next += ID_SIZE;
	return id;
}

struct slice
get_bytes(struct wire *in, size_t max)
{
	size_t		len = get_u32(in);
	struct slice	bytes = { NULL, 0 };

	if (in->bad || len > max || len > (size_t)(in->end - in->next)) {
		in->bad = true;
		return bytes;
	}
	bytes = (struct slice){ in->next, len };
	in->next += len;
	return bytes;
}

void
get_str(struct wire *in, char *out, size_t size)
{
	struct slice bytes = get_bytes(in, size - 1);

	if (bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) != NULL) {
		in->bad = true;
		bytes.len = 0;
	}
	if (bytes.len > 0)
		memcpy(out, bytes.data, bytes.len);
	out[bytes.len] = '\0';
}

uint32_t
get_count(struct wire *in, uint32_t max)
{
	uint32_t count = get_u32(in);

	if (in->bad || count > max || count > (size_t)(in->end - in->next)) {
		in->bad = true;
		return 0;
	}
	return count;
}

bool
wire_done(const struct wire *in)
{
	return !in->bad && in->next == in->end;
}
