/* http-01 end to end over loopback: a thread that answers DNS and HTTP, and against it the real
 * resolver, fetcher and checker. What it answers hangs on the first label of the name. */
#include <arpa/inet.h>
#include <ctype.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "acme/evidence.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "va/check.h"

#define TOKEN "dG9rZW4tb2YtMzItYnl0ZXMtZm9yLXRlc3RpbmctMDE"
#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
#define OTHER "AAAAAA-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"

static const uint8_t mac[EVIDENCE_KEY_SIZE] = { 1, 2, 3 };
static const struct evidence_key key = { .mac = mac };

struct world {
	int dns, http, held[16];
	size_t held_count;
	uint16_t dns_port, http_port;
	pthread_t thread;
	atomic_bool stop;
	uv_loop_t loop;
	struct va_config config;
	struct targets *targets;
	struct means means;
	struct egress egress;
	struct connector *connector;
	struct checker *checker;
	struct msg_result result; /* the last */
	uint8_t evidence[BUNDLE_MAX];
	size_t answered;
};

static int
bound(int type, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, type, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static const struct zone_line {
	const char *label;
	uint8_t rcode;
	const char *v4, *v6;
} zone[] = {
	{ "nx", 3, NULL, NULL }, { "servfail", 2, NULL, NULL }, { "refusing", 5, NULL, NULL },
	{ "nodata", 0, NULL, NULL }, { "both", 0, "127.0.0.1", "::1" }, { "closed", 0, "127.0.0.9", NULL },
	{ "denied", 0, "10.1.2.3", NULL }, { "half", 0, "127.0.0.1", "fc00::1" },
	{ "mapped", 0, NULL, "::ffff:10.1.2.3" }, { "", 0, "127.0.0.1", NULL }, /* every other name */
};

static void
answer_dns(int fd)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	uint8_t q[1024], rdata[16];
	char label[64] = "";
	const struct zone_line *z = zone;
	ssize_t got = recvfrom(fd, q, 512, 0, (struct sockaddr *)&from, &from_len);
	size_t end = 12, rlen;
	bool v6;

	if (got < 17)
		return;
	for (int i = 0; i < (q[12] & 63); i++) /* the question comes in letters of any case */
		label[i] = (char)tolower(q[13 + i]);
	if (strcmp(label, "silent") == 0)
		return;
	while (q[end] != 0)
		end += q[end] + 1u;
	end += 5; /* the root label, type, class */
	v6 = q[end - 3] == 28;
	while (z->label[0] != '\0' && strcmp(z->label, label) != 0)
		z++;
	q[2] |= 0x80;
	q[3] = (uint8_t)(0x80 | z->rcode);
	memset(q + 6, 0, 6);
	if ((v6 ? z->v6 : z->v4) != NULL) {
		q[7] = 1;
		rlen = v6 ? 16 : 4;
		inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? z->v6 : z->v4, rdata);
		memcpy(q + end, (uint8_t[]){ 0xc0, 12, 0, v6 ? 28 : 1, 0, 1, 0, 0, 0, 60, 0, (uint8_t)rlen },
		    12);
		memcpy(q + end + 12, rdata, rlen);
		end += 12 + rlen;
	}
	sendto(fd, q, end, 0, (struct sockaddr *)&from, from_len);
}

/* Appends the answer for that label and path. */
static void
compose(struct buf *out, const char *label, const char *path, uint16_t port)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
	unsigned step = 0;
	size_t i;

	if (strcmp(label, "notfound") == 0) {
		buf_put_str(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nsecret");
	} else if (strcmp(label, "other") == 0) {
		buf_printf(out, "%s" TOKEN "." OTHER, ok);
	} else if (strcmp(label, "html") == 0) {
		buf_printf(out, "%s<!DOCTYPE html><p>secret", ok);
	} else if (strcmp(label, "big") == 0) {
		buf_printf(out, "%s" TOKEN "." THUMBPRINT, ok);
		for (i = 0; i < 500; i++)
			buf_put_str(out, "          ");
	} else if (strcmp(label, "headers") == 0) {
		buf_put_str(out, "HTTP/1.1 200 OK\r\n");
		for (i = 0; i < 1000; i++)
			buf_printf(out, "X-%zu: 0123456789012345678901234567890123456789\r\n", i);
		buf_put_str(out, "\r\n");
	} else if (strcmp(label, "garbage") == 0) {
		buf_put_str(out, "220 mail.example ESMTP\r\n");
	} else if (strcmp(label, "redirect") == 0) {
		buf_printf(
		    out, "HTTP/1.1 302 Found\r\nLocation: http://ok.test:%u/elsewhere#x\r\n\r\n", port);
	} else if (strcmp(label, "inside") == 0) {
		buf_printf(out, "HTTP/1.1 301 Moved\r\nLocation: http://denied.test:%u/\r\n\r\n", port);
	} else if (strcmp(label, "bare") == 0) {
		buf_printf(out, "HTTP/1.1 301 Moved\r\nLocation: http://10.1.2.3:%u/\r\n\r\n", port);
	} else if (strcmp(label, "port") == 0) {
		buf_put_str(out, "HTTP/1.1 301 Moved\r\nLocation: http://ok.test:22/\r\n\r\n");
	} else if (strcmp(label, "loop") == 0) {
		buf_printf(
		    out, "HTTP/1.1 307 Again\r\nLocation: /%s\r\n\r\n", strcmp(path, "/a") == 0 ? "b" : "a");
	} else if (strcmp(label, "chain") == 0) {
		sscanf(path, "/step%u", &step);
		buf_printf(out, "HTTP/1.1 308 Further\r\nLocation: /step%u\r\n\r\n", step + 1);
	} else if (strcmp(label, "empty") != 0) {
		buf_printf(out, "%s" TOKEN "." THUMBPRINT " \r\n", ok);
	}
}

