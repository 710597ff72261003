#include "ipc/msg.h"

#include <string.h>

#include "ipc/msg_parts.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "jose/key_change.h"

#define TO_ROLE (ROLE_BIT(ROLE_WFE) | ROLE_BIT(ROLE_RA) | ROLE_BIT(ROLE_VA) | ROLE_BIT(ROLE_CA))
#define SUPERVISOR ROLE_BIT(ROLE_SUPERVISOR)
#define WFE ROLE_BIT(ROLE_WFE)
#define RA ROLE_BIT(ROLE_RA)
#define VA ROLE_BIT(ROLE_VA)
#define CA ROLE_BIT(ROLE_CA)

/* The fixed part of the largest bodies: texts and numbers around the variable slices, rounded up. */
#define SMALL 4096

static const struct msg_entry table[MSG_TYPE_COUNT] = {
	[MSG_CONFIG] = { "CONFIG", SUPERVISOR, TO_ROLE, MSG_MAX },
	[MSG_READY] = { "READY", TO_ROLE, SUPERVISOR, 0 },
	[MSG_STOP] = { "STOP", SUPERVISOR, TO_ROLE, 0 },
	[MSG_REQUEST] = { "REQUEST", WFE, RA, JWS_BODY_MAX + SMALL },
	[MSG_REPLY] = { "REPLY", RA, WFE, REPLY_BODY_MAX + 2 * SMALL },
	[MSG_NONCES_WANTED] = { "NONCES_WANTED", WFE, RA, 0 },
	[MSG_NONCES] = { "NONCES", RA, WFE, NONCES_MAX *(NONCE_SIZE + 4) + 4 },
	[MSG_CHECK] = { "CHECK", RA, VA, BUNDLE_MAX + SMALL },
	[MSG_RESULT] = { "RESULT", VA, RA, BUNDLE_MAX + VOTES_MAX + SMALL },
	[MSG_ISSUE] = { "ISSUE", RA, CA, ISSUE_MAX },
	[MSG_CERTIFICATE] = { "CERTIFICATE", CA, RA, CERTIFICATE_DER_MAX + SMALL },
	[MSG_REFUSED] = { "REFUSED", CA, RA, REFUSED_MAX },
	[MSG_SERVER_CSR] = { "SERVER_CSR", WFE | RA, RA | CA, SMALL },
	[MSG_MANAGE] = { "MANAGE", WFE, RA, JWS_BODY_MAX + SMALL },
	[MSG_SEEN] = { "SEEN", WFE, RA, SMALL },
	[MSG_CLOCK] = { "CLOCK", RA, WFE | VA | CA, 8 },
	[MSG_LOOKUP] = { "LOOKUP", WFE, RA, SMALL },
	[MSG_SERVER_CERTIFICATE] = { "SERVER_CERTIFICATE", CA | RA, RA | WFE, 65536 },
	[MSG_CRL_ENTRIES] = { "CRL_ENTRIES", RA, CA, CRL_CHUNK * 42 + SMALL },
	[MSG_CRL] = { "CRL", CA | RA, RA | WFE, CRL_PART_MAX + SMALL },
	[MSG_OCSP] = { "OCSP", WFE, RA, SMALL },
	[MSG_OCSP_ANSWER] = { "OCSP_ANSWER", RA, WFE, OCSP_RESPONSE_MAX + 64 },
	[MSG_OCSP_SIGN] = { "OCSP_SIGN", RA, CA, OCSP_IDS_MAX *CERTIFICATE_DER_MAX + SMALL },
	[MSG_OCSP_SIGNED] = { "OCSP_SIGNED", CA, RA, OCSP_RESPONSE_MAX + 128 },
	[MSG_CANCELED] = { "CANCELED", RA, CA, ID_SIZE },
	[MSG_BUSY] = { "BUSY", TO_ROLE, SUPERVISOR, 0 },
};

const struct msg_entry *
msg_entry(unsigned type)
{
	if (type >= MSG_TYPE_COUNT || table[type].name == NULL)
		return NULL;
	return &table[type];
}

/* --- the parts that several messages share ------------------------------------------------------- */

static void
put_identifier(struct buf *out, const struct identifier *identifier)
{
	put_u8(out, (uint8_t)identifier->type);
	put_str(out, identifier->value);
}

