/* ra.c: the registration authority. It holds the database and decides who may do what: it checks every
 * request from the bytes that the client signed, and trusts wfe for nothing. It holds no key that could sign
 * a certificate, nor any that could attest a validation: taken over whole, it can refuse, delay and lie to
 * clients, but ca issues only on proof (DESIGN: rules 1 to 3).
 *
 * Threads: one reader per peer, a pool that does the work, one writer in storage, one that keeps time,
 * one that has CRLs made, one for the administration socket. */
#include "ra/ra.h"

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
#include "ra/request.h"

#define READERS 8		/* snapshots at once: a read lasts a fraction of a millisecond */
#define TICK_MS 50		/* how late a wait may end */
#define HOUSEKEEPING_MS 60000

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

/* A RESULT, CERTIFICATE or REFUSED on its way from the reader to the pool, with its bytes. */
struct delivery {
	struct job	job;
	struct ra      *ra;
	enum msg_type	type;
	struct channel *from;
	struct buf	body;
};

static void
deliver(struct job *job)
{
	struct delivery *delivery = (struct delivery *)job;
	struct slice	 body = buf_slice(&delivery->body);
	bool		 good = false;

	if (delivery->type == MSG_RESULT) {
		struct msg_result result;

		if ((good = get_result(body, &result)))
			validation_result(delivery->ra, &result);
	} else if (delivery->type == MSG_CERTIFICATE) {
		struct msg_certificate certificate;

		if ((good = get_certificate(body, &certificate)))
			finalize_certificate(delivery->ra, &certificate);
	} else if (delivery->type == MSG_REFUSED) {
		struct msg_refused refused;

		if ((good = get_refused(body, &refused)))
			finalize_refused(delivery->ra, &refused);
	}
	if (!good)
		channel_malformed(delivery->from, delivery->type);
	buf_free(&delivery->body);
	free(delivery);
}

static void
put_delivery(struct ra *ra, struct channel *from, enum msg_type type, struct slice body)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (delivery == NULL)
		fail("delivery", "out of memory");
	*delivery = (struct delivery){ .job.run = deliver, .ra = ra, .type = type, .from = from };
	buf_put(&delivery->body, body.data, body.len);
	if (delivery->body.failed)
		fail("delivery", "out of memory");
	queue_put(ra->queue, &delivery->job);
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
put_request_job(struct ra *ra, struct slice body)
{
	struct msg_request msg;
	struct request	  *request;

	if (!get_request(body, &msg))
		channel_malformed(ra->wfe, MSG_REQUEST);
	if ((request = request_new(ra, &msg)) == NULL)
		fail("request", "out of memory");
	queue_put(ra->queue, &request->parked.job);
}

static void
put_lookup_job(struct ra *ra, struct slice body)
{
	struct msg_lookup msg;
	struct request	 *request;

	if (!get_lookup(body, &msg))
		channel_malformed(ra->wfe, MSG_LOOKUP);
	if ((request = request_new_lookup(ra, &msg)) == NULL)
		fail("lookup", "out of memory");
	queue_put(ra->queue, &request->parked.job);
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
	struct job job;
	struct ra *ra;
	struct msg_crl crl;
};

static enum err
write_number(struct storage_tx *tx, void *arg)
{
	struct number *number = arg;

	return crl_number_put(tx, number->crl.issuer, number->crl.shard, number->crl.number);
}

static void
store_number(struct job *job)
{
	struct number *number = (struct number *)job;
	enum err err = ra_write(number->ra, write_number, number);

	if (err != ERR_OK)
		log_event(LOG_ERROR, "a CRL's number can't be stored", F_STR("error", err_text(err)));
	free(number);
}

/* So that the next start's lists have higher ones, whatever the clock says. */
static void
keep_number(struct ra *ra, struct channel *from, struct slice body)
{
	struct number *number = calloc(1, sizeof(*number));

	if (number == NULL)
		fail("CRL", "out of memory");
	number->job.run = store_number;
	number->ra = ra;
	if (!get_crl(body, &number->crl))
		channel_malformed(from, MSG_CRL);
	number->crl.part = (struct slice){ 0 };
	if (number->crl.offset == 0)
		queue_put(ra->queue, &number->job);
	else
		free(number);
}

static void
handle(struct ra *ra, struct channel *from, enum msg_type type, struct slice body)
{
	switch (type) {
	case MSG_REQUEST:
		put_request_job(ra, body);
		break;
	case MSG_LOOKUP:
		put_lookup_job(ra, body);
		break;
	case MSG_NONCES_WANTED:
		send_nonces(ra);
		break;
	case MSG_RESULT:
	case MSG_CERTIFICATE:
	case MSG_REFUSED:
		put_delivery(ra, from, type, body);
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
	default:
		channel_malformed(from, type);
	}
}