static void
answer_http(struct world *w)
{
	char request[4096], label[64] = "", path[256] = "";
	struct buf out = { 0 };
	size_t len = 0;
	ssize_t got;
	const char *host;
	int fd = accept(w->http, NULL, NULL);

	request[0] = '\0';
	while (fd != -1 && strstr(request, "\r\n\r\n") == NULL && len < sizeof(request) - 1 &&
	       (got = recv(fd, request + len, sizeof(request) - 1 - len, 0)) > 0) {
		len += (size_t)got;
		request[len] = '\0';
	}
	if ((host = strstr(request, "\r\nHost: ")) != NULL && sscanf(request, "GET %255s", path) == 1)
		sscanf(host + 8, "%63[^.:\r]", label);
	if (strcmp(label, "hang") == 0 && w->held_count < 16) {
		w->held[w->held_count++] = fd;
		return;
	}
	compose(&out, label, path, w->http_port);
	for (len = 0; len < out.len; len += (size_t)got)
		if ((got = send(fd, out.data + len, out.len - len, MSG_NOSIGNAL)) <= 0)
			break;
	buf_free(&out);
	close(fd);
}

static void *
respond(void *arg)
{
	struct world *w = arg;
	struct pollfd fds[2] = { { w->dns, POLLIN, 0 }, { w->http, POLLIN, 0 } };

	while (!w->stop) {
		if (poll(fds, 2, 20) <= 0)
			continue;
		if (fds[0].revents != 0)
			answer_dns(w->dns);
		if (fds[1].revents != 0)
			answer_http(w);
	}
	return NULL;
}

static void
answered(void *arg, const struct msg_result *result)
{
	struct world *w = arg;

	w->result = *result;
	if (result->evidence.len > 0)
		memcpy(w->evidence, result->evidence.data, result->evidence.len);
	w->result.evidence.data = w->evidence;
	w->answered++;
}

static int
setup(void **state)
{
	static char private[] = "private", link[] = "link-local", *deny[] = { private, link };
	static char *servers[1];
	static char server[32];
	struct world *w = calloc(1, sizeof(*w));
	static char zone_name[] = "zone.test", nowhere[] = "127.0.0.9:1", *nowheres[] = { nowhere };
	static struct zone_config zones[] = { { .zone = zone_name, .resolvers = { nowheres, 1 } } };
	struct reason reason;

	assert_non_null(w);
	w->dns = bound(SOCK_DGRAM, &w->dns_port);
	w->http = bound(SOCK_STREAM, &w->http_port);
	snprintf(server, sizeof(server), "127.0.0.1:%u", w->dns_port);
	servers[0] = server;
	w->config = (struct va_config){ .resolvers = { servers, 1 },
		.zones = zones,
		.zone_count = 1,
		.http_port = w->http_port,
		.tls_port = 443,
		.deny = { deny, 2 },
		.timeout = 1,
		.concurrent = 8,
		.account_limit = 8,
		.target_limit = 8 };
	w->means = (struct means){ .config = &w->config, .loop = &w->loop, .key = key, .perspective = "primary" };
	assert_true(fetch_prepare());
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_non_null(w->targets = targets_new(&w->config, NULL, 0, &reason));
	assert_non_null(w->means.resolver = resolver_new(&w->config, &w->egress, w->targets));
	resolver_start(w->means.resolver, &w->loop);
	w->means.targets = w->targets;
	assert_non_null(w->connector = connector_new(&w->loop, &w->egress));
	assert_non_null(w->means.fetcher = fetcher_new(&w->loop, w->connector, "signet-va"));
	assert_non_null(w->means.gates = gates_new(&w->loop, 8));
	assert_non_null(w->checker = checker_new(&w->means));
	assert_int_equal(pthread_create(&w->thread, NULL, respond, w), 0);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	size_t i;

	checker_free(w->checker);
	gates_free(w->means.gates);
	fetcher_free(w->means.fetcher);
	connector_free(w->connector);
	resolver_free(w->means.resolver);
	targets_free(w->targets);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	w->stop = true;
	pthread_join(w->thread, NULL);
	for (i = 0; i < w->held_count; i++)
		close(w->held[i]);
	close(w->dns);
	close(w->http);
	free(w);
	return 0;
}

