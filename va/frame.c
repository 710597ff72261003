#include "va/frame.h"

#include <string.h>

#include "ipc/wire.h"

/* Where the frame begins; its length is filled in by frame_end(). */
static size_t
frame_begin(struct buf *out, enum frame_type type)
{
	size_t start = out->len;

	put_u32(out, 0);
	put_u8(out, (uint8_t)type);
	return start;
}

static void
frame_end(struct buf *out, size_t start)
{
	size_t len = out->len - start - FRAME_HEAD;

	if (out->failed)
		return;
	if (len > FRAME_MAX)
		__builtin_trap(); /* every field has a limit; together they are less */
	out->data[start + 2] = (uint8_t)(len >> 8);
	out->data[start + 3] = (uint8_t)len;
}

static struct wire
frame_open(struct slice body, enum frame_type type)
{
	struct wire in = wire_of(body);

	if (get_u8(&in) != type)
		in.bad = true;
	return in;
}

enum frame_type
frame_type(struct slice body)
{
	return body.len > 0 && body.data[0] < FRAME_TYPE_COUNT ? (enum frame_type)body.data[0] : 0;
}

void
frame_put_hello(struct buf *out, const struct frame_hello *hello)
{
	size_t start = frame_begin(out, FRAME_HELLO);

	put_u8(out, FRAME_VERSION);
	put_str(out, hello->perspective);
	frame_end(out, start);
}

bool
frame_get_hello(struct slice body, struct frame_hello *hello)
{
	struct wire in = frame_open(body, FRAME_HELLO);

	if (get_u8(&in) != FRAME_VERSION)
		in.bad = true;
	get_str(&in, hello->perspective, sizeof(hello->perspective));
	return wire_done(&in);
}

void
frame_put_ask(struct buf *out, const struct frame_ask *ask)
{
	const struct msg_check *check = &ask->check;
	size_t start = frame_begin(out, FRAME_ASK);

	put_u64(out, ask->number);
	put_bool(out, ask->caa_alone);
	put_bool(out, check->trial);
	put_u8(out, (uint8_t)check->method);
	put_bool(out, check->wildcard);
	put_u8(out, (uint8_t)check->identifier.type);
	put_str(out, check->identifier.value);
	put_str(out, check->token);
	put_str(out, check->thumbprint);
	put_str(out, check->account_url);
	put_u32(out, check->former_count);
	for (uint32_t i = 0; i < check->former_count; i++)
		put_str(out, check->former[i]);
	frame_end(out, start);
}

bool
frame_get_ask(struct slice body, struct frame_ask *ask)
{
	struct wire in = frame_open(body, FRAME_ASK);
	struct msg_check *check = &ask->check;
	uint8_t method, type;

	memset(check, 0, sizeof(*check));
	ask->number = get_u64(&in);
	ask->caa_alone = get_bool(&in);
	check->trial = get_bool(&in);
	method = get_u8(&in);
	check->wildcard = get_bool(&in);
	type = get_u8(&in);
	get_str(&in, check->identifier.value, sizeof(check->identifier.value));
	get_str(&in, check->token, sizeof(check->token));
	get_str(&in, check->thumbprint, sizeof(check->thumbprint));
	get_str(&in, check->account_url, sizeof(check->account_url));
	check->former_count = get_count(&in, KEY_CHANGES_MAX);
	for (uint32_t i = 0; i < check->former_count; i++)
		get_str(&in, check->former[i], sizeof(check->former[i]));
	if (method == CHALLENGE_NONE || method >= CHALLENGE_TYPE_COUNT || type == 0 || type >= IDENTIFIER_TYPE_COUNT)
		in.bad = true;
	check->method = (enum challenge_type)method;
	check->identifier.type = (enum identifier_type)type;
	return wire_done(&in);
}

void
frame_put_answer(struct buf *out, const struct frame_answer *answer)
{
	size_t start = frame_begin(out, FRAME_ANSWER);

	put_u64(out, answer->number);
	put_result(out, &answer->result);
	frame_end(out, start);
}

bool
frame_get_answer(struct slice body, struct frame_answer *answer)
{
	struct wire in = frame_open(body, FRAME_ANSWER);

	answer->number = get_u64(&in);
	return !in.bad && get_result(slice_of(in.next, (size_t)(in.end - in.next)), &answer->result) &&
	    answer->result.evidence.len <= EVIDENCE_MAX && answer->result.votes.len == 0;
}
