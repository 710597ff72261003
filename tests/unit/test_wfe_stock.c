/* What wfe keeps between requests: the nonce stock, the requests in flight, the connections' deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "wfe/connections.h"
#include "wfe/in_flight.h"
#include "wfe/nonce_stock.h"

static void
fill(struct nonce_stock *s, unsigned first)
{
	static struct msg_nonces m;

	m.count = NONCES_MAX;
	for (unsigned i = 0; i < NONCES_MAX; i++)
		snprintf(m.nonces[i], NONCE_SIZE, "%022u", first + i);
	nonce_stock_fill(s, &m);
}

static void
nonces_oldest_first(void **state)
{
	struct nonce_stock	*s = nonce_stock_new();
	char			 nonce[NONCE_SIZE];

	(void)state;
	assert_false(nonce_stock_take(s, nonce));
	assert_string_equal(nonce, "");
	assert_true(nonce_stock_wants(s));
	assert_false(nonce_stock_wants(s));	/* asked already */
	nonce_stock_not_asked(s);
	assert_true(nonce_stock_wants(s));
	fill(s, 0);
	assert_true(nonce_stock_wants(s));	/* still under half */
	fill(s, 256);
	assert_false(nonce_stock_wants(s));
	assert_true(nonce_stock_take(s, nonce));
	assert_string_equal(nonce, "0000000000000000000000");
	assert_true(nonce_stock_wants(s));
	assert_int_equal(nonce_stock_count(s), 511);
	for (unsigned i = 0; i < 4; i++)
		fill(s, 1000);
	assert_int_equal(nonce_stock_count(s), NONCE_STOCK_MAX);
	for (unsigned i = 1; i < 512; i++)
		assert_true(nonce_stock_take(s, nonce));
	assert_string_equal(nonce, "0000000000000000000511");
	nonce_stock_free(s);
}

static struct request *
request(uintptr_t n)
{
	return (void *)n;
}

static void
in_flight_numbers(void **state)
{
	struct in_flight	*f = in_flight_new();
	uint64_t		 a, b;

	(void)state;
	a = in_flight_add(f, request(1), WAIT_REPLY);
	b = in_flight_add(f, request(2), WAIT_NONCE);
	assert_int_not_equal(a, 0);
	assert_int_not_equal(b, 0);
	assert_int_not_equal(a, b);
	assert_null(in_flight_take(f, 0));
	assert_null(in_flight_take(f, b));	/* ra can't answer what it wasn't asked */
	assert_ptr_equal(in_flight_take(f, a), request(1));
	assert_null(in_flight_take(f, a));
	assert_ptr_equal(in_flight_take_nonce(f), request(2));
	assert_null(in_flight_take_nonce(f));
	assert_int_not_equal(in_flight_add(f, request(3), WAIT_REPLY), a);	/* never given twice */
	assert_null(in_flight_take(f, a));
	assert_ptr_equal(in_flight_take_any(f), request(3));
	assert_int_equal(in_flight_count(f), 0);
	in_flight_free(f);
}

static void
in_flight_bounded(void **state)
{
	struct in_flight	*f = in_flight_new();
	uint64_t		 last = 0;

	(void)state;
	for (unsigned i = 0; i < IN_FLIGHT_MAX; i++)
		assert_int_not_equal(last = in_flight_add(f, request(i + 1), WAIT_REPLY), 0);
	assert_int_equal(in_flight_add(f, request(9), WAIT_REPLY), 0);
	assert_ptr_equal(in_flight_take(f, last), request(IN_FLIGHT_MAX));
	assert_int_not_equal(in_flight_add(f, request(9), WAIT_REPLY), 0);
	in_flight_close(f);
	assert_non_null(in_flight_take_any(f));
	assert_int_equal(in_flight_add(f, request(9), WAIT_REPLY), 0);
	in_flight_free(f);
}

static bool
is_open(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) < 0;
}

static void
deadlines(void **state)
{
	struct connections	*all = connections_new(60, 10, 4096);
	struct connection	*c, *d;
	int			 a[2], b[2];

	(void)state;
	assert_int_equal(phase_deadline(PHASE_IDLE, 60000, 10000, 5), 70005);
	assert_int_equal(phase_deadline(PHASE_READING, 60000, 10000, 5), 10005);
	assert_int_equal(phase_deadline(PHASE_WORKING, 60000, 10000, 5), 0);
	assert_int_equal(phase_deadline(PHASE_WRITING, 60000, 10000, 5), 10005);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	c = connection_opened(all, a[0], "192.0.2.1", 0);
	d = connection_opened(all, b[0], "2001:db8::1", 0);
	assert_string_equal(connection_remote(c), "192.0.2.1");
	assert_string_equal(connection_remote(NULL), "");
	assert_int_equal(connections_sweep(all, 69999), 0);
	connection_phase(all, c, PHASE_READING, 60000);
	connection_phase(all, d, PHASE_WORKING, 60000);
	assert_int_equal(connections_busy(all), 2);
	assert_int_equal(connections_sweep(all, 69999), 0);
	assert_int_equal(connections_sweep(all, 70000), 1);	/* c; d waits for ra, not its fault */
	assert_int_equal(connections_sweep(all, 70001), 0);	/* once */
	assert_false(is_open(a[1]));
	assert_true(is_open(b[1]));
	connections_close_idle(all);
	assert_true(is_open(b[1]));
	connection_phase(all, d, PHASE_IDLE, 80000);
	connections_close_idle(all);
	assert_false(is_open(b[1]));
	connection_closed(all, d);
	assert_int_equal(connections_count(all), 1);
	connection_closed(all, c);
	connection_closed(all, NULL);
	assert_int_equal(connections_count(all) + connections_busy(all), 0);
	connections_free(all);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nonces_oldest_first),
		cmocka_unit_test(in_flight_numbers), cmocka_unit_test(in_flight_bounded),
		cmocka_unit_test(deadlines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
