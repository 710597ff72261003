/* Whose turn it is (wfe/turns.h): who owes too much waits while others are there, in lines that take turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "lib/clock.h"
#include "wfe/turns.h"

#define SECOND INT64_C(1000000)
#define MS INT64_C(1000)
/* Whoever owes that owes too much for some seconds. */
#define MUCH (TURNS_OWED_MAX + 40)

static struct turn *called[16];
static size_t called_count;

static void
note(struct turn *turn)
{
	called[called_count++] = turn;
}

/* One answer to this address, which cost so much. */
static void
ask(struct turns *turns, const char *remote, int64_t cost, int64_t now)
{
	struct turn turn = { 0 };

	assert_true(turns_take(turns, &turn, remote, now));
	turns_over(turns, &turn, cost, now);
}

static void
wait_in_line(struct turns *turns, struct turn *turn, const char *remote, int64_t now)
{
	assert_false(turns_take(turns, turn, remote, now));
	turns_wait(turns, turn, note);
}

/* With one place, a greedy address that waits for nobody yet, and another that is there. */
static struct turns *
meet(void)
{
	struct turns *turns = turns_new(2);

	called_count = 0;
	ask(turns, "192.0.2.1", MUCH, 0);
	ask(turns, "198.51.100.1", 1, 0);
	return turns;
}

static void
alone_nobody_waits(void **state)
{
	struct turns *turns = turns_new(2);

	(void)state;
	for (int i = 0; i < 100; i++)
		ask(turns, "192.0.2.1", 1, i * MS);
	ask(turns, "198.51.100.1", 1, 101 * MS);
	struct turn turn = { 0 };
	assert_false(turns_take(turns, &turn, "192.0.2.1", 102 * MS));
	turns_over(turns, &turn, 0, 102 * MS);
	ask(turns, "192.0.2.1", 1, 101 * MS + SECOND);	/* they are gone again */
	turns_free(turns);
}

static void
a_place_stays_empty_as_long_as_it_was_taken(void **state)
{
	struct turns	*turns = meet();
	struct turn	 a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(turns_call(turns, 0), -1);
	wait_in_line(turns, &a, "192.0.2.1", 0);
	wait_in_line(turns, &b, "192.0.2.1", 0);
	assert_int_equal(turns_waiting(turns), 2);
	assert_int_equal(turns_call(turns, 1 * MS), 50 * MS);
	assert_true(called_count == 1 && called[0] == &a);
	turns_over(turns, &a, 1, 4 * MS);
	assert_int_equal(turns_call(turns, 4 * MS), 3 * MS);
	assert_int_equal(called_count, 1);
	assert_int_equal(turns_call(turns, 7 * MS), -1);
	assert_true(called_count == 2 && called[1] == &b);
	turns_over(turns, &b, 1, 8 * MS);
	assert_int_equal(turns_waited(turns), 2);
	assert_int_equal(turns_waited(turns), 0);
	turns_free(turns);
}

/* What waits for something itself takes nothing from anybody. */
static void
a_long_turn_gives_its_place_away(void **state)
{
	struct turns	*turns = meet();
	struct turn	 a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	wait_in_line(turns, &a, "192.0.2.1", 0);
	wait_in_line(turns, &b, "192.0.2.1", 0);
	wait_in_line(turns, &c, "192.0.2.1", 0);
	(void)turns_call(turns, 0);
	assert_int_equal(turns_call(turns, 49 * MS), 1 * MS);
	assert_int_equal(turns_call(turns, 50 * MS), 50 * MS);
	assert_true(called_count == 2 && called[1] == &b);
	turns_over(turns, &a, 1, 60 * MS);	/* not the place's any more */
	assert_int_equal(turns_call(turns, 60 * MS), 40 * MS);
	turns_over(turns, &b, 1, 500 * MS);	/* late, and nobody was called meanwhile */
	assert_int_equal(turns_call(turns, 500 * MS), -1);
	assert_true(called_count == 3 && called[2] == &c);
	turns_over(turns, &c, 1, 501 * MS);
	turns_free(turns);
}

