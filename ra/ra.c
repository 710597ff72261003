/* ra.c: the registration authority. It holds the database and decides who may do what: it checks every request from the
 * bytes that the client signed, and trusts wfe for nothing. It holds no key that could sign a certificate, nor any that
 * could attest a validation: taken over whole, it can refuse, delay and lie to clients, but ca issues only on proof
 * (DESIGN: rules 1 to 3).
 *
 * Threads: some that read from wfe and serve what they read, one that reads from va, one from ca, one writer in storage,
 * one that keeps time, one that has CRLs made, one that renews orders, one that serves administrators. No thread waits
 * for a commit that a request's course can wait for without it (storage_write_start()): then the writer's thread goes on
 * where the request left off.
 *
 * What blocks whom: wfe's threads may send to va and ca, va's to ca and wfe, ca's and the writer's to all three; wfe
 * always takes what it is sent, and ca and va are read by threads that wait for nobody but wfe. */
#include "ra/ra.h"
#include "ra/trial.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/blocked_keys.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "proc/folders.h"
#include "proc/proc.h"
#include "lib/file.h"
#include "lib/json.h"
#include "ra/conduct.h"
#include "ra/faults.h"
#include "ra/manage.h"
#include "ra/request.h"
#include "ra/star.h"

#define WAITING 4		/* threads beyond the cores: for requests that wait for a commit */
#define READERS 8		/* snapshots at once: a read lasts a fraction of a millisecond */
#define TICK_MS 50		/* how late a wait may end */
#define HOUSEKEEPING_MS 60000
#define RETRY_MS 1000
#define RENEW_TICKS 5		/* a quarter of a second: how late a certificate may be renewed */

/* What SQLite needs beyond the common calls: its files are open already; and the administration socket's clients. No
 * socket is ever opened. */
static const char *const system_calls[] = { "pread64", "pwrite64", "fdatasync", "fsync", "fcntl", "ftruncate",
	"newfstatat", "accept4", "getsockopt", NULL };

static void
fail(const char *what, const char *why)
{
	log_event(LOG_ERROR, "ra can't start", F_STR("what", what), F_STR("why", why));
	exit(1);
}

/* --- what comes in ------------------------------------------------------------------------------- */

static void
take_result(struct ra *ra, struct slice body)
{
	struct msg_result result;

	if (!get_result(body, &result))
		channel_malformed(ra->va, MSG_RESULT);
	validation_result(ra, &result);
}

static void
take_certificate(struct ra *ra, struct slice body)
{
	struct msg_certificate certificate;

	if (!get_certificate(body, &certificate))
		channel_malformed(ra->ca, MSG_CERTIFICATE);
	finalize_certificate(ra, &certificate);
}

static void
take_refusal(struct ra *ra, struct slice body)
{
	struct msg_refused refused;

	if (!get_refused(body, &refused))
		channel_malformed(ra->ca, MSG_REFUSED);
	finalize_refused(ra, &refused);
	problem_free(&refused.problem);
}

static void
send_nonces(struct ra *ra)
{
	struct msg_nonces nonces = { .count = NONCES_MAX };
	struct buf	  out = { 0 };

	for (uint32_t i = 0; i < nonces.count; i++)
		nonce_issue(ra->nonces, nonces.nonces[i]);
	put_nonces(&out, &nonces);
	channel_send(ra->wfe, MSG_NONCES, &out);
	buf_free(&out);
}

static void
take_request(struct ra *ra, struct slice body)
{
	struct msg_request msg;
	struct request	  *request;

	if (!get_request(body, &msg))
		channel_malformed(ra->wfe, MSG_REQUEST);
	if ((request = request_new(ra, &msg)) == NULL)
		fail("request", "out of memory");
	request_run(request);
}

static void
take_lookup(struct ra *ra, struct slice body)
{
	struct msg_lookup msg;
	struct request	 *request;

	if (!get_lookup(body, &msg))
		channel_malformed(ra->wfe, MSG_LOOKUP);
	if ((request = request_new_lookup(ra, &msg)) == NULL)
		fail("lookup", "out of memory");
	request_run(request);
}

/* The server's own certificate: ra carries the bytes and can't change what comes of them, since ca takes the
 * names from its own configuration and wfe holds the key. */
static void
pass_on(struct channel *to, enum msg_type type, struct slice body)
{
	struct buf copy = { 0 };

	buf_put(&copy, body.data, body.len);
	channel_send(to, type, &copy);
	buf_free(&copy);
}

struct number {
	struct storage_write write;	/* first */
	struct msg_crl	     crl;
};

static enum err
write_number(struct storage_tx *tx, void *arg)
{
	struct number *number = arg;

	return crl_number_put(tx, number->crl.issuer, number->crl.shard, number->crl.number);
}

static void
number_stored(struct storage_write *write)
{
	if (write->err != ERR_OK)
		log_event(LOG_ERROR, "a CRL's number can't be stored", F_STR("error", err_text(write->err)));
	free(write);
}

