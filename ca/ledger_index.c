/* ledger_index.c: the places in the order in which they were added, and a table of hashes into them: open addressing,
 * linear probing, at most half full. What is forgotten stays in the table until it is built anew. */
#include "ca/ledger_index.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_FIRST 1024
#define ENTRIES_MAX (UINT32_MAX / 4) /* their positions and the table's fit in 32 bits */

struct entry {
	uint32_t hash;
	uint32_t second; /* when the order was made, since 1970; lasts until 2106 */
	struct place place;
};

struct index {
	uint64_t key[5];
	struct entry *entries;
	size_t first, end, size; /* entries from first to end are known */
	uint32_t *slots;	 /* 1 + an entry's position; 0: free; 2 * size of them, a power of two */
};

/* Multiply and add, strongly universal (Thorup, "High Speed Hashing for Integers and Strings", 2015, 3.5): without the
 * key nobody can choose orders that collide. Words are read in the machine's own byte order. */
static uint32_t
hash_of(const struct index *index, struct id order)
{
	uint32_t word[ID_SIZE / 4];
	uint64_t sum = index->key[4];

	memcpy(word, order.bytes, ID_SIZE);
	for (size_t i = 0; i < ID_SIZE / 4; i++)
		sum += index->key[i] * word[i];
	return (uint32_t)(sum >> 32);
}

struct index *
index_new(void)
{
	struct index *index = calloc(1, sizeof(*index));

	if (index == NULL)
		return NULL;
	if (RAND_bytes((uint8_t *)index->key, sizeof(index->key)) != 1)
		abort();
	return index;
}

void
index_free(struct index *index)
{
	if (index == NULL)
		return;
	free(index->entries);
	free(index->slots);
	free(index);
}

size_t
index_count(const struct index *index)
{
	return index->end - index->first;
}

static void
link_entry(struct index *index, size_t position)
{
	size_t mask = 2 * index->size - 1, at = index->entries[position].hash & mask;

	while (index->slots[at] != 0)
		at = (at + 1) & mask;
	index->slots[at] = (uint32_t)position + 1;
}

/* Room for one more: what was forgotten makes it, or the arrays grow. */
static enum err
make_room(struct index *index)
{
	size_t count = index_count(index), size = index->size;
	struct entry *entries = index->entries;
	uint32_t *slots;

	if (count > size / 2 || size == 0)
		size = size == 0 ? ENTRIES_FIRST : 2 * size;
	if (size > ENTRIES_MAX || (entries = realloc(entries, size * sizeof(*entries))) == NULL)
		return ERR_MEMORY;
	index->entries = entries;
	if ((slots = calloc(2 * size, sizeof(*slots))) == NULL)
		return ERR_MEMORY;
	memmove(entries, entries + index->first, count * sizeof(*entries));
	free(index->slots);
	index->slots = slots;
	index->size = size;
	index->first = 0;
	index->end = count;
	for (size_t i = 0; i < count; i++)
		link_entry(index, i);
	return ERR_OK;
}

enum err
index_add(struct index *index, struct id order, struct place place)
{
	enum err err;

	if (index->end == index->size && (err = make_room(index)) != ERR_OK)
		return err;
	index->entries[index->end] =
	    (struct entry){ hash_of(index, order), (uint32_t)(id_time_ms(order) / 1000), place };
	link_entry(index, index->end++);
	return ERR_OK;
}

enum err
index_find(const struct index *index, struct id order, enum err (*visit)(struct place, void *arg), void *arg)
{
	uint32_t hash = hash_of(index, order);
	size_t mask = 2 * index->size - 1;
	enum err err;

	if (index->size == 0)
		return ERR_NOT_FOUND;
	for (size_t at = hash & mask; index->slots[at] != 0; at = (at + 1) & mask) {
		size_t position = index->slots[at] - 1;

		if (position >= index->first && index->entries[position].hash == hash &&
		    (err = visit(index->entries[position].place, arg)) != ERR_NOT_FOUND)
			return err;
	}
	return ERR_NOT_FOUND;
}

void
index_forget(struct index *index, int64_t since_ms)
{
	while (index->first < index->end && (int64_t)index->entries[index->first].second < since_ms / 1000)
		index->first++;
}
