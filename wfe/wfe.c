/* wfe.c: the front end: HTTPS to the internet, one wire to ra.
 *
 * It holds the server's TLS key and nothing else worth having: no account's authority, no database, no file
 * after its start. It checks shape, size and media type, answers garbage itself, and hands every POST to ra,
 * which believes only what the client signed. It trusts ra's replies and nothing that comes from outside.
 *
 * Threads: libmicrohttpd's (one for each core and each ACME listener), one that reads from ra, one that watches
 * unfinished handshakes, one that calls whoever waits for his turn, one that sees to deadlines and renewals every
 * second, and the main thread, which waits for the supervisor. */
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "acme/route.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "wfe/directory.h"
#include "wfe/listen.h"
#include "wfe/quotas.h"
#include "wfe/reader.h"
#include "wfe/server.h"

#define STOP_MS 8000		/* for requests in hand when asked to stop; the supervisor gives ten s */
#define WAIT_MS 200		/* between two looks whether the supervisor has a word, while we wait for ra */
#define SWEEPS 8		/* a second: what a crowd of slow clients makes others wait */
#define OTHER_DESCRIPTORS 128	/* listeners, channels, event loops: far fewer, for any number of cores */

/* Beyond the common ones: sockets that exist already, and libmicrohttpd's ways to wake its threads. */
static const char *const wfe_calls[] = { "accept", "accept4", "eventfd2", "fcntl", "getpeername",
	"getsockname", "getsockopt", "pipe2", "sendfile", "setsockopt", "shutdown", NULL };

static const struct sandbox wfe_sandbox = { .role = "wfe", .allow = wfe_calls };

static _Noreturn void
die(const char *what, enum err err)
{
	log_event(LOG_ERROR, "wfe can't start", F_STR("step", what), F_STR("cause", err_text(err)));
	_exit(1);
}

static unsigned
thread_count(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->wfe.threads > 0)
		return (unsigned)config->wfe.threads;
	return cores > 1 ? (unsigned)cores : 1;
}

static enum err
make_urls(struct wfe *wfe)
{
	struct site site = { wfe->surface, wfe->config->wfe.url };
	struct buf  link = { 0 };

	buf_put_str(&link, "<");
	route_url(&link, &site, ROUTE_DIRECTORY, NULL, NULL);
	buf_put_str(&link, ">;rel=\"index\"");
	wfe->index_link = buf_take_str(&link);
	return wfe->index_link != NULL ? directory_put(&wfe->directory, wfe->config, &site) : ERR_MEMORY;
}

static struct wfe *
wfe_open(const struct proc *p)
{
	const struct config	*config = p->config;
	struct wfe		*wfe = calloc(1, sizeof(*wfe));
	enum err		 err;

	if (wfe == NULL)
		die("memory", ERR_MEMORY);
	wfe->config = config;
	wfe->ra = p->peer[ROLE_RA];
	wfe->surface = surface_of(config->surface);
	wfe->connections = connections_new(config->wfe.idle_time, config->wfe.request_time);
	wfe->in_flight = in_flight_new();
	wfe->nonces = nonce_stock_new();
	wfe->metrics = metrics_new();
	wfe->crls = crls_new();
	wfe->turns = turns_new((unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	wfe->quotas = quotas_new(&config->wfe);
	wfe->threads = thread_count(config);
	if (wfe->connections == NULL || wfe->in_flight == NULL || wfe->nonces == NULL ||
	    wfe->metrics == NULL || wfe->crls == NULL || wfe->turns == NULL || wfe->quotas == NULL)
		die("memory", ERR_MEMORY);
	if ((err = make_urls(wfe)) != ERR_OK)
		die("directory", err);
	if ((err = plain_open(config, &wfe->plain)) != ERR_OK)
		die("certificates to serve", err);
	if ((err = management_open(config, &wfe->management)) != ERR_OK)
		die("pages of the management listener", err);
	if (config->wfe.tls != TLS_OFF && (err = tls_open(config, p->secret, &wfe->tls)) != ERR_OK)
		die("TLS", err);
	return wfe;
}

void
wfe_want_nonces(struct wfe *wfe)
{
	if (nonce_stock_wants(wfe->nonces) && channel_try_send(wfe->ra, MSG_NONCES_WANTED, NULL) != ERR_OK)
		nonce_stock_not_asked(wfe->nonces);
}

static void
warn_of_limit(const struct config *config)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < (rlim_t)config->wfe.connections + OTHER_DESCRIPTORS)
		log_event(LOG_WARNING, "the limit on open files is too low for wfe.connections",
		    F_INT("limit", limit.rlim_cur), F_INT("connections", config->wfe.connections));
}