static void
lines_take_turns(void **state)
{
	struct turns	*turns = meet();
	struct turn	 t[5] = { { 0 } };
	static const size_t order[] = { 0, 3, 4, 1, 2 };

	(void)state;
	ask(turns, "203.0.113.1", MUCH, 0);
	ask(turns, "2001:db8::1", MUCH, 0);
	for (size_t i = 0; i < 3; i++)
		wait_in_line(turns, &t[i], "192.0.2.1", 0);
	wait_in_line(turns, &t[3], "203.0.113.1", 0);
	wait_in_line(turns, &t[4], "2001:db8::1", 0);
	for (size_t i = 0; i < 5; i++) {
		(void)turns_call(turns, (int64_t)i * 2 * MS);
		assert_int_equal(called_count, i + 1);
		assert_ptr_equal(called[i], &t[order[i]]);
		turns_over(turns, called[i], 1, (int64_t)(i * 2 + 1) * MS);
	}
	turns_free(turns);
}

/* 4 cores: two at once. */
static void
places_for_half_the_cores(void **state)
{
	struct turns	*turns = turns_new(4);
	struct turn	 t[3] = { { 0 } };

	(void)state;
	called_count = 0;
	ask(turns, "192.0.2.1", MUCH, 0);
	ask(turns, "198.51.100.1", 1, 0);
	for (size_t i = 0; i < 3; i++)
		wait_in_line(turns, &t[i], "192.0.2.1", 0);
	(void)turns_call(turns, 0);
	assert_int_equal(called_count, 2);
	turns_over(turns, &t[1], 1, 1 * MS);
	(void)turns_call(turns, 2 * MS);
	assert_int_equal(called_count, 3);
	turns_over(turns, &t[0], 1, 3 * MS);
	turns_over(turns, &t[2], 1, 3 * MS);
	turns_free(turns);
}

static bool
waits(struct turns *turns, const char *remote, int64_t now)
{
	struct turn turn = { 0 };
	bool	    goes;

	ask(turns, "198.51.100.1", 0, now);
	goes = turns_take(turns, &turn, remote, now);
	turns_over(turns, &turn, 0, now);
	return !goes;
}

static void
a_debt_is_forgiven_with_time(void **state)
{
	struct turns *turns = turns_new(2);

	(void)state;
	ask(turns, "192.0.2.1", TURNS_OWED_MAX, 0);
	assert_false(waits(turns, "192.0.2.1", 0));
	ask(turns, "192.0.2.1", 1, 0);
	assert_true(waits(turns, "192.0.2.1", 99 * MS));
	assert_false(waits(turns, "192.0.2.1", 100 * MS));
	ask(turns, "203.0.113.1", INT64_C(1000000), 0);
	assert_true(waits(turns, "203.0.113.1", 57 * SECOND));
	assert_false(waits(turns, "203.0.113.1", 58 * SECOND));
	turns_free(turns);
}

/* They repay, and earn something for what comes next, but not for ever. */
static void
certificates_repay(void **state)
{
	struct turns *turns = turns_new(2);

	(void)state;
	ask(turns, "192.0.2.1", TURNS_OWED_MAX + 30, 0);
	assert_true(waits(turns, "192.0.2.1", 0));
	{
		struct turn turn = { 0 };

		(void)turns_take(turns, &turn, "192.0.2.1", 0);
		turns_over(turns, &turn, TURNS_CERTIFICATE, 0);
	}
	assert_false(waits(turns, "192.0.2.1", 0));
	for (int i = 0; i < 10; i++)
		ask(turns, "203.0.113.1", TURNS_CERTIFICATE, 0);
	ask(turns, "203.0.113.1", TURNS_CREDIT_MAX + TURNS_OWED_MAX, 0);
	assert_false(waits(turns, "203.0.113.1", 0));
	ask(turns, "203.0.113.1", 1, 0);
	assert_true(waits(turns, "203.0.113.1", 0));
	turns_free(turns);
}

