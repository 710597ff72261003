/* test_ca_ledger_index.c: the ledger's index against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ca/ledger_index.h"

#define ORDERS 5000

/* An order that was made in that second; the rest is its number. */
static struct id
order_of(uint32_t n, int64_t second)
{
	struct id order = { { 0 } };
	int64_t ms = second * 1000;

	for (int i = 5; i >= 0; i--, ms >>= 8)
		order.bytes[i] = (uint8_t)ms;
	memcpy(order.bytes + 8, &n, sizeof(n));
	return order;
}

static enum err
take_place(struct place place, void *arg)
{
	*(struct place *)arg = place;
	return ERR_OK;
}

static enum err
count_only(struct place place, void *arg)
{
	(void)place;
	*(unsigned *)arg += 1;
	return ERR_NOT_FOUND;
}

static void
expect(const struct index *index, uint32_t n, int64_t second)
{
	struct place place = { 0, 0 };

	assert_int_equal(index_find(index, order_of(n, second), take_place, &place), ERR_OK);
	assert_int_equal(place.segment, n / 100);
	assert_int_equal(place.offset, n);
}

/* While old ones are forgotten all the time, what is young is found, and the old is not. */
static void
test_forget_while_adding(void **state)
{
	struct index *index = index_new();
	struct place place;
	uint32_t n;

	(void)state;
	assert_non_null(index);
	assert_int_equal(index_find(index, order_of(0, 0), take_place, &place), ERR_NOT_FOUND);
	for (n = 0; n < ORDERS; n++) {
		assert_int_equal(index_add(index, order_of(n, n), (struct place){ n / 100, n }), ERR_OK);
		if (n >= 700)
			index_forget(index, (int64_t)(n - 700) * 1000);
		expect(index, n, n);
		expect(index, n >= 700 ? n - 700 : 0, n >= 700 ? n - 700 : 0);
		if (n > 700)
			assert_int_equal(index_find(index, order_of(n - 701, n - 701), take_place, &place), ERR_NOT_FOUND);
	}
	assert_int_equal(index_count(index), 701);
	index_forget(index, INT64_MAX);
	assert_int_equal(index_count(index), 0);
	assert_int_equal(index_find(index, order_of(n - 1, n - 1), take_place, &place), ERR_NOT_FOUND);
	index_free(index);
}

/* It grows, and every order is found; the same order twice has both places. */
static void
test_grow(void **state)
{
	struct index *index = index_new();
	unsigned places = 0;

	(void)state;
	assert_non_null(index);
	for (uint32_t n = 0; n < ORDERS; n++)
		assert_int_equal(index_add(index, order_of(n, 5), (struct place){ n / 100, n }), ERR_OK);
	for (uint32_t n = 0; n < ORDERS; n++)
		expect(index, n, 5);
	assert_int_equal(index_count(index), ORDERS);
	assert_int_equal(index_add(index, order_of(7, 5), (struct place){ 9, 9 }), ERR_OK);
	assert_int_equal(index_find(index, order_of(7, 5), count_only, &places), ERR_NOT_FOUND);
	assert_true(places >= 2); /* and who has the same hash by chance */
	index_free(index);
	index_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forget_while_adding),
		cmocka_unit_test(test_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
