#include "pebble-compat/challtestsrv/message.h"

#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 12
#define LABEL_MAX 63
#define CLASS_IN 1

#define FLAG_QR 0x8000
#define FLAG_RD 0x0100
#define FLAG_CD 0x0010
#define OPCODE_MASK 0x7800

static uint16_t
get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void
put16(struct buf *out, unsigned value)
{
	buf_put_byte(out, (uint8_t)(value >> 8));
	buf_put_byte(out, (uint8_t)value);
}

/* The octets that RFC 1035, 5.1 and the common master files give a backslash. */
static size_t
octet_text(uint8_t octet, char *out)
{
	if (octet < 0x21 || octet > 0x7e)
		return octet == ' ' ? (size_t)sprintf(out, "\\ ") : (size_t)sprintf(out, "\\%03u", octet);
	return (size_t)sprintf(out, strchr(".'@;()\"\\", octet) != NULL ? "\\%c" : "%c", octet);
}

static void
name_text(const struct dns_name *name, char out[DNS_TEXT_SIZE])
{
	size_t at = 0, n = 0;

	if (name->len == 1)
		out[n++] = '.';
	while (name->wire[at] != 0) {
		size_t len = name->wire[at++];

		for (; len > 0; len--)
			n += octet_text(name->wire[at++], out + n);
		out[n++] = '.';
	}
	out[n] = '\0';
}

enum err
message_read(struct slice packet, struct dns_query *query)
{
	size_t at = HEADER_SIZE;

	memset(query, 0, sizeof(*query));
	if (packet.len < HEADER_SIZE)
		return ERR_CLOSED;
	query->id = get16(packet.data);
	query->flags = get16(packet.data + 2);
	if (query->flags & FLAG_QR)
		return ERR_CLOSED;
	if (query->flags & OPCODE_MASK)
		return ERR_UNSUPPORTED;
	if (get16(packet.data + 4) != 1)
		return ERR_MALFORMED;
	/* A pointer could only point back into the header, or at itself. */
	while (at < packet.len && packet.data[at] != 0) {
		if (packet.data[at] > LABEL_MAX)
			return ERR_MALFORMED;
		at += 1 + packet.data[at];
	}
	at++;
	if (at + 4 > packet.len || at - HEADER_SIZE > DNS_WIRE_MAX)
		return ERR_MALFORMED;
	query->name.len = at - HEADER_SIZE;
	memcpy(query->name.wire, packet.data + HEADER_SIZE, query->name.len);
	name_text(&query->name, query->text);
	query->type = get16(packet.data + at);
	query->class = get16(packet.data + at + 2);
	return ERR_OK;
}

/* One octet of a label's text, perhaps escaped; the text after it, or NULL. */
static const char *
octet_read(const char *text, uint8_t *octet)
{
	unsigned value = 0;

	if (text[0] != '\\') {
		*octet = (uint8_t)text[0];
		return text + 1;
	}
	if (text[1] < '0' || text[1] > '9') {
		*octet = (uint8_t)text[1];
		return text[1] != '\0' ? text + 2 : NULL;
	}
	for (int i = 1; i <= 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return NULL;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*octet = (uint8_t)value;
	return value <= 255 ? text + 4 : NULL;
}

bool
name_read(const char *text, struct dns_name *name)
{
	size_t	start = 0;		/* where the label's length goes */
	uint8_t	octet;

	name->len = 1;
	if (strcmp(text, ".") == 0)
		text++;
	else if (text[0] == '\0')
		return false;
	while (*text != '\0') {
		bool dot = *text == '.';

		if (!dot && (text = octet_read(text, &octet)) == NULL)
			return false;
		if (!dot) {
			if (name->len >= DNS_WIRE_MAX - 1 || name->len - start > LABEL_MAX)
				return false;
			name->wire[name->len++] = octet;
		}
		if (dot || *text == '\0') {
			if (name->len - start == 1)
				return false;
			name->wire[start] = (uint8_t)(name->len - start - 1);
			start = name->len++;
			text += dot;
		}
	}
	name->wire[start] = 0;
	return true;
}

static void
header_put(struct buf *out, const struct dns_query *query, unsigned code, unsigned questions)
{
	put16(out, query->id);
	put16(out, FLAG_QR | (query->flags & (OPCODE_MASK | FLAG_RD | FLAG_CD)) | code);
	put16(out, questions);
	put16(out, 0);
	put16(out, questions);		/* the SOA record */
	put16(out, 0);
}

void
message_begin(struct message *message, struct buf *out, const struct dns_query *query)
{
	message->out = out;
	message->answers = 0;
	header_put(out, query, DNS_NOERROR, 1);
	buf_put(out, query->name.wire, query->name.len);
	put16(out, query->type);
	put16(out, query->class);
}

static void
record_put(struct buf *out, const struct dns_name *owner, uint16_t type, struct slice data)
{
	buf_put(out, owner->wire, owner->len);
	put16(out, type);
	put16(out, CLASS_IN);
	put16(out, 0);			/* TTL 0, and its lower half */
	put16(out, 0);
	put16(out, (unsigned)data.len);
	buf_put(out, data.data, data.len);
}

void
message_add(struct message *message, const struct dns_name *owner, uint16_t type, struct slice data)
{
	record_put(message->out, owner, type, data);
	message->answers++;
}

enum err
message_end(struct message *message, unsigned code)
{
	static const char	names[] = "\2ns\14challtestsrv\7invalid\0\6master\14challtestsrv\7invalid";
	static const uint8_t	ones[20] = { [3] = 1, [7] = 1, [11] = 1, [15] = 1, [19] = 1 };
	struct buf		data = { 0 };
	struct dns_name		zone;
	struct buf		*out = message->out;

	(void)name_read("challtestsrv.invalid.", &zone);
	buf_put(&data, names, sizeof(names));
	buf_put(&data, ones, sizeof(ones));
	record_put(out, &zone, DNS_SOA, buf_slice(&data));
	out->failed |= data.failed;
	buf_free(&data);
	if (out->failed)
		return ERR_MEMORY;
	if (out->len > DNS_MESSAGE_MAX)
		return ERR_TOO_LARGE;
	out->data[3] = (uint8_t)((out->data[3] & 0xf0) | code);
	out->data[6] = (uint8_t)(message->answers >> 8);
	out->data[7] = (uint8_t)message->answers;
	return ERR_OK;
}

enum err
message_refuse(struct buf *out, const struct dns_query *query, unsigned code)
{
	header_put(out, query, code, 0);
	return out->failed ? ERR_MEMORY : ERR_OK;
}
