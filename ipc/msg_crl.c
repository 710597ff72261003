#include <string.h>

#include "ipc/msg.h"
#include "ipc/msg_parts.h"

#define SHARDS_MAX 256 /* CRL_SHARDS_MAX of x509/crl.h */

static void
get_fingerprint(struct wire *in, uint8_t out[FINGERPRINT_SIZE])
{
	get_raw(in, out, FINGERPRINT_SIZE);
}

void
put_crl_entries(struct buf *out, const struct msg_crl_entries *msg)
{
	buf_put(out, msg->issuer, FINGERPRINT_SIZE);
	put_u32(out, msg->shard);
	put_u64(out, msg->number);
	put_bool(out, msg->first);
	put_bool(out, msg->last);
	put_u32(out, msg->count);
	for (uint32_t i = 0; i < msg->count; i++) {
		put_bytes(out, slice_of(msg->entries[i].serial, msg->entries[i].serial_len));
		put_i64(out, msg->entries[i].revoked);
		put_u8(out, (uint8_t)(msg->entries[i].reason + 1));
		put_i64(out, msg->entries[i].not_after);
	}
}

static void
get_crl_entry(struct wire *in, struct msg_crl_entry *entry)
{
	struct slice serial = get_bytes(in, sizeof(entry->serial));

	if (serial.len == 0)
		in->bad = true;
	else
		memcpy(entry->serial, serial.data, serial.len);
	entry->serial_len = serial.len;
	entry->revoked = get_time(in);
	entry->reason = get_reason(in);
	entry->not_after = get_time(in);
}

bool
get_crl_entries(struct slice body, struct msg_crl_entries *msg)
{
	struct wire in = wire_of(body);

	get_fingerprint(&in, msg->issuer);
	msg->shard = get_u32(&in);
	msg->number = get_u64(&in);
	msg->first = get_bool(&in);
	msg->last = get_bool(&in);
	msg->count = get_count(&in, CRL_CHUNK);
	for (uint32_t i = 0; i < msg->count && !in.bad; i++)
		get_crl_entry(&in, &msg->entries[i]);
	if (msg->shard >= SHARDS_MAX || msg->number > INT64_MAX / 2)
		in.bad = true;
	return wire_done(&in);
}

void
put_crl(struct buf *out, const struct msg_crl *msg)
{
	buf_put(out, msg->issuer, FINGERPRINT_SIZE);
	put_u32(out, msg->shard);
	put_u64(out, msg->number);
	put_u32(out, msg->total);
	put_u32(out, msg->offset);
	put_bytes(out, msg->part);
}

bool
get_crl(struct slice body, struct msg_crl *msg)
{
	struct wire in = wire_of(body);

	get_fingerprint(&in, msg->issuer);
	msg->shard = get_u32(&in);
	msg->number = get_u64(&in);
	msg->total = get_u32(&in);
	msg->offset = get_u32(&in);
	msg->part = get_bytes(&in, CRL_PART_MAX);
	if (msg->shard >= SHARDS_MAX || msg->total > CRL_DER_MAX || msg->offset > msg->total ||
	    msg->part.len == 0 || msg->part.len > msg->total - msg->offset)
		in.bad = true;
	return wire_done(&in);
}
