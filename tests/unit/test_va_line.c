/* Who is next in line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "va/line.h"

struct named {
	struct waiter waiter;
	const char *name;
};

static void
put(struct lines *l, struct named *n, const char *name)
{
	char account[2] = { name[0], '\0' };

	n->name = name;
	assert_true(lines_put(l, &n->waiter, account));
}

/* "a1" is the first of account a. */
static void
next_is(struct lines *l, const char *name)
{
	struct waiter *w = lines_take(l);

	if (name == NULL) {
		assert_null(w);
		return;
	}
	assert_non_null(w);
	assert_string_equal(((struct named *)w)->name, name);
}

/* Who asks for much waits for who asks for little, and equals take turns. */
static void
test_least_under_way_first(void **state)
{
	struct lines *l = lines_new(3);
	struct named n[9];

	(void)state;
	put(l, &n[0], "a1");
	put(l, &n[1], "a2");
	put(l, &n[2], "a3");
	put(l, &n[3], "b1");
	put(l, &n[4], "b2");
	next_is(l, "a1");
	next_is(l, "b1");
	next_is(l, "a2");
	put(l, &n[5], "c1");
	put(l, &n[6], "c2");
	next_is(l, "c1");
	next_is(l, "b2"); /* one each, and b had one before c */
	next_is(l, "c2");
	next_is(l, "a3");
	next_is(l, NULL);
	put(l, &n[7], "a4");
	next_is(l, NULL); /* three are under way */
	assert_int_equal(lines_waiting(l), 1);
	assert_int_equal(lines_of(l, "a"), 4);
	lines_leave(l, &n[0].waiter);
	next_is(l, "a4");
	for (size_t i = 0; i < 8; i++)
		lines_leave(l, &n[i].waiter);
	lines_free(l);
}

/* What is over makes room, and who has less again goes first again. */
static void
test_over(void **state)
{
	struct lines *l = lines_new(10);
	struct named n[6];

	(void)state;
	put(l, &n[0], "a1");
	put(l, &n[1], "a2");
	next_is(l, "a1");
	next_is(l, "a2");
	put(l, &n[2], "a3");
	put(l, &n[3], "b1");
	put(l, &n[4], "b2");
	lines_leave(l, &n[0].waiter);
	lines_leave(l, &n[1].waiter);
	lines_leave(l, &n[4].waiter); /* it gave up */
	next_is(l, "b1"); /* a was put back behind it */
	next_is(l, "a3");
	next_is(l, NULL);
	assert_int_equal(lines_waiting(l), 0);
	assert_int_equal(lines_of(l, "b"), 1);
	assert_int_equal(lines_of(l, "c"), 0);
	lines_leave(l, &n[4].waiter); /* a second time is fine */
	lines_leave(l, &n[2].waiter);
	lines_leave(l, &n[3].waiter);
	lines_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least_under_way_first),
		cmocka_unit_test(test_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