/* So that the next start's lists have higher ones, whatever the clock says. */
static void
keep_number(struct ra *ra, struct channel *from, struct slice body)
{
	struct number *number = calloc(1, sizeof(*number));

	if (number == NULL)
		fail("CRL", "out of memory");
	if (!get_crl(body, &number->crl))
		channel_malformed(from, MSG_CRL);
	number->crl.part = (struct slice){ 0 };
	number->write = (struct storage_write){ .fn = write_number, .arg = number, .done = number_stored };
	if (number->crl.offset == 0)
		storage_write_start(ra->storage, &number->write);
	else
		free(number);
}

static void
take_seen(struct ra *ra, struct slice body)
{
	struct msg_seen seen;

	if (!get_seen(body, &seen))
		channel_malformed(ra->wfe, MSG_SEEN);
	conduct_seen(ra->conduct, &seen);
}

static void
handle(struct ra *ra, struct channel *from, enum msg_type type, struct slice body)
{
	switch (type) {
	case MSG_REQUEST:
		take_request(ra, body);
		break;
	case MSG_LOOKUP:
		take_lookup(ra, body);
		break;
	case MSG_SEEN:
		take_seen(ra, body);
		break;
	case MSG_MANAGE:
		manage_take(ra, body);
		break;
	case MSG_NONCES_WANTED:
		send_nonces(ra);
		break;
	case MSG_RESULT:
		take_result(ra, body);
		break;
	case MSG_CERTIFICATE:
		take_certificate(ra, body);
		break;
	case MSG_REFUSED:
		take_refusal(ra, body);
		break;
	case MSG_SERVER_CSR:
		pass_on(ra->ca, type, body);
		break;
	case MSG_SERVER_CERTIFICATE:
		pass_on(ra->wfe, type, body);
		break;
	case MSG_CRL:
		pass_on(ra->wfe, type, body);
		keep_number(ra, from, body);
		break;
	case MSG_OCSP:
		ocsp_take(ra, body);
		break;
	case MSG_OCSP_SIGNED:
		ocsp_take_signed(ra, body);
		break;
	default:
		channel_malformed(from, type);
	}
}

/* What a thread serves. */
struct reader {
	struct ra      *ra;
	struct channel *from;
};

static void *
read_peer(void *arg)
{
	struct reader *reader = arg;
	struct ra     *ra = reader->ra;
	enum msg_type  type;
	struct slice   body;

	while (channel_receive(reader->from, &type, &body) == ERR_OK) {
		pthread_rwlock_rdlock(&ra->open);
		handle(ra, reader->from, type, body);
		pthread_rwlock_unlock(&ra->open);
	}
	/* A peer that is gone is the supervisor's business: it tells this role to stop, and until then the
	 * others are served. */
	log_event(LOG_INFO, "a peer is gone", F_STR("peer", role_name(channel_peer(reader->from))));
	return NULL;
}

/* Ends waits on time, and keeps house. */
static void *
keep_time(void *arg)
{
	struct ra *ra = arg;
	int64_t	   next = 0, retry = 0;

	while (!atomic_load(&ra->stopping)) {
		if (clock_monotonic_ms() >= next) {
			recovery_run(ra);
			housekeeping_run(ra);
			next = clock_monotonic_ms() + HOUSEKEEPING_MS;
		}
		if (clock_monotonic_ms() >= retry) {
			retry_run(ra->retry, ra->storage);
			retry = clock_monotonic_ms() + RETRY_MS;
		}
		park_expire(ra->park, false);
		usleep(TICK_MS * 1000);
	}
	return NULL;
}

static void *
make_crls(void *arg)
{
	struct ra *ra = arg;

	crl_schedule_run(ra, &ra->stopping);
	return NULL;
}

/* Where orders are renewed by themselves. What was canceled ca hears of before it is asked for anything. */
static void *
renew_orders(void *arg)
{
	struct ra *ra = arg;

	star_tell(ra, NULL);
	for (unsigned tick = 0; !atomic_load(&ra->stopping); tick++) {
		if (tick % RENEW_TICKS == 0)
			star_run(ra);
		usleep(TICK_MS * 1000);
	}
	return NULL;
}

/* --- start --------------------------------------------------------------------------------------- */

/* Its root directory becomes the data folder: the database and the administration socket are all it may see of the
 * file system. */
static void
confine(struct ra *ra, struct proc *p)
{
	static struct sandbox sandbox = { .role = "ra", .allow = system_calls };
	struct reason reason = { "" };

	p->root = folders_data(p->config);
	proc_drop(p);
	sandbox.writable = proc_visible(p);
	/* As the user it stays, so that root's rights make nothing in a folder that isn't root's. */
	if (admin_open(ra, sandbox.writable, &ra->admin, &reason) != ERR_OK)
		fail("administration socket", reason.text);
	sandbox_enter(&sandbox);
}