static void
add(struct world *w, const char *name)
{
	struct msg_check check = { .authorization = id_new(),
		.method = CHALLENGE_HTTP_01,
		.identifier = { .type = IDENTIFIER_DNS },
		.token = TOKEN,
		.thumbprint = THUMBPRINT };

	snprintf(check.identifier.value, sizeof(check.identifier.value), "%s", name);
	checker_add(w->checker, &check, answered, w);
}

static void
wait_for(struct world *w, size_t count)
{
	int64_t until = clock_monotonic_ms() + 5000;

	while (w->answered < count) {
		assert_true(clock_monotonic_ms() < until);
		uv_run(&w->loop, UV_RUN_ONCE);
	}
}

static void
check_one(struct world *w, const char *name)
{
	size_t before = w->answered;

	add(w, name);
	wait_for(w, before + 1);
	assert_null(strstr(w->result.detail, "secret")); /* no byte of a body */
}

static void
passes(struct world *w, const char *name, const char *addresses)
{
	struct evidence e;

	check_one(w, name);
	if (!w->result.ok)
		print_error("%s: %s\n", name, w->result.detail);
	assert_true(w->result.ok);
	assert_int_equal(evidence_get(w->result.evidence, &key, &e), ERR_OK);
	assert_string_equal(e.identifier.value, name);
	assert_string_equal(e.token, TOKEN);
	assert_string_equal(e.thumbprint, THUMBPRINT);
	assert_string_equal(e.addresses, addresses);
	assert_string_equal(e.perspective, "primary");
	assert_int_equal(e.method, CHALLENGE_HTTP_01);
	assert_int_equal(e.caa, CAA_NOT_CHECKED);
}

static void
fails(struct world *w, const char *name, enum problem_type type, const char *part)
{
	check_one(w, name);
	assert_false(w->result.ok);
	if (w->result.problem != type || strstr(w->result.detail, part) == NULL)
		print_error("%s: %s: %s\n", name, problem_name(w->result.problem), w->result.detail);
	assert_int_equal(w->result.problem, type);
	assert_non_null(strstr(w->result.detail, part));
	assert_non_null(strstr(w->result.detail, name));
}

static void
test_success(void **state)
{
	struct world *w = *state;
	json_t *record;

	passes(w, "ok.test", "127.0.0.1");
	assert_non_null(record = json_loads(w->result.record, 0, NULL));
	assert_int_equal(json_array_size(record), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(record, 0), "addressUsed")), "127.0.0.1");
	json_decref(record);
	passes(w, "redirect.test", "127.0.0.1 127.0.0.1");
	assert_non_null(record = json_loads(w->result.record, 0, NULL));
	assert_int_equal(json_array_size(record), 2);
	json_decref(record);
	passes(w, "both.test", "::1 127.0.0.1");
	passes(w, "half.test", "127.0.0.1"); /* the address that is not allowed is not tried */
	passes(w, "localhost", "::1 127.0.0.1");
	passes(w, "nas.localhost", "::1 127.0.0.1");
}

static void
test_answers(void **state)
{
	struct world *w = *state;

	fails(w, "notfound.test", PROBLEM_UNAUTHORIZED, "from 127.0.0.1 answered status 404");
	fails(w, "other.test", PROBLEM_INCORRECT_RESPONSE, "another account's thumbprint");
	fails(w, "html.test", PROBLEM_INCORRECT_RESPONSE, "an HTML page");
	fails(w, "big.test", PROBLEM_INCORRECT_RESPONSE, "longer than 1024");
	fails(w, "headers.test", PROBLEM_CONNECTION, "headers");
	fails(w, "garbage.test", PROBLEM_CONNECTION, "HTTP/1.1");
	fails(w, "empty.test", PROBLEM_CONNECTION, "closed the connection without an answer");
}