struct reader {
	struct ra      *ra;
	struct channel *from;
	atomic_bool    *stopping;
};

/* Readers never block on anything but their peer's silence, so no two processes can wait for each other. */
static void *
read_peer(void *arg)
{
	struct reader *reader = arg;
	enum msg_type  type;
	struct slice   body;

	while (channel_receive(reader->from, &type, &body) == ERR_OK)
		handle(reader->ra, reader->from, type, body);
	/* A peer that is gone is the supervisor's business: it tells this role to stop, and until then the
	 * others are served. */
	log_event(LOG_INFO, "a peer is gone", F_STR("peer", role_name(channel_peer(reader->from))));
	return NULL;
}

/* Ends waits on time, and keeps house. */
static void *
keep_time(void *arg)
{
	struct reader *reader = arg;
	struct ra     *ra = reader->ra;
	int64_t	       next = 0;

	while (!atomic_load(reader->stopping)) {
		if (clock_monotonic_ms() >= next) {
			recovery_run(ra);
			housekeeping_run(ra);
			next = clock_monotonic_ms() + HOUSEKEEPING_MS;
		}
		park_expire(ra->park, false);
		usleep(TICK_MS * 1000);
	}
	return NULL;
}

static void *
make_crls(void *arg)
{
	struct reader *reader = arg;

	crl_schedule_run(reader->ra, reader->stopping);
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
open_all(struct ra *ra, struct proc *p)
{
	struct reason reason = { "" };

	ra->config = p->config;
	ra->base = p->config->wfe.url;
	ra->wfe = p->peer[ROLE_WFE];
	ra->va = p->peer[ROLE_VA];
	ra->ca = p->peer[ROLE_CA];
	ra->nonces = nonces_new();
	ra->accounts = accounts_new();
	ra->queue = queue_new();
	ra->crls = crl_schedule_new();
	if (ra->crls == NULL || ra->nonces == NULL || ra->accounts == NULL || ra->queue == NULL ||
	    (ra->park = park_new(ra->queue)) == NULL)
		fail("start", "out of memory");
	if (config_blocked_keys(p->config, &ra->blocked, &reason) != ERR_OK)
		fail("blocked keys", reason.text);
	if (issuers_open(p->config, &ra->issuers, &reason) != ERR_OK)
		fail("issuers", reason.text);
	if (storage_open(p->config->storage, p->config->dir, READERS, &ra->storage, &reason) != ERR_OK)
		fail("storage", reason.text);
}

static void
start_thread(pthread_t *thread, void *(*run)(void *), struct reader *arg)
{
	if (pthread_create(thread, NULL, run, arg) != 0)
		fail("thread", "can't be started");
}

/* MSG_STOP: wfe is gone already. What is in hand is finished; what waits for va or ca is in the database, and
 * the next start takes it up. The readers go on until the process ends, so the queue stays; only the pool,
 * the keeper of time and the maker of CRLs use the database. Administrators' work in the pool is waited for. */
static void
stop(struct ra *ra, pthread_t keeper, pthread_t lister)
{
	pthread_join(keeper, NULL);
	pthread_join(lister, NULL);
	park_expire(ra->park, true);
	admin_stop(ra->admin);
	queue_finish(ra->queue);
	storage_close(ra->storage);
}

_Noreturn void
ra_main(struct proc *p)
{
	static struct ra   ra;
	static atomic_bool stopping;
	struct reader	   readers[4];
	pthread_t thread, lister;

	proc_keep(p, NULL, 0);	/* before the database opens its own */
	open_all(&ra, p);
	confine(&ra, p);
	if (storage_start(ra.storage) != ERR_OK ||
	    queue_start(ra.queue, (unsigned)p->config->ra.workers) != ERR_OK ||
	    admin_start(ra.admin) != ERR_OK)
		fail("threads", "can't be started");
	if (issuers_store(&ra.issuers, ra.storage) != ERR_OK)
		fail("issuers", "their certificates can't be stored");
	for (size_t i = 0; i < 4; i++)
		readers[i] = (struct reader){ &ra, (struct channel *[]){ ra.wfe, ra.va, ra.ca, NULL }[i],
			&stopping };
	for (size_t i = 0; i < 4; i++) {
		start_thread(&thread, readers[i].from != NULL ? read_peer : keep_time, &readers[i]);
		if (readers[i].from != NULL)
			pthread_detach(thread);
	}
	start_thread(&lister, make_crls, &readers[3]);
	proc_ready(p);
	if (!proc_wait_stop(p))
		_exit(1);
	atomic_store(&stopping, true);
	stop(&ra, thread, lister); /* the keeper of time was the last of the four */
	_exit(0);
}