static void
get_identifier(struct wire *in, struct identifier *identifier)
{
	uint8_t type = get_u8(in);

	if (type == 0 || type >= IDENTIFIER_TYPE_COUNT)
		in->bad = true;
	identifier->type = (enum identifier_type)type;
	get_str(in, identifier->value, sizeof(identifier->value));
}

static enum challenge_type
get_challenge(struct wire *in)
{
	uint8_t type = get_u8(in);

	if (type == CHALLENGE_NONE || type >= CHALLENGE_TYPE_COUNT)
		in->bad = true;
	return (enum challenge_type)type;
}

static enum problem_type
get_problem(struct wire *in)
{
	uint8_t type = get_u8(in);

	if (type >= PROBLEM_TYPE_COUNT)
		in->bad = true;
	return (enum problem_type)type;
}

int64_t
get_time(struct wire *in)
{
	int64_t seconds = get_i64(in);

	if (seconds < 0 || seconds > 253402300799)
		in->bad = true;
	return seconds;
}

enum revocation_reason
get_reason(struct wire *in)
{
	int reason = get_u8(in) - 1;

	if (!revocation_reason_ends(reason))
		in->bad = true;
	return (enum revocation_reason)reason;
}

void
get_raw(struct wire *in, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = get_u8(in);
}

/* --- wfe and ra ---------------------------------------------------------------------------------- */

void
put_request(struct buf *out, const struct msg_request *msg)
{
	put_u64(out, msg->number);
	put_str(out, msg->remote);
	put_str(out, msg->path);
	put_str(out, msg->base);
	put_str(out, msg->id);
	put_str(out, msg->user_agent);
	put_str(out, msg->accept);
	put_bytes(out, msg->body);
}

bool
get_request(struct slice body, struct msg_request *msg)
{
	struct wire in = wire_of(body);

	msg->number = get_u64(&in);
	get_str(&in, msg->remote, sizeof(msg->remote));
	get_str(&in, msg->path, sizeof(msg->path));
	get_str(&in, msg->base, sizeof(msg->base));
	get_str(&in, msg->id, sizeof(msg->id));
	get_str(&in, msg->user_agent, sizeof(msg->user_agent));
	get_str(&in, msg->accept, sizeof(msg->accept));
	msg->body = get_bytes(&in, JWS_BODY_MAX);
	return wire_done(&in);
}

void
put_lookup(struct buf *out, const struct msg_lookup *msg)
{
	put_u64(out, msg->number);
	put_str(out, msg->remote);
	put_str(out, msg->path);
	put_str(out, msg->base);
	put_str(out, msg->user_agent);
	put_str(out, msg->id);
}

bool
get_lookup(struct slice body, struct msg_lookup *msg)
{
	struct wire in = wire_of(body);

	msg->number = get_u64(&in);
	get_str(&in, msg->remote, sizeof(msg->remote));
	get_str(&in, msg->path, sizeof(msg->path));
	get_str(&in, msg->base, sizeof(msg->base));
	get_str(&in, msg->user_agent, sizeof(msg->user_agent));
	get_str(&in, msg->id, sizeof(msg->id));
	return wire_done(&in);
}

void
put_manage(struct buf *out, const struct msg_manage *msg)
{
	put_u64(out, msg->number);
	put_str(out, msg->method);
	put_str(out, msg->path);
	put_str(out, msg->base);
	put_bytes(out, msg->body);
}

bool
get_manage(struct slice body, struct msg_manage *msg)
{
	struct wire in = wire_of(body);

	msg->number = get_u64(&in);
	get_str(&in, msg->method, sizeof(msg->method));
	get_str(&in, msg->path, sizeof(msg->path));
	get_str(&in, msg->base, sizeof(msg->base));
	msg->body = get_bytes(&in, JWS_BODY_MAX);
	return wire_done(&in);
}

void
put_seen(struct buf *out, const struct msg_seen *msg)
{
	put_u8(out, (uint8_t)msg->what);
	put_str(out, msg->user_agent);
	put_str(out, msg->id);
	put_str(out, msg->path);
}