static void
test_redirects(void **state)
{
	struct world *w = *state;

	check_one(w, "inside.test");
	assert_int_equal(w->result.problem, PROBLEM_CONNECTION);
	assert_non_null(strstr(w->result.detail, "denied.test has the address 10.1.2.3 (private)"));
	fails(w, "bare.test", PROBLEM_CONNECTION, "bare address 10.1.2.3");
	fails(w, "port.test", PROBLEM_CONNECTION, "redirected to port 22");
	fails(w, "loop.test", PROBLEM_CONNECTION, "in a loop");
	fails(w, "chain.test", PROBLEM_CONNECTION, "after 10 redirects");
}

static void
test_network(void **state)
{
	struct world *w = *state;
	int64_t begun;

	fails(w, "closed.test", PROBLEM_CONNECTION, "refused the connection");
	fails(w, "denied.test", PROBLEM_CONNECTION, "10.1.2.3 (private)");
	fails(w, "mapped.test", PROBLEM_CONNECTION, "(private)");
	fails(w, "nx.test", PROBLEM_DNS, "answered NXDOMAIN");
	fails(w, "nodata.test", PROBLEM_DNS, "without an address");
	fails(w, "servfail.test", PROBLEM_DNS, "answered SERVFAIL");
	fails(w, "refusing.test", PROBLEM_DNS, "answered REFUSED");
	fails(w, "ok.zone.test", PROBLEM_DNS, "resolver 127.0.0.9:1 "); /* the zone's, where nobody listens */
	begun = clock_monotonic_ms();
	fails(w, "silent.test", PROBLEM_DNS, "has not answered");
	fails(w, "hang.test", PROBLEM_CONNECTION, "did not finish its answer");
	assert_in_range(clock_monotonic_ms() - begun, 1900, 3500);
}

/* Slow targets leave room for a fast one; what is more than may run waits; what is more than may wait is
 * refused. */
static void
test_many(void **state)
{
	struct world *w = *state;
	size_t i;

	for (i = 0; i < 7; i++)
		add(w, i % 2 == 0 ? "hang.test" : "silent.test");
	passes(w, "ok.test", "127.0.0.1");
	assert_int_equal(w->answered, 1);
	for (i = 0; i < 81; i++)
		add(w, "ok.test");
	assert_int_equal(w->answered, 1);
	add(w, "ok.test");
	assert_int_equal(w->answered, 2);
	assert_int_equal(w->result.problem, PROBLEM_SERVER_INTERNAL);
	wait_for(w, 2 + 81 + 7);
	assert_int_equal(checker_running(w->checker), 0);
}

/* Dropped in every state, without an answer and without a leak. */
static void
test_stop(void **state)
{
	struct world *w = *state;
	size_t i;

	for (i = 0; i < 20; i++)
		add(w, i % 3 == 0 ? "hang.test" : i % 3 == 1 ? "silent.test" : "ok.test");
	for (i = 0; i < 5; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
}

/* With an order in it: CAA alone, and the statement says no more than that. */
static void
test_caa_alone(void **state)
{
	struct world *w = *state;
	struct msg_check check = { .authorization = id_new(), .order = id_new(),
		.method = CHALLENGE_DNS_01,
		.wildcard = true,
		.identifier = { .type = IDENTIFIER_DNS, .value = "nodata.test" },
		.token = TOKEN,
		.thumbprint = THUMBPRINT,
		.account_url = "https://ca/1" };
	struct strings none = { 0 };
	struct evidence e;

	w->means.caa_identities = &none;
	w->config.caa = CAA_ENFORCE;
	checker_add(w->checker, &check, answered, w);
	wait_for(w, 1);
	assert_true(w->result.ok);
	assert_true(id_eq(w->result.order, check.order));
	assert_int_equal(evidence_get(w->result.evidence, &key, &e), ERR_OK);
	assert_string_equal(e.identifier.value, "nodata.test");
	assert_string_equal(e.account_url, "https://ca/1");
	assert_int_equal(e.validated, 0);
	assert_true(e.wildcard && e.method == CHALLENGE_DNS_01 && e.caa == CAA_ABSENT);
	assert_in_range(e.caa_checked, clock_now() - 5, clock_now());
	assert_int_equal(w->result.caa_checked, e.caa_checked);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_success, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redirects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_network, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caa_alone, setup, teardown),
	};

	log_open("test", LOG_ERROR, LOG_TEXT);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
