/* id.c: 128-bit object ids. */
#include "lib/id.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"
#include "lib/clock.h"

#define TIME_SIZE 6
#define RANDOM_SIZE (ID_SIZE - TIME_SIZE)
#define STOCK (RANDOM_SIZE * 50)	/* one call makes fifty ids: it is the call that costs */

/* Each thread's own stock. A forked child would repeat its parent's ids, but roles are re-executed:
 * nothing forks and goes on. */
static _Thread_local uint8_t	 stock[STOCK];
static _Thread_local size_t	 left;

struct id
id_new(void)
{
	uint64_t	 ms = (uint64_t)clock_now_ms();
	struct id	 id;

	for (int i = TIME_SIZE - 1; i >= 0; i--, ms >>= 8)
		id.bytes[i] = (uint8_t)ms;
	if (left == 0) {
		if (RAND_bytes(stock, STOCK) != 1)
			abort();
		left = STOCK;
	}
	left -= RANDOM_SIZE;
	memcpy(id.bytes + TIME_SIZE, stock + left, RANDOM_SIZE);
	memset(stock + left, 0, RANDOM_SIZE);
	return id;
}

struct id
id_short(void)
{
	struct id id;

	do {
		memset(id.bytes, 0, sizeof(id.bytes));
		if (RAND_bytes(id.bytes + ID_SIZE / 2, ID_SIZE / 2) != 1)
			abort();
		id.bytes[ID_SIZE / 2] &= 0x7f;
	} while (id_is_zero(id));
	return id;
}

struct id
id_last(void)
{
	struct id id;

	memset(id.bytes, 0xff, sizeof(id.bytes));
	return id;
}

bool
id_is_zero(struct id id)
{
	return id_eq(id, (struct id){ { 0 } });
}

bool
id_eq(struct id a, struct id b)
{
	return memcmp(a.bytes, b.bytes, ID_SIZE) == 0;
}

int64_t
id_time_ms(struct id id)
{
	int64_t	 ms = 0;

	for (int i = 0; i < TIME_SIZE; i++)
		ms = ms << 8 | id.bytes[i];
	return ms;
}

void
id_text(struct id id, char out[ID_TEXT_SIZE])
{
	base64url_text(id.bytes, ID_SIZE, out);
}

bool
id_parse(const char *text, size_t len, struct id *out)
{
	struct id	 id;

	if (base64url_bytes(slice_of(text, len), id.bytes, ID_SIZE) != ERR_OK)
		return false;
	*out = id;
	return true;
}