static bool
is_shut(struct connection *c, void *connections)
{
	return connection_is_shut(connections, c);
}

static void
tell_of_clients(struct wfe *wfe, size_t dropped)
{
	size_t waited = turns_waited(wfe->turns);

	if (dropped > 0)
		log_event(LOG_INFO, "slow clients dropped", F_INT("count", dropped));
	if (waited > 0)
		log_event(LOG_INFO, "clients that ask for much wait for their turn", F_INT("requests", waited));
}

static void *
housekeeping(void *arg)
{
	struct wfe *wfe = arg;
	size_t slow = 0;

	for (unsigned turn = 0;; turn++) {
		slow += connections_sweep(wfe->connections, clock_monotonic_ms());
		turns_sweep(wfe->turns, is_shut, wfe->connections, clock_monotonic_us());
		if (turn % SWEEPS == 0) {
			tell_of_clients(wfe, slow);
			slow = 0;
			if (wfe->tls != NULL)
				tls_tick(wfe->tls, wfe->ra);
			wfe_want_nonces(wfe);
			if (connections_ebbed(wfe->connections))
				malloc_trim(0);		/* some 30 KiB each, kept for the next */
		}
		nanosleep(&(struct timespec){ .tv_nsec = 1000000000 / SWEEPS }, NULL);
	}
	return NULL;
}

static void
start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg) != 0)
		die("thread", ERR_MEMORY);
	pthread_detach(thread);
}

/* Clients wait in the listeners' queues until ra answers: its first word is nonces; and until there is a certificate to
 * listen with. housekeeping() asks for both: two threads at once would find the channel busy, and try again after a
 * second. */
static void
wait_for_others(struct wfe *wfe, const struct proc *p)
{
	struct pollfd control = { .fd = channel_fd(p->control), .events = POLLIN };

	while (!nonce_stock_wait(wfe->nonces, WAIT_MS) || (wfe->tls != NULL && !tls_wait(wfe->tls, WAIT_MS))) {
		if (poll(&control, 1, 0) > 0)
			_exit(proc_wait_stop(p) ? 0 : 1);
	}
}

/* Takes no more, lets what is in hand finish, then ends what is left. */
static void
wfe_stop(struct wfe *wfe)
{
	int64_t until = clock_monotonic_ms() + STOP_MS;

	atomic_store(&wfe->stopping, true);
	listen_quiesce(wfe);
	turns_end(wfe->turns);
	do {
		connections_close_idle(wfe->connections);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	} while (connections_count(wfe->connections) > 0 && clock_monotonic_ms() < until);
	reader_abandon(wfe);
	listen_stop(wfe);
}

_Noreturn void
wfe_main(struct proc *p)
{
	struct wfe *wfe = wfe_open(p);		/* the last chance to open a file */

	signal(SIGPIPE, SIG_IGN);
	tzset();	/* else libmicrohttpd's first Date header opens /etc/localtime */
	proc_keep(p, NULL, 0);
	proc_drop(p);
	warn_of_limit(p->config);
	sandbox_enter(&wfe_sandbox);
	if ((wfe->watcher = watcher_new(wfe->turns)) == NULL)
		die("handshakes", ERR_IO);
	start_thread(reader_run, wfe);
	start_thread(housekeeping, wfe);
	start_thread(watcher_run, wfe->watcher);
	start_thread(turns_run, wfe->turns);
	wait_for_others(wfe, p);
	if (!listen_start(wfe, p->listeners, p->listener_count))
		_exit(1);
	proc_ready(p);

	if (!proc_wait_stop(p))			/* the supervisor is gone */
		_exit(1);
	wfe_stop(wfe);
	_exit(0);
}