bool
get_seen(struct slice body, struct msg_seen *msg)
{
	struct wire in = wire_of(body);
	uint8_t	    what = get_u8(&in);

	if (what == 0 || what >= SEEN_COUNT)
		in.bad = true;
	msg->what = (enum sighting)what;
	get_str(&in, msg->user_agent, sizeof(msg->user_agent));
	get_str(&in, msg->id, sizeof(msg->id));
	get_str(&in, msg->path, sizeof(msg->path));
	return wire_done(&in);
}

void
put_clock(struct buf *out, const struct msg_clock *msg)
{
	put_i64(out, msg->shift);
}

bool
get_clock(struct slice body, struct msg_clock *msg)
{
	struct wire in = wire_of(body);

	msg->shift = get_i64(&in);
	return wire_done(&in) && msg->shift > 0;
}

void
put_reply(struct buf *out, const struct msg_reply *msg)
{
	put_u64(out, msg->number);
	put_u16(out, msg->status);
	put_u8(out, (uint8_t)msg->media);
	put_u32(out, msg->retry_after);
	put_bool(out, msg->retry_date);
	put_i64(out, msg->not_before);
	put_i64(out, msg->not_after);
	put_u32(out, msg->fresh);
	put_u8(out, (uint8_t)msg->fault);
	put_str(out, msg->nonce);
	put_str(out, msg->location);
	put_u32(out, msg->link_count);
	for (uint32_t i = 0; i < msg->link_count; i++)
		put_str(out, msg->links[i]);
	put_bytes(out, msg->body);
	put_str(out, msg->account);
	put_str(out, msg->route);
	put_str(out, msg->problem);
	put_str(out, msg->detail);
}

bool
get_reply(struct slice body, struct msg_reply *msg)
{
	struct wire	in = wire_of(body);
	uint8_t		media;

	msg->number = get_u64(&in);
	msg->status = get_u16(&in);
	if (msg->status < 200 || msg->status > 599)
		in.bad = true;
	media = get_u8(&in);
	if (media >= MEDIA_TYPE_COUNT)
		in.bad = true;
	msg->media = (enum media_type)media;
	msg->retry_after = get_u32(&in);
	msg->retry_date = get_bool(&in);
	msg->not_before = get_time(&in);
	msg->not_after = get_time(&in);
	msg->fresh = get_u32(&in);
	msg->fault = (enum wire_fault)get_u8(&in);
	if (msg->fault >= WIRE_FAULT_COUNT)
		in.bad = true;
	get_str(&in, msg->nonce, sizeof(msg->nonce));
	get_str(&in, msg->location, sizeof(msg->location));
	msg->link_count = get_count(&in, REPLY_LINKS_MAX);
	for (uint32_t i = 0; i < msg->link_count; i++)
		get_str(&in, msg->links[i], sizeof(msg->links[i]));
	msg->body = get_bytes(&in, REPLY_BODY_MAX);
	get_str(&in, msg->account, sizeof(msg->account));
	get_str(&in, msg->route, sizeof(msg->route));
	get_str(&in, msg->problem, sizeof(msg->problem));
	get_str(&in, msg->detail, sizeof(msg->detail));
	return wire_done(&in);
}

void
put_nonces(struct buf *out, const struct msg_nonces *msg)
{
	put_u32(out, msg->count);
	for (uint32_t i = 0; i < msg->count; i++)
		put_str(out, msg->nonces[i]);
}

bool
get_nonces(struct slice body, struct msg_nonces *msg)
{
	struct wire in = wire_of(body);

	msg->count = get_count(&in, NONCES_MAX);
	for (uint32_t i = 0; i < msg->count; i++)
		get_str(&in, msg->nonces[i], sizeof(msg->nonces[i]));
	return wire_done(&in);
}

/* --- ra and va ----------------------------------------------------------------------------------- */

void
put_check(struct buf *out, const struct msg_check *msg)
{
	put_id(out, msg->authorization);
	put_u8(out, (uint8_t)msg->method);
	put_bool(out, msg->wildcard);
	put_identifier(out, &msg->identifier);
	put_str(out, msg->token);
	put_str(out, msg->thumbprint);
	put_str(out, msg->account_url);
	put_u32(out, msg->former_count);
	for (uint32_t i = 0; i < msg->former_count; i++)
		put_str(out, msg->former[i]);
	put_bool(out, msg->trial);
	put_id(out, msg->order);
	put_bytes(out, msg->evidence);
}

