/* base64url.c: three bytes, four characters. */
#include "lib/base64url.h"

#include <stdint.h>

#define CHUNK 384	/* bytes worked on at a time: divides by three, so no chunk but the last is ragged */

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of each character of the alphabet, marked as such; 0: a foreign character. Every request is decoded
 * through it several times over. test_lib_base64url holds it to the alphabet. */
#define KNOWN 0x40
#define V(c, value) [c] = KNOWN | (value)
static const uint8_t values[256] = {
	V('A', 0), V('B', 1), V('C', 2), V('D', 3), V('E', 4), V('F', 5), V('G', 6), V('H', 7),
	V('I', 8), V('J', 9), V('K', 10), V('L', 11), V('M', 12), V('N', 13), V('O', 14), V('P', 15),
	V('Q', 16), V('R', 17), V('S', 18), V('T', 19), V('U', 20), V('V', 21), V('W', 22), V('X', 23),
	V('Y', 24), V('Z', 25), V('a', 26), V('b', 27), V('c', 28), V('d', 29), V('e', 30), V('f', 31),
	V('g', 32), V('h', 33), V('i', 34), V('j', 35), V('k', 36), V('l', 37), V('m', 38), V('n', 39),
	V('o', 40), V('p', 41), V('q', 42), V('r', 43), V('s', 44), V('t', 45), V('u', 46), V('v', 47),
	V('w', 48), V('x', 49), V('y', 50), V('z', 51), V('0', 52), V('1', 53), V('2', 54), V('3', 55),
	V('4', 56), V('5', 57), V('6', 58), V('7', 59), V('8', 60), V('9', 61), V('-', 62), V('_', 63),
};
#undef V

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

	for (size_t i = 0; i < len; i++) {
		if (values[text[i]] == 0)
			return ERR_MALFORMED;
		v[i] = values[text[i]] & (KNOWN - 1);
	}
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
		uint8_t	 a = values[text[0]], b = values[text[1]], c = values[text[2]], d = values[text[3]];

		if ((a & b & c & d & KNOWN) == 0)
			return ERR_MALFORMED;
		*out++ = (uint8_t)(a << 2 | (b >> 4 & 3));
		*out++ = (uint8_t)((b & 15) << 4 | (c >> 2 & 15));
		*out++ = (uint8_t)((c & 3) << 6 | (d & 63));
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
