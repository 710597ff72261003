/* Chance that can be repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/chance.h"
#include "lib/clock.h"

static void
test_same_seed(void **state)
{
	uint32_t first[100];

	(void)state;
	chance_seed(7);
	for (unsigned i = 0; i < 100; i++)
		first[i] = chance_below(CHANCE_NONCE, 1000);
	chance_seed(7);
	for (unsigned i = 0; i < 100; i++) {
		(void)chance_below(CHANCE_SLEEP, 5);	/* another row shifts nothing */
		assert_int_equal(chance_below(CHANCE_NONCE, 1000), first[i]);
	}
}

static void
test_other_seeds_and_rows(void **state)
{
	unsigned same = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		uint32_t a;

		chance_seed(i + 1);
		a = chance_below(CHANCE_NONCE, 1000000);
		same += a == chance_below(CHANCE_SLEEP, 1000000);
		chance_seed(i + 2);
		same += a == chance_below(CHANCE_NONCE, 1000000);
	}
	assert_true(same < 3);
}

static void
test_percent(void **state)
{
	unsigned yes = 0;

	(void)state;
	chance_seed(1);
	for (unsigned i = 0; i < 10000; i++) {
		assert_false(chance_percent(CHANCE_FAULT, 0));
		assert_true(chance_percent(CHANCE_FAULT, 100));
		yes += chance_percent(CHANCE_FAULT, 30);
	}
	assert_in_range(yes, 2800, 3200);
}

/* RFC 9110, 5.6.7. */
static void
test_http_date(void **state)
{
	char text[CLOCK_HTTP_SIZE];

	(void)state;
	clock_http_date(784111777, text);
	assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	clock_http_date(0, text);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed), cmocka_unit_test(test_other_seeds_and_rows),
		cmocka_unit_test(test_percent), cmocka_unit_test(test_http_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