static void
open_faults(struct ra *ra, const struct config *config)
{
	char	     *path = file_join(config->dir, config->ra.faults);
	struct buf    text = { 0 };
	struct reason reason = { "it can't be read" };
	json_t	     *script = NULL;

	if (path == NULL || (ra->faults = faults_new()) == NULL)
		fail("faults", "out of memory");
	if (config->ra.faults[0] != '\0' &&
	    (file_read(path, JWS_BODY_MAX, &text) != ERR_OK ||
		json_object_parse(buf_slice(&text), &script, &reason) != ERR_OK ||
		script_set(ra, script, &reason) != ERR_OK))
		fail("ra.faults", reason.text);
	json_decref(script);
	buf_free(&text);
	free(path);
}

/* A migration may rewrite millions of rows, and killed half-way it would begin anew. */
static void
open_storage(struct ra *ra, const struct proc *p)
{
	const char   *url = p->config->storage, *dir = p->config->dir;
	struct reason reason = { "" };
	int	      have, know;

	if (storage_version(url, dir, &have, &know, &reason) == ERR_OK && have > 0 && have < know) {
		log_event(LOG_INFO, "database schema is being updated; this may take minutes", F_INT("from", have),
		    F_INT("to", know));
		proc_busy(p);
	}
	if (storage_open(url, dir, READERS, &ra->storage, &reason) != ERR_OK)
		fail("storage", reason.text);
}

static void
open_all(struct ra *ra, struct proc *p)
{
	struct reason reason = { "" };

	pthread_rwlock_init(&ra->open, NULL);
	ra->config = p->config;
	ra->surface = surface_of(p->config->surface);
	ra->wfe = p->peer[ROLE_WFE];
	ra->va = p->peer[ROLE_VA];
	ra->ca = p->peer[ROLE_CA];
	ra->nonces = nonces_new();
	ra->accounts = accounts_new();
	ra->overrides = renewal_overrides_new();
	if ((ra->limits = limits_new(&p->config->ra.limits)) == NULL)
		fail("start", "out of memory");
	if (p->config->wfe.management_listen.count > 0 || p->config->ra.faults[0] != '\0')
		open_faults(ra, p->config);
	if (p->config->ra.observe && (ra->conduct = conduct_new()) == NULL)
		fail("start", "out of memory");
	ra->crls = crl_schedule_new();
	if (config_serves_ocsp(p->config) && (ra->ocsp = ocsp_cache_new()) == NULL)
		fail("start", "out of memory");
	if (ra->crls == NULL || ra->nonces == NULL || ra->overrides == NULL ||
	    ra->accounts == NULL ||
	    (ra->park = park_new()) == NULL || (ra->trials = trials_new()) == NULL || (ra->retry = retry_new()) == NULL)
		fail("start", "out of memory");
	if (config_blocked_keys(p->config, &ra->blocked, &reason) != ERR_OK)
		fail("blocked keys", reason.text);
	if (issuers_open(p->config, &ra->issuers, &reason) != ERR_OK)
		fail("issuers", reason.text);
	open_storage(ra, p);
	if (limits_load(ra->limits, ra->storage) != ERR_OK)
		fail("limits", "their overrides can't be read");
}

static pthread_t
start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg) != 0)
		fail("thread", "can't be started");
	return thread;
}

static void
start_reader(struct ra *ra, struct channel *from)
{
	struct reader *reader = malloc(sizeof(*reader));

	if (reader == NULL || from == NULL)
		fail("reader", "out of memory");
	*reader = (struct reader){ ra, from };
	pthread_detach(start_thread(read_peer, reader));
}

static void
start_readers(struct ra *ra)
{
	int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t count = ra->config->ra.workers > 0 ? ra->config->ra.workers : cores + WAITING;

	start_reader(ra, ra->va);
	start_reader(ra, ra->ca);
	for (int64_t i = 0; i < count; i++)
		start_reader(ra, channel_share(ra->wfe));
}

/* MSG_STOP: wfe is gone already. What is in hand is finished; what waits for va or ca is in the database, and
 * the next start takes it up. The readers go on until the process ends, but find the door closed. */
static void
stop(struct ra *ra, pthread_t keeper, pthread_t lister, pthread_t renewer)
{
	atomic_store(&ra->stopping, true);
	pthread_join(keeper, NULL);
	pthread_join(lister, NULL);
	pthread_join(renewer, NULL);
	admin_stop(ra->admin);
	pthread_rwlock_wrlock(&ra->open);
	park_expire(ra->park, true);
	storage_close(ra->storage);
}

_Noreturn void
ra_main(struct proc *p)
{
	static struct ra ra;
	pthread_t	 keeper, lister, renewer;

	proc_keep(p, NULL, 0);	/* before the database opens its own */
	open_all(&ra, p);
	confine(&ra, p);
	if (storage_start(ra.storage) != ERR_OK || admin_start(ra.admin) != ERR_OK)
		fail("threads", "can't be started");
	if (issuers_store(&ra.issuers, ra.storage) != ERR_OK)
		fail("issuers", "their certificates can't be stored");
	start_readers(&ra);
	keeper = start_thread(keep_time, &ra);
	lister = start_thread(make_crls, &ra);
	renewer = start_thread(renew_orders, &ra);
	proc_ready(p);
	if (!proc_wait_stop(p))
		_exit(1);
	stop(&ra, keeper, lister, renewer);
	_exit(0);
}
