/* test_lib_map.c: the hash table against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/map.h"

#define KEYS 3000

static int	 values[KEYS];

/* Short keys stand in the slot, long ones on the heap: both kinds, and the empty key. */
static size_t
key_of(int i, char out[64])
{
	if (i == 0)
		return 0;
	return (size_t)snprintf(out, 64, i % 2 == 0 ? "%d" : "a key too long to stand in its slot %d", i);
}

static void
count_visit(void *value, void *arg)
{
	assert_in_range((uintptr_t)value, (uintptr_t)values, (uintptr_t)(values + KEYS - 1));
	*(int *)value += 1;
	*(size_t *)arg += 1;
}

static void
test_map(void **state)
{
	struct map	*map = map_new();
	bool		 there[KEYS] = { false };
	size_t		 count = 0, seen = 0;
	unsigned	 random = 1;
	char		 key[64];

	(void)state;
	assert_non_null(map);
	assert_null(map_get(map, "x", 1));
	assert_null(map_remove(map, "x", 1));
	for (int step = 0; step < 60000; step++) {
		int	 i = (int)((random = random * 1103515245 + 12345) >> 8) % KEYS;
		size_t	 len = key_of(i, key);

		assert_ptr_equal(map_get(map, key, len), there[i] ? &values[i] : NULL);
		if ((random >> 28) % 2 == 0) {
			assert_int_equal(map_put(map, key, len, &values[i]), ERR_OK);
			count += there[i] ? 0 : 1;
			there[i] = true;
		} else {
			assert_ptr_equal(map_remove(map, key, len), there[i] ? &values[i] : NULL);
			count -= there[i] ? 1 : 0;
			there[i] = false;
		}
		assert_int_equal(map_count(map), count);
	}
	map_each(map, count_visit, &seen);
	assert_int_equal(seen, count);
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(values[i], there[i]);
	map_free(map);
}

static void
test_map_edges(void **state)
{
	struct map	*map = map_new();
	int		 a = 1, b = 2;
	size_t		 seen = 0;

	(void)state;
	map_each(map, count_visit, &seen);
	assert_int_equal(seen, 0);
	assert_int_equal(map_put(map, "a\0b", 3, &a), ERR_OK);
	assert_int_equal(map_put(map, "a\0c", 3, &b), ERR_OK);
	assert_ptr_equal(map_get(map, "a\0b", 3), &a);
	assert_ptr_equal(map_get(map, "a\0c", 3), &b);
	assert_null(map_get(map, "a", 1));
	assert_int_equal(map_put(map, "a\0b", 3, &b), ERR_OK);	/* replaced */
	assert_ptr_equal(map_get(map, "a\0b", 3), &b);
	assert_int_equal(map_count(map), 2);
	map_free(map);
	map_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_map_edges),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
