#include <string.h>

#include "ipc/msg.h"
#include "ipc/msg_parts.h"

static void
put_ocsp_id(struct buf *out, const struct ocsp_id *id)
{
	put_u8(out, (uint8_t)id->hash);
	buf_put(out, id->name, ocsp_hash_size(id->hash));
	buf_put(out, id->key, ocsp_hash_size(id->hash));
	put_bytes(out, slice_of(id->serial, id->serial_len));
}

static void
get_ocsp_id(struct wire *in, struct ocsp_id *id)
{
	uint8_t hash = get_u8(in);
	struct slice serial;

	id->hash = (enum ocsp_hash)hash;
	if (hash == 0 || hash >= OCSP_HASH_COUNT) {
		in->bad = true;
		return;
	}
	get_raw(in, id->name, ocsp_hash_size(id->hash));
	get_raw(in, id->key, ocsp_hash_size(id->hash));
	serial = get_bytes(in, sizeof(id->serial));
	if (serial.len == 0)
		in->bad = true;
	else
		memcpy(id->serial, serial.data, serial.len);
	id->serial_len = serial.len;
}

static void
get_nonce(struct wire *in, uint8_t nonce[OCSP_NONCE_MAX], size_t *len)
{
	struct slice bytes = get_bytes(in, OCSP_NONCE_MAX);

	if (bytes.len > 0)
		memcpy(nonce, bytes.data, bytes.len);
	*len = bytes.len;
}

static uint32_t
get_ocsp_count(struct wire *in)
{
	uint32_t count = get_count(in, OCSP_IDS_MAX);

	if (count == 0)
		in->bad = true;
	return count;
}

void
put_ocsp(struct buf *out, const struct msg_ocsp *msg)
{
	put_u64(out, msg->number);
	put_u32(out, (uint32_t)msg->request.count);
	for (size_t i = 0; i < msg->request.count; i++)
		put_ocsp_id(out, &msg->request.ids[i]);
	put_bytes(out, slice_of(msg->request.nonce, msg->request.nonce_len));
}

bool
get_ocsp(struct slice body, struct msg_ocsp *msg)
{
	struct wire in = wire_of(body);

	msg->number = get_u64(&in);
	msg->request.count = get_ocsp_count(&in);
	for (size_t i = 0; i < msg->request.count; i++)
		get_ocsp_id(&in, &msg->request.ids[i]);
	get_nonce(&in, msg->request.nonce, &msg->request.nonce_len);
	return wire_done(&in);
}

static enum ocsp_status
get_ocsp_status(struct wire *in)
{
	uint8_t status = get_u8(in);

	if (!ocsp_status_known(status))
		in->bad = true;
	return (enum ocsp_status)status;
}

void
put_ocsp_answer(struct buf *out, const struct msg_ocsp_answer *msg)
{
	put_u64(out, msg->number);
	put_u8(out, (uint8_t)msg->status);
	put_i64(out, msg->this_update);
	put_i64(out, msg->next_update);
	put_bool(out, msg->shared);
	put_bytes(out, msg->der);
}

bool
get_ocsp_answer(struct slice body, struct msg_ocsp_answer *msg)
{
	struct wire in = wire_of(body);

	msg->number = get_u64(&in);
	msg->status = get_ocsp_status(&in);
	msg->this_update = get_time(&in);
	msg->next_update = get_time(&in);
	msg->shared = get_bool(&in);
	msg->der = get_bytes(&in, OCSP_RESPONSE_MAX);
	if (msg->der.len == 0)
		in.bad = true;
	return wire_done(&in);
}

static void
get_ocsp_item(struct wire *in, struct ocsp_item *item)
{
	get_ocsp_id(in, &item->id);
	item->certificate = get_bytes(in, CERTIFICATE_DER_MAX);
	item->revoked = get_time(in);
	item->reason = get_reason(in);
	item->not_after = get_time(in);
}

void
put_ocsp_sign(struct buf *out, const struct msg_ocsp_sign *msg)
{
	put_u64(out, msg->number);
	buf_put(out, msg->key, sizeof(msg->key));
	put_u32(out, msg->count);
	for (uint32_t i = 0; i < msg->count; i++) {
		const struct ocsp_item *item = &msg->items[i];

		put_ocsp_id(out, &item->id);
		put_bytes(out, item->certificate);
		put_i64(out, item->revoked);
		put_u8(out, (uint8_t)(item->reason + 1));
		put_i64(out, item->not_after);
	}
	put_bytes(out, slice_of(msg->nonce, msg->nonce_len));
}

bool
get_ocsp_sign(struct slice body, struct msg_ocsp_sign *msg)
{
	struct wire in = wire_of(body);

	msg->number = get_u64(&in);
	get_raw(&in, msg->key, sizeof(msg->key));
	msg->count = get_ocsp_count(&in);
	for (uint32_t i = 0; i < msg->count && !in.bad; i++)
		get_ocsp_item(&in, &msg->items[i]);
	get_nonce(&in, msg->nonce, &msg->nonce_len);
	return wire_done(&in);
}

void
put_ocsp_signed(struct buf *out, const struct msg_ocsp_signed *msg)
{
	put_u64(out, msg->number);
	buf_put(out, msg->key, sizeof(msg->key));
	put_u8(out, (uint8_t)msg->status);
	put_i64(out, msg->this_update);
	put_i64(out, msg->next_update);
	put_bytes(out, msg->der);
}

bool
get_ocsp_signed(struct slice body, struct msg_ocsp_signed *msg)
{
	struct wire in = wire_of(body);

	msg->number = get_u64(&in);
	get_raw(&in, msg->key, sizeof(msg->key));
	msg->status = get_ocsp_status(&in);
	msg->this_update = get_time(&in);
	msg->next_update = get_time(&in);
	msg->der = get_bytes(&in, OCSP_RESPONSE_MAX);
	if ((msg->status == OCSP_SUCCESSFUL) != (msg->der.len > 0))
		in.bad = true;
	return wire_done(&in);
}
