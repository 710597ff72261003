/* map.c: open addressing with linear probing, at most three quarters full, and no tombstones: a removal
 * moves back what comes after it. */
#include "lib/map.h"

#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KEY_INLINE 24	/* an id is 16 bytes, its text 22 */
#define SLOTS_FIRST 16

struct slot {
	void		*value;		/* NULL: the slot is free */
	uint64_t	 hash;
	size_t		 len;
	union {
		uint8_t	 bytes[KEY_INLINE];
		uint8_t	*heap;		/* len > KEY_INLINE */
	}		 key;
};

struct map {
	uint64_t	 seed[2];
	struct slot	*slots;
	size_t		 mask;		/* slots - 1: a power of two; slots is NULL when 0 */
	size_t		 count;
};

static inline uint64_t
rotl(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3: without the seed nobody can choose keys that collide. Words are read in the machine's own
 * byte order: the hash never leaves the process. */
static uint64_t
siphash(const uint64_t seed[2], const uint8_t *p, size_t len)
{
	uint64_t	 v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
				seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
	uint64_t	 word, last = (uint64_t)len << 56;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const uint8_t *
slot_key(const struct slot *slot)
{
	return slot->len > KEY_INLINE ? slot->key.heap : slot->key.bytes;
}

static void
slot_release(struct slot *slot)
{
	if (slot->value != NULL && slot->len > KEY_INLINE)
		free(slot->key.heap);
	slot->value = NULL;
}

struct map *
map_new(void)
{
	struct map	*map = calloc(1, sizeof(*map));

	if (map != NULL && RAND_bytes((unsigned char *)map->seed, sizeof(map->seed)) != 1)
		abort();
	return map;
}

void
map_free(struct map *map)
{
	if (map == NULL)
		return;
	for (size_t i = 0; map->slots != NULL && i <= map->mask; i++)
		slot_release(&map->slots[i]);
	free(map->slots);
	free(map);
}

/* The slot that holds the key, or the free one where it belongs. There are slots, and a free one. */
static struct slot *
map_find(const struct map *map, uint64_t hash, const void *key, size_t len)
{
	struct slot	*slot;

	for (size_t i = hash & map->mask;; i = (i + 1) & map->mask) {
		slot = &map->slots[i];
		if (slot->value == NULL)
			return slot;
		if (slot->hash == hash && slot->len == len &&
		    (len == 0 || memcmp(slot_key(slot), key, len) == 0))
			return slot;
	}
}

void *
map_get(const struct map *map, const void *key, size_t len)
{
	if (map->count == 0)
		return NULL;
	return map_find(map, siphash(map->seed, key, len), key, len)->value;
}

static bool
map_grow(struct map *map)
{
	struct map	 larger = *map;
	size_t		 slots = map->slots == NULL ? SLOTS_FIRST : (map->mask + 1) * 2;

	if ((larger.slots = calloc(slots, sizeof(*larger.slots))) == NULL)
		return false;
	larger.mask = slots - 1;
	for (size_t i = 0; map->slots != NULL && i <= map->mask; i++) {
		const struct slot	*old = &map->slots[i];
		size_t			 to = old->hash & larger.mask;

		if (old->value == NULL)
			continue;
		while (larger.slots[to].value != NULL)
			to = (to + 1) & larger.mask;
		larger.slots[to] = *old;
	}
	free(map->slots);
	*map = larger;
	return true;
}

enum err
map_put(struct map *map, const void *key, size_t len, void *value)
{
	uint64_t	 hash = siphash(map->seed, key, len);
	struct slot	*slot;
	uint8_t		*copy;

	if (value == NULL)
		abort();
	if (map->slots != NULL && (slot = map_find(map, hash, key, len))->value != NULL) {
		slot->value = value;
		return ERR_OK;
	}
	if ((map->slots == NULL || map->count >= (map->mask + 1) / 4 * 3) && !map_grow(map))
		return ERR_MEMORY;
	slot = map_find(map, hash, key, len);
	if (len > KEY_INLINE) {
		if ((copy = malloc(len)) == NULL)
			return ERR_MEMORY;
		slot->key.heap = memcpy(copy, key, len);
	} else if (len > 0) {
		memcpy(slot->key.bytes, key, len);
	}
	slot->len = len;
	slot->hash = hash;
	slot->value = value;
	map->count++;
	return ERR_OK;
}

void *
map_remove(struct map *map, const void *key, size_t len)
{
	struct slot	*slot;
	void		*value;
	size_t		 hole, home;

	if (map->count == 0)
		return NULL;
	slot = map_find(map, siphash(map->seed, key, len), key, len);
	if ((value = slot->value) == NULL)
		return NULL;
	slot_release(slot);
	map->count--;
	/* Close the gap: whatever can't be found across it moves into it. */
	hole = (size_t)(slot - map->slots);
	for (size_t i = (hole + 1) & map->mask; map->slots[i].value != NULL; i = (i + 1) & map->mask) {
		home = map->slots[i].hash & map->mask;
		if (((i - home) & map->mask) < ((i - hole) & map->mask))
			continue;
		map->slots[hole] = map->slots[i];
		map->slots[i].value = NULL;
		hole = i;
	}
	return value;
}

size_t
map_count(const struct map *map)
{
	return map->count;
}

void
map_each(const struct map *map, void (*visit)(void *value, void *arg), void *arg)
{
	for (size_t i = 0; map->slots != NULL && i <= map->mask; i++)
		if (map->slots[i].value != NULL)
			visit(map->slots[i].value, arg);
}