static void
an_ipv6_prefix_is_one(void **state)
{
	struct turns *turns = turns_new(2);

	(void)state;
	ask(turns, "2001:db8:1:2::1", MUCH, 0);
	assert_true(waits(turns, "2001:db8:1:2:ffff::9", 0));
	assert_false(waits(turns, "2001:db8:1:3::1", 0));
	assert_false(waits(turns, "", 0));	/* no address: nobody's */
	assert_false(waits(turns, "unknown", 0));
	assert_int_equal(turns_askers(turns), 3);
	turns_free(turns);
}

static bool
is(struct connection *peer, void *arg)
{
	return (void *)peer == arg;
}

static void
a_sweep_forgets_and_calls_the_gone(void **state)
{
	struct turns	*turns = meet();
	struct turn	 t[3] = { { 0 } };
	int		 gone, there;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		t[i].peer = (void *)(i == 1 ? &gone : &there);
		wait_in_line(turns, &t[i], "192.0.2.1", 0);
	}
	turns_sweep(turns, is, &gone, 1 * MS);
	assert_true(called_count == 1 && called[0] == &t[1]);
	turns_over(turns, &t[1], 1, 1 * MS);
	turns_sweep(turns, is, &there, 2 * MS);
	assert_int_equal(called_count, 3);
	assert_int_equal(turns_waiting(turns), 0);
	assert_int_equal(turns_call(turns, 2 * MS), -1);
	turns_over(turns, &t[0], 1, 2 * MS);
	turns_over(turns, &t[2], 1, 2 * MS);
	assert_int_equal(turns_askers(turns), 2);
	turns_sweep(turns, is, NULL, 2 * SECOND);
	assert_int_equal(turns_askers(turns), 1);	/* who owes too much */
	ask(turns, "203.0.113.1", TURNS_CERTIFICATE, 2 * SECOND);
	turns_sweep(turns, is, NULL, 61 * SECOND);
	assert_int_equal(turns_askers(turns), 1);	/* who has a credit */
	turns_sweep(turns, is, NULL, 62 * SECOND);
	assert_int_equal(turns_askers(turns), 0);
	turns_free(turns);
}

static void
at_the_end_nobody_waits(void **state)
{
	struct turns	*turns = meet();
	struct turn	 t[2] = { { 0 } };

	(void)state;
	wait_in_line(turns, &t[0], "192.0.2.1", 0);
	wait_in_line(turns, &t[1], "192.0.2.1", 0);
	turns_end(turns);
	assert_int_equal(turns_call(turns, 0), -1);
	assert_int_equal(called_count, 2);
	turns_over(turns, &t[0], 1, 0);
	turns_over(turns, &t[1], 1, 0);
	assert_false(waits(turns, "192.0.2.1", 0));
	turns_free(turns);
}

