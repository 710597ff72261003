/* base64url.c: three bytes, four characters. */
#include "lib/base64url.h"

#include <stdint.h>

#define CHUNK 384	/* bytes worked on at a time: divides by three, so no chunk but the last is ragged */

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define FOREIGN 0xff

/* The value of each character; made from the alphabet by hand once, checked by test_lib_base64url. */
static uint8_t
value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	if (c == '-')
		return 62;
	return c == '_' ? 63 : FOREIGN;
}

static size_t
encode(const uint8_t *in, size_t len, char *out)
{
	char	*p = out;

	for (; len >= 3; in += 3, len -= 3) {
		*p++ = alphabet[in[0] >> 2];
		*p++ = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
		*p++ = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
		*p++ = alphabet[in[2] & 63];
	}
	if (len > 0) {
		*p++ = alphabet[in[0] >> 2];
		*p++ = alphabet[(in[0] & 3) << 4 | (len == 2 ? in[1] >> 4 : 0)];
	}
	if (len == 2)
		*p++ = alphabet[(in[1] & 15) << 2];
	return (size_t)(p - out);
}

/* The ragged end: two or three characters, whose left-over bits must be zero. */
static enum err
decode_tail(const uint8_t *text, size_t len, uint8_t *out)
{
	uint8_t	 v[3] = { 0, 0, 0 };

	for (size_t i = 0; i < len; i++)
		if ((v[i] = value_of(text[i])) == FOREIGN)
			return ERR_MALFORMED;
	out[0] = (uint8_t)(v[0] << 2 | v[1] >> 4);
	if (len == 2)
		return (v[1] & 15) == 0 ? ERR_OK : ERR_MALFORMED;
	out[1] = (uint8_t)((v[1] & 15) << 4 | v[2] >> 2);
	return (v[2] & 3) == 0 ? ERR_OK : ERR_MALFORMED;
}

/* out holds len * 3 / 4 bytes. */
static enum err
decode(const uint8_t *text, size_t len, uint8_t *out)
{
	for (; len >= 4; text += 4, len -= 4) {
		uint8_t	 a = value_of(text[0]), b = value_of(text[1]);
		uint8_t	 c = value_of(text[2]), d = value_of(text[3]);

		if ((a | b | c | d) & 0xc0)
			return ERR_MALFORMED;
		*out++ = (uint8_t)(a << 2 | b >> 4);
		*out++ = (uint8_t)((b & 15) << 4 | c >> 2);
		*out++ = (uint8_t)((c & 3) << 6 | d);
	}
	if (len == 1)
		return ERR_MALFORMED;
	return len == 0 ? ERR_OK : decode_tail(text, len, out);
}

void
base64url_put(struct buf *b, const void *data, size_t len)
{
	const uint8_t	*in = data;
	char		 chunk[CHUNK / 3 * 4];

	while (len > 0) {
		size_t	 n = len < CHUNK ? len : CHUNK;

		buf_put(b, chunk, encode(in, n, chunk));
		in += n;
		len -= n;
	}
}

void
base64url_text(const void *data, size_t len, char *out)
{
	out[encode(data, len, out)] = '\0';
}

enum err
base64url_get(struct slice text, struct buf *out)
{
	size_t	 before = out->len;
	uint8_t	 chunk[CHUNK];

	if (text.len % 4 == 1)
		return ERR_MALFORMED;
	while (text.len > 0) {
		size_t	 n = text.len < CHUNK / 3 * 4 ? text.len : CHUNK / 3 * 4;

		if (decode(text.data, n, chunk) != ERR_OK) {
			out->len = before;
			return ERR_MALFORMED;
		}
		buf_put(out, chunk, n * 3 / 4);
		text.data += n;
		text.len -= n;
	}
	return out->failed ? ERR_MEMORY : ERR_OK;
}

enum err
base64url_bytes(struct slice text, void *out, size_t len)
{
	if (text.len != BASE64URL_LEN(len))
		return ERR_MALFORMED;
	return decode(text.data, text.len, out);
}
