/* load: obtains many certificates at once from an ACME server and says what that took.
 *
 * A thread per client, each with one kept connection; all of them talk to one responder thread that is every
 * name's DNS and web server. Accounts, certificate keys and requests are made before the clock starts. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/idle.h"
#include "tests/bench/issue.h"
#include "tests/bench/record.h"
#include "tests/bench/report.h"
#include "tests/bench/responder.h"
#include "tests/bench/verify.h"

#define STACK_SIZE ((size_t)1 << 20) /* curl and OpenSSL need a fifth; sanitizers the rest */
#define RETRY_MS 100
#define KEY_POOL 32 /* certificate keys; more would only take longer to make */

struct load {
	struct options options;
	struct directory directory;
	struct account *accounts;
	struct request *requests;
	EVP_PKEY *keys[KEY_POOL];
	atomic_uint next; /* the request that the next free client takes */
	int64_t start, end; /* by stats_clock_us(); the end with --duration */
	atomic_bool broken; /* an account could not be made */
	pthread_barrier_t ready, go;
};

struct client {
	struct load *load;
	unsigned number;
	pthread_t thread;
	struct session session;
	struct stats stats;
};

static void
make_accounts(struct client *c)
{
	struct load *load = c->load;

	c->session.deadline = stats_clock_us() + (int64_t)load->options.timeout * 1000000;
	for (unsigned n = c->number; n < load->options.accounts; n += load->options.clients) {
		account_key_new(&load->accounts[n].key, strcmp(load->options.account_key, "rs256") == 0);
		if (issue_account(&c->session, &load->accounts[n]))
			continue;
		failure_add(c->session.kind, c->session.detail);
		atomic_store(&load->broken, true);
	}
	/* What accounts cost is not part of an issuance. */
	c->stats.requests = c->stats.connections = c->stats.retries = c->stats.bad_nonces = 0;
}

/* With --rate an issuance has a time at which it begins. */
static int64_t
wait_for_turn(const struct load *load, unsigned taken)
{
	int64_t now = stats_clock_us(), due = now;

	if (load->options.rate > 0)
		due = load->start + (int64_t)taken * 1000000 / load->options.rate;
	if (due > now)
		usleep((useconds_t)(due - now));
	return due;
}

/* The number of the next request, and since when it is due; false when all is done. */
static bool
take_request(struct load *load, unsigned *n, int64_t *due)
{
	unsigned taken = atomic_fetch_add(&load->next, 1);

	*n = taken % load->options.issuances;
	*due = wait_for_turn(load, taken);
	return !atomic_load(&load->broken) &&
	       (taken < load->options.issuances || stats_clock_us() < load->end);
}

static void *
client_run(void *arg)
{
	struct client *c = arg;
	struct load *load = c->load;
	unsigned n, turn = 0;
	int64_t due;

	if (!session_open(&c->session, &load->options, &load->directory, &c->stats))
		abort();
	make_accounts(c);
	pthread_barrier_wait(&load->ready);
	pthread_barrier_wait(&load->go);
	while (take_request(load, &n, &due)) {
		const struct account *a =
		    &load->accounts[(c->number + turn++ * load->options.clients) % load->options.accounts];

		if (issue_certificate(&c->session, a, &load->requests[n], due)) {
			c->stats.issued++;
			continue;
		}
		c->stats.failed++;
		failure_add(c->session.kind, c->session.detail);
		/* A server that answers no more would cost each of the others its whole time too. */
		if (!load->options.retry && c->session.status == 0)
			break;
	}
	session_close(&c->session);
	return NULL;
}

static bool
read_directory(struct load *load)
{
	struct session s;
	struct stats unused = { 0 };
	bool ok;

	if (!session_open(&s, &load->options, NULL, &unused))
		abort();
	s.deadline = stats_clock_us() + (int64_t)load->options.timeout * 1000000;
	while (!(ok = session_directory(&s, &load->directory)) && load->options.retry && !session_late(&s))
		session_sleep(RETRY_MS);
	if (!ok)
		fprintf(stderr, "load: %s: %s (%s)\n", load->options.directory, s.kind, s.detail);
	session_close(&s);
	return ok;
}

static void
make_requests(struct load *load)
{
	const struct options *o = &load->options;

	load->accounts = calloc(o->accounts, sizeof(*load->accounts));
	load->requests = calloc(o->issuances, sizeof(*load->requests));
	if (load->accounts == NULL || load->requests == NULL)
		abort();
	for (unsigned n = 0; n < KEY_POOL && n < o->issuances; n++)
		load->keys[n] = key_new(o->key_type);
	for (unsigned n = 0; n < o->issuances; n++)
		request_new(&load->requests[n], load->keys[n % KEY_POOL], o->names, o->domain);
}

static void
free_requests(struct load *load)
{
	for (unsigned n = 0; n < load->options.issuances; n++)
		request_free(&load->requests[n]);
	for (unsigned n = 0; n < load->options.accounts; n++)
		account_key_free(&load->accounts[n].key);
	for (unsigned n = 0; n < KEY_POOL; n++)
		EVP_PKEY_free(load->keys[n]);
	free(load->requests);
	free(load->accounts);
}

static struct client *
start_clients(struct load *load)
{
	struct client *clients = calloc(load->options.clients, sizeof(*clients));
	pthread_attr_t attr;

	if (clients == NULL || pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, STACK_SIZE) != 0 ||
	    pthread_barrier_init(&load->ready, NULL, load->options.clients + 1) != 0 ||
	    pthread_barrier_init(&load->go, NULL, load->options.clients + 1) != 0)
		abort();
	for (unsigned n = 0; n < load->options.clients; n++) {
		clients[n].load = load;
		clients[n].number = n;
		if (pthread_create(&clients[n].thread, &attr, client_run, &clients[n]) != 0) {
			perror("load: thread");
			exit(2);
		}
	}
	pthread_attr_destroy(&attr);
	return clients;
}

/* Runs the load; the report's numbers are of the time in which certificates were issued. */
static void
run(struct load *load, struct report *report)
{
	struct client *clients = start_clients(load);

	pthread_barrier_wait(&load->ready);
	report_start(report, &load->options);
	load->start = report->start;
	load->end = report->start + (int64_t)load->options.duration * 1000000;
	pthread_barrier_wait(&load->go);
	for (unsigned n = 0; n < load->options.clients; n++)
		pthread_join(clients[n].thread, NULL);
	report_stop(report, &load->options);
	for (unsigned n = 0; n < load->options.clients; n++) {
		stats_merge(&report->stats, &clients[n].stats);
		stats_free(&clients[n].stats);
	}
	free(clients);
}

static void
raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
}

int
main(int argc, char **argv)
{
	static struct load load;
	struct report *report = calloc(1, sizeof(*report));
	bool complete;

	if (report == NULL)
		abort();
	options_read(&load.options, argc, argv);
	raise_limits();
	record_open(load.options.records);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	responder_start(load.options.http_port, load.options.dns_port, load.options.tls_port);
	if (!read_directory(&load)) {
		free(report);
		return 1;
	}
	make_requests(&load);
	idle_open(&load.options);
	run(&load, report);
	report_print(report, &load.options);
	complete = report->stats.issued >= load.options.issuances && report->stats.failed == 0;
	stats_free(&report->stats);
	free(report);
	free_requests(&load);
	idle_close();
	verify_end();
	curl_global_cleanup();
	return complete ? 0 : 1;
}
