#include "acme/certid.h"

#include <string.h>

#include "lib/base64url.h"

/* One half: 1 to max bytes. */
static bool
read_half(const char *text, size_t chars, uint8_t *out, size_t max, size_t *len)
{
	*len = chars * 3 / 4;
	return *len > 0 && *len <= max && base64url_bytes(slice_of(text, chars), out, *len) == ERR_OK;
}

/* X.690, 8.3.2: the fewest bytes; RFC 5280, 4.1.2.2: positive. */
static bool
is_serial(const uint8_t *serial, size_t len)
{
	if (serial[0] == 0)
		return len > 1 && (serial[1] & 0x80) != 0;
	return (serial[0] & 0x80) == 0;
}

bool
certid_parse(const char *text, struct certid *out)
{
	const char *period = strchr(text, '.');

	memset(out, 0, sizeof(*out));
	return period != NULL &&
	       read_half(text, (size_t)(period - text), out->key_id, sizeof(out->key_id), &out->key_id_len) &&
	       read_half(
		   period + 1, strlen(period + 1), out->serial, sizeof(out->serial), &out->serial_len) &&
	       is_serial(out->serial, out->serial_len);
}

void
certid_put(struct buf *out, const struct certid *id)
{
	base64url_put(out, id->key_id, id->key_id_len);
	buf_put_byte(out, '.');
	base64url_put(out, id->serial, id->serial_len);
}