/* GCRA: five at once, one in 100 ms from then on. */
static void
requests_are_counted_by_kind(void **state)
{
	struct turns	*turns = turns_new(2);
	struct turn	 a = { 0 }, b = { 0 }, nobody = { 0 };

	(void)state;
	(void)turns_take(turns, &a, "192.0.2.1", 0);
	(void)turns_take(turns, &b, "192.0.2.2", 0);
	(void)turns_take(turns, &nobody, "", 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(turns_count(turns, &a, 1, 5, 100 * MS, 10 * MS), 0);
	assert_int_equal(turns_count(turns, &a, 1, 5, 100 * MS, 10 * MS), 100 * MS);
	assert_int_equal(turns_count(turns, &a, 1, 5, 100 * MS, 109 * MS), 1 * MS);
	assert_int_equal(turns_count(turns, &a, 2, 5, 100 * MS, 10 * MS), 0);	/* another kind */
	assert_int_equal(turns_count(turns, &b, 1, 5, 100 * MS, 10 * MS), 0);	/* another address */
	for (int i = 0; i < 10; i++)
		assert_int_equal(turns_count(turns, &nobody, 1, 5, 100 * MS, 10 * MS), 0);
	assert_int_equal(turns_count(turns, &a, 1, 5, 100 * MS, 110 * MS), 0);
	assert_int_equal(turns_count(turns, &a, 1, 5, 100 * MS, 110 * MS), 100 * MS);
	turns_over(turns, &a, 0, 110 * MS);
	turns_over(turns, &b, 0, 110 * MS);
	turns_over(turns, &nobody, 0, 110 * MS);
	turns_sweep(turns, is, NULL, 10 * SECOND);
	assert_int_equal(turns_askers(turns), 0);
	/* what is counted for longer isn't forgotten before */
	(void)turns_take(turns, &a, "192.0.2.1", 10 * SECOND);
	assert_int_equal(turns_count(turns, &a, 0, 1, 20 * SECOND, 10 * SECOND), 0);
	turns_over(turns, &a, 0, 10 * SECOND);
	turns_sweep(turns, is, NULL, 30 * SECOND - 1);
	assert_int_equal(turns_askers(turns), 1);
	turns_sweep(turns, is, NULL, 30 * SECOND);
	assert_int_equal(turns_askers(turns), 0);
	turns_free(turns);
}

/* Threads that ask, of which one gets certificates, beside the one that calls. */
struct client {
	struct turns	*turns;
	const char	*remote;
	int64_t		 cost;
};

static atomic_int goes_on[4];

static void
wake(struct turn *turn)
{
	atomic_store((atomic_int *)(void *)turn->peer, 1);
}

static void *
client(void *arg)
{
	struct client	*c = arg;
	struct turn	 turn = { 0 };
	atomic_int	*flag = &goes_on[c->cost & 3];

	for (int i = 0; i < 200; i++) {
		atomic_store(flag, 0);
		turn.peer = (void *)flag;
		if (!turns_take(c->turns, &turn, c->remote, clock_monotonic_us())) {
			turns_wait(c->turns, &turn, wake);
			while (!atomic_load(flag))
				sched_yield();
		}
		turns_over(c->turns, &turn, c->cost, clock_monotonic_us());
	}
	return NULL;
}

static bool
never(struct connection *peer, void *arg)
{
	(void)peer;
	(void)arg;
	return false;
}

static void
many_threads(void **state)
{
	static struct turns *turns;	/* its caller never ends */
	struct client	 clients[] = { { NULL, "192.0.2.1", 1 }, { NULL, "192.0.2.1", 2 }, { NULL, "192.0.2.2", 3 },
		{ NULL, "198.51.100.1", TURNS_CERTIFICATE } };
	pthread_t	 threads[4], caller;

	(void)state;
	turns = turns_new(2);
	assert_int_equal(pthread_create(&caller, NULL, turns_run, turns), 0);
	pthread_detach(caller);
	for (size_t i = 0; i < 4; i++) {
		clients[i].turns = turns;
		assert_int_equal(pthread_create(&threads[i], NULL, client, &clients[i]), 0);
	}
	for (int i = 0; i < 50; i++)
		turns_sweep(turns, never, NULL, clock_monotonic_us());
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(turns_waiting(turns), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(alone_nobody_waits),
		cmocka_unit_test(a_place_stays_empty_as_long_as_it_was_taken),
		cmocka_unit_test(a_long_turn_gives_its_place_away), cmocka_unit_test(lines_take_turns),
		cmocka_unit_test(places_for_half_the_cores), cmocka_unit_test(a_debt_is_forgiven_with_time),
		cmocka_unit_test(certificates_repay), cmocka_unit_test(an_ipv6_prefix_is_one),
		cmocka_unit_test(a_sweep_forgets_and_calls_the_gone), cmocka_unit_test(at_the_end_nobody_waits),
		cmocka_unit_test(requests_are_counted_by_kind), cmocka_unit_test(many_threads) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