bool
get_check(struct slice body, struct msg_check *msg)
{
	struct wire in = wire_of(body);

	msg->authorization = get_id(&in);
	msg->method = get_challenge(&in);
	msg->wildcard = get_bool(&in);
	get_identifier(&in, &msg->identifier);
	get_str(&in, msg->token, sizeof(msg->token));
	get_str(&in, msg->thumbprint, sizeof(msg->thumbprint));
	get_str(&in, msg->account_url, sizeof(msg->account_url));
	msg->former_count = get_count(&in, KEY_CHANGES_MAX);
	for (uint32_t i = 0; i < msg->former_count; i++)
		get_str(&in, msg->former[i], sizeof(msg->former[i]));
	msg->trial = get_bool(&in);
	msg->order = get_id(&in);
	msg->evidence = get_bytes(&in, BUNDLE_MAX);
	if (id_is_zero(msg->order) != (msg->evidence.len == 0))
		in.bad = true;
	return wire_done(&in);
}

void
put_result(struct buf *out, const struct msg_result *msg)
{
	put_id(out, msg->authorization);
	put_bool(out, msg->ok);
	put_u8(out, (uint8_t)msg->problem);
	put_str(out, msg->detail);
	put_str(out, msg->record);
	put_i64(out, msg->validated);
	put_i64(out, msg->until);
	put_i64(out, msg->caa_checked);
	put_bytes(out, msg->evidence);
	put_bool(out, msg->reached);
	put_bytes(out, msg->votes);
	put_i64(out, msg->next_try);
	put_id(out, msg->order);
	put_u8(out, (uint8_t)msg->method);
}

bool
get_result(struct slice body, struct msg_result *msg)
{
	struct wire in = wire_of(body);

	msg->authorization = get_id(&in);
	msg->ok = get_bool(&in);
	msg->problem = get_problem(&in);
	get_str(&in, msg->detail, sizeof(msg->detail));
	get_str(&in, msg->record, sizeof(msg->record));
	msg->validated = get_time(&in);
	msg->until = get_time(&in);
	msg->caa_checked = get_time(&in);
	msg->evidence = get_bytes(&in, BUNDLE_MAX);
	msg->reached = get_bool(&in);
	msg->votes = get_bytes(&in, VOTES_MAX);
	msg->next_try = get_time(&in);
	msg->order = get_id(&in);
	msg->method = (enum challenge_type)get_u8(&in);
	in.bad |= msg->method >= CHALLENGE_TYPE_COUNT;
	/* A success carries evidence and no problem; a failure the reverse. */
	if ((msg->ok || msg->reached) != (msg->problem == PROBLEM_NONE) || (msg->ok && msg->reached) ||
	    msg->ok != (msg->evidence.len > 0) || (msg->ok && msg->next_try != 0))
		in.bad = true;
	return wire_done(&in);
}

/* --- ra and ca ----------------------------------------------------------------------------------- */

void
put_issue(struct buf *out, const struct msg_issue *msg)
{
	put_id(out, msg->order);
	put_str(out, msg->profile);
	put_i64(out, msg->not_before);
	put_i64(out, msg->not_after);
	put_bytes(out, msg->jwk);
	put_bytes(out, msg->jws);
	put_u32(out, msg->evidence_count);
	for (uint32_t i = 0; i < msg->evidence_count; i++)
		put_bytes(out, msg->evidence[i]);
	put_u32(out, msg->key_change_count);
	for (uint32_t i = 0; i < msg->key_change_count; i++)
		put_bytes(out, msg->key_changes[i]);
	put_u32(out, msg->number);
	put_bytes(out, msg->new_order);
	put_bytes(out, msg->new_order_jwk);
}

