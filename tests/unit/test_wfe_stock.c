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
	assert_false(nonce_stock_wait(s, 1));
	fill(s, 0);
	assert_true(nonce_stock_wait(s, 0));
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
	struct connections	*all = connections_new(60, 10);
	struct crowd		*crowd = connections_crowd(all, 4096);
	struct connection	*c, *d;
	int			 a[2], b[2];

	(void)state;
	assert_int_equal(phase_deadline(PHASE_IDLE, 60000, 10000, 5), 70005);
	assert_int_equal(phase_deadline(PHASE_READING, 60000, 10000, 5), 10005);
	assert_int_equal(phase_deadline(PHASE_WORKING, 60000, 10000, 5), 0);
	assert_int_equal(phase_deadline(PHASE_WRITING, 60000, 10000, 5), 10005);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	c = connection_opened(all, crowd, a[0], "192.0.2.1", 0);
	d = connection_opened(all, crowd, b[0], "2001:db8::1", 0);
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

/* A listener's connections, on sockets of their own. */
struct party {
	struct connections	*all;
	struct crowd		*crowd;
	struct connection	*c[32];
	int			 ours[32], theirs[32];
	size_t			 count;
};

static void
arrive(struct party *p, struct crowd *crowd, const char *remote, enum connection_phase phase, int64_t now)
{
	size_t	i = p->count++;
	int	pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	p->ours[i] = pair[0];
	p->theirs[i] = pair[1];
	p->c[i] = connection_opened(p->all, crowd, pair[0], remote, now);
	if (phase != PHASE_IDLE)
		connection_phase(p->all, p->c[i], phase, now);
}

/* Each from an address of its own. */
static void
arrive_many(struct party *p, size_t count, enum connection_phase phase, int64_t now)
{
	char remote[32];

	for (size_t i = 0; i < count; i++) {
		snprintf(remote, sizeof(remote), "192.0.2.%zu", p->count);
		arrive(p, p->crowd, remote, phase, now);
	}
}

static struct party
party_new(void)
{
	struct party p = { .all = connections_new(1000, 1000) };

	p.crowd = connections_crowd(p.all, 16);
	return p;
}

static void
party_end(struct party *p)
{
	for (size_t i = 0; i < p->count; i++) {
		connection_closed(p->all, p->c[i]);
		close(p->ours[i]);
		close(p->theirs[i]);
	}
	connections_free(p->all);
}

/* One address, one request each, and idle since: the oldest make room, until 11 of 16 places are taken. */
static void
crowd_of_one_address(void **state)
{
	struct party	 p = party_new();
	struct crowd	*other = connections_crowd(p.all, 16);

	(void)state;
	for (size_t i = 0; i < 13; i++) {
		arrive(&p, p.crowd, "192.0.2.1", PHASE_WRITING, 0);
		connection_phase(p.all, p.c[i], PHASE_IDLE, 0);
	}
	arrive(&p, other, "192.0.2.1", PHASE_IDLE, 0);
	assert_int_equal(connections_sweep(p.all, 1), 2);
	assert_false(is_open(p.theirs[0]) || is_open(p.theirs[1]));
	assert_true(is_open(p.theirs[2]) && is_open(p.theirs[13]));
	assert_int_equal(connections_sweep(p.all, 2), 0);	/* those two are on their way out */
	party_end(&p);
}

/* Many addresses that never ask, or never end: the oldest make room after three seconds; after a fraction of one when
 * there is hardly room; at once when there is none. */
static void
crowd_of_many_addresses(void **state)
{
	static const enum connection_phase waits[] = { PHASE_IDLE, PHASE_READING, PHASE_WRITING };

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		struct party p = party_new();

		arrive_many(&p, 1, waits[i], 0);
		arrive_many(&p, 11, waits[i], 100);
		assert_int_equal(connections_sweep(p.all, 2999), 0);
		assert_int_equal(connections_sweep(p.all, 3000), 1);
		assert_false(is_open(p.theirs[0]));
		assert_int_equal(connections_sweep(p.all, 9000), 0);
		arrive_many(&p, 3, waits[i], 9000);
		assert_int_equal(connections_sweep(p.all, 9001), 3);
		assert_false(is_open(p.theirs[3]));
		assert_true(is_open(p.theirs[4]));
		arrive_many(&p, 4, waits[i], 9002);
		assert_false(is_open(p.theirs[7]));
		assert_true(is_open(p.theirs[8]) && is_open(p.theirs[18]));
		party_end(&p);
	}
}

/* A limit of one, too, lets one in. */
static void
crowd_of_one(void **state)
{
	struct party	 p = party_new();
	struct crowd	*small = connections_crowd(p.all, 1);

	(void)state;
	arrive(&p, small, "192.0.2.1", PHASE_IDLE, 0);
	assert_true(is_open(p.theirs[0]));
	party_end(&p);
}

/* Who waits for us, and whoever asked before and has a share that is his, stays. */
static void
crowd_of_the_well_behaved(void **state)
{
	struct party p = party_new();

	(void)state;
	arrive_many(&p, 8, PHASE_WORKING, 0);
	arrive_many(&p, 8, PHASE_WRITING, 0);
	for (size_t i = 8; i < 16; i++)
		connection_phase(p.all, p.c[i], PHASE_IDLE, 0);
	assert_int_equal(connections_sweep(p.all, 60000), 0);
	party_end(&p);
}

/* However quickly they came and went; once; and again when the rest of a crowd that was many still has gone, too. */
static void
ebb(void **state)
{
	struct connections	*all = connections_new(60, 10);
	struct crowd		*crowd = connections_crowd(all, 4096);
	struct connection	*c[600];
	size_t			 open = 0;

	(void)state;
	while (open < 255)
		c[open++] = connection_opened(all, crowd, -1, "192.0.2.1", 0);
	while (open > 0)
		connection_closed(all, c[--open]);
	assert_false(connections_ebbed(all));		/* not many */
	while (open < 600)
		c[open++] = connection_opened(all, crowd, -1, "192.0.2.1", 0);
	assert_false(connections_ebbed(all));		/* all there */
	while (open > 301)
		connection_closed(all, c[--open]);
	assert_false(connections_ebbed(all));
	connection_closed(all, c[--open]);
	assert_true(connections_ebbed(all));
	assert_false(connections_ebbed(all));
	while (open > 0)
		connection_closed(all, c[--open]);
	assert_true(connections_ebbed(all));
	assert_false(connections_ebbed(all));
	connections_free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nonces_oldest_first),
		cmocka_unit_test(in_flight_numbers), cmocka_unit_test(in_flight_bounded),
		cmocka_unit_test(deadlines), cmocka_unit_test(crowd_of_one_address),
		cmocka_unit_test(crowd_of_many_addresses), cmocka_unit_test(crowd_of_one),
		cmocka_unit_test(crowd_of_the_well_behaved), cmocka_unit_test(ebb) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