bool
get_issue(struct slice body, struct msg_issue *msg)
{
	struct wire in = wire_of(body);

	msg->order = get_id(&in);
	get_str(&in, msg->profile, sizeof(msg->profile));
	msg->not_before = get_i64(&in);
	msg->not_after = get_i64(&in);
	msg->jwk = get_bytes(&in, JWK_TEXT_MAX);
	msg->jws = get_bytes(&in, JWS_BODY_MAX);
	msg->evidence_count = get_count(&in, IDENTIFIERS_MAX);
	for (uint32_t i = 0; i < msg->evidence_count; i++)
		msg->evidence[i] = get_bytes(&in, BUNDLE_MAX);
	msg->key_change_count = get_count(&in, KEY_CHANGES_MAX);
	for (uint32_t i = 0; i < msg->key_change_count; i++)
		msg->key_changes[i] = get_bytes(&in, KEY_CHANGE_MAX);
	msg->number = get_u32(&in);
	msg->new_order = get_bytes(&in, JWS_BODY_MAX);
	msg->new_order_jwk = get_bytes(&in, JWK_TEXT_MAX);
	if ((msg->number == 0) != (msg->new_order.len == 0) || (msg->number == 0) != (msg->new_order_jwk.len == 0))
		in.bad = true;
	return wire_done(&in);
}

void
put_certificate(struct buf *out, const struct msg_certificate *msg)
{
	put_id(out, msg->order);
	put_u32(out, msg->number);
	buf_put(out, msg->issuer, FINGERPRINT_SIZE);
	put_bytes(out, msg->serial);
	put_i64(out, msg->not_before);
	put_i64(out, msg->not_after);
	put_bytes(out, msg->der);
}

bool
get_certificate(struct slice body, struct msg_certificate *msg)
{
	struct wire in = wire_of(body);

	msg->order = get_id(&in);
	msg->number = get_u32(&in);
	for (size_t i = 0; i < FINGERPRINT_SIZE; i++)
		msg->issuer[i] = get_u8(&in);
	msg->serial = get_bytes(&in, 20);	/* RFC 5280, 4.1.2.2 */
	msg->not_before = get_time(&in);
	msg->not_after = get_time(&in);
	msg->der = get_bytes(&in, CERTIFICATE_DER_MAX);
	if (msg->serial.len == 0 || msg->der.len == 0)
		in.bad = true;
	return wire_done(&in);
}

void
put_refused(struct buf *out, const struct msg_refused *msg)
{
	put_id(out, msg->order);
	put_u32(out, msg->number);
	put_u8(out, (uint8_t)msg->problem.type);
	put_str(out, msg->problem.detail.text);
	put_u32(out, (uint32_t)msg->problem.sub_count);
	for (size_t i = 0; i < msg->problem.sub_count; i++) {
		const struct subproblem *sub = &msg->problem.subs[i];

		put_u8(out, (uint8_t)sub->type);
		put_identifier(out, &sub->identifier);
		put_str(out, sub->detail.text);
	}
}

static void
get_subproblem(struct wire *in, struct problem *problem)
{
	enum problem_type type = get_problem(in);
	size_t before = problem->sub_count;
	struct identifier identifier;
	struct reason detail;

	get_identifier(in, &identifier);
	get_str(in, detail.text, sizeof(detail.text));
	if (in->bad || type == PROBLEM_NONE) {
		in->bad = true;
		return;
	}
	problem_add(problem, type, &identifier, "%s", detail.text);
	/* Dropped for want of memory, or not as a problem says it. */
	if (problem->sub_count == before || strcmp(problem->subs[before].detail.text, detail.text) != 0)
		in->bad = true;
}

bool
get_refused(struct slice body, struct msg_refused *msg)
{
	struct wire in = wire_of(body);
	uint32_t count;

	*msg = (struct msg_refused){ .order = get_id(&in) };
	msg->number = get_u32(&in);
	msg->problem.type = get_problem(&in);
	get_str(&in, msg->problem.detail.text, sizeof(msg->problem.detail.text));
	count = get_u32(&in);
	if (msg->problem.type == PROBLEM_NONE || count > PROBLEM_SUBS_MAX)
		in.bad = true;
	for (uint32_t i = 0; i < count && !in.bad; i++)
		get_subproblem(&in, &msg->problem);
	if (wire_done(&in))
		return true;
	problem_free(&msg->problem);
	return false;
}

void
put_canceled(struct buf *out, const struct msg_canceled *msg)
{
	put_id(out, msg->order);
}

bool
get_canceled(struct slice body, struct msg_canceled *msg)
{
	struct wire in = wire_of(body);

	msg->order = get_id(&in);
	return wire_done(&in);
}
