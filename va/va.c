/* va: the validation authority, one perspective.
 *
 * It holds the evidence key, by which ca knows this perspective's word, and nothing else of worth. It trusts
 * ra to say what to check and no byte that comes from the network. It may open sockets to resolvers and to
 * targets that va.targets allows; it opens no file once it is confined. One loop, no threads: everything
 * slow is a state of a check (check.h).
 *
 * RESULTs for which ra has no room wait here in order. When ra or the supervisor hangs up, or says stop, this
 * process ends at once: ra asks again for what it has not heard of. */
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/file.h"
#include "lib/log.h"
#include "proc/proc.h"
#include "va/check.h"
#include "va/method.h"

#define RECEIVE_BATCH 64 /* messages before other events get their turn */

struct outgoing {
	struct outgoing *next;
	struct buf body;
};

struct va {
	struct proc *proc;
	uint8_t evidence_key[EVIDENCE_KEY_SIZE];
	struct means means;
	struct targets *targets;
	uv_loop_t loop;
	uv_poll_t ra, control;
	struct checker *checker;
	struct outgoing *first, **last; /* RESULTs that wait for room */
};

/* Beyond the common ones and tcp_connect's: what libuv, c-ares and libcurl do with sockets. */
static const char *const va_calls[] = { "connect", "getsockopt", "setsockopt", "getsockname", "getpeername",
	"fcntl", NULL };

static const struct sandbox va_sandbox = { .role = "va", .allow = va_calls, .tcp_connect = true };

static void va_watch_ra(struct va *, int events);

static _Noreturn void
va_stop(const char *why)
{
	log_event(LOG_INFO, "stopping", F_STR("why", why));
	_exit(0);
}

/* Sends what waits, until ra has no more room. */
static void
va_flush(struct va *va)
{
	struct outgoing *o;
	enum err err;

	while ((o = va->first) != NULL) {
		err = channel_try_send(va->proc->peer[ROLE_RA], MSG_RESULT, &o->body);
		if (err == ERR_BUSY)
			break;
		if (err != ERR_OK)
			va_stop("ra hung up");
		if ((va->first = o->next) == NULL)
			va->last = &va->first;
		buf_free(&o->body);
		free(o);
	}
	va_watch_ra(va, va->first != NULL ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void
va_answer(void *arg, const struct msg_result *result)
{
	struct va *va = arg;
	struct outgoing *o;
	struct buf body = { 0 };
	enum err err = ERR_BUSY;

	put_result(&body, result);
	if (body.failed)
		abort();
	if (va->first == NULL)
		err = channel_try_send(va->proc->peer[ROLE_RA], MSG_RESULT, &body);
	if (err == ERR_OK) {
		buf_free(&body);
		return;
	}
	if (err != ERR_BUSY)
		va_stop("ra hung up");
	if ((o = calloc(1, sizeof(*o))) == NULL)
		abort();
	o->body = body;
	*va->last = o;
	va->last = &o->next;
	va_watch_ra(va, UV_READABLE | UV_WRITABLE);
}

static void
va_receive(struct va *va)
{
	struct channel *ra = va->proc->peer[ROLE_RA];
	struct msg_check check;
	struct slice body;
	enum msg_type type;
	enum err err;
	int i;

	for (i = 0; i < RECEIVE_BATCH; i++) {
		err = channel_try_receive(ra, &type, &body);
		if (err == ERR_BUSY)
			return;
		if (err != ERR_OK)
			va_stop("ra hung up");
		if (type != MSG_CHECK || !get_check(body, &check) || !check_sound(&check))
			channel_malformed(ra, type);
		checker_add(va->checker, &check);
	}
}

static void
va_ra_ready(uv_poll_t *poll, int status, int events)
{
	struct va *va = poll->data;

	if (status < 0)
		va_stop("ra hung up");
	if ((events & UV_WRITABLE) != 0)
		va_flush(va);
	if ((events & UV_READABLE) != 0)
		va_receive(va);
}

static void
va_watch_ra(struct va *va, int events)
{
	if (uv_poll_start(&va->ra, events, va_ra_ready) != 0)
		abort();
}

static void
va_control_ready(uv_poll_t *poll, int status, int events)
{
	struct va *va = poll->data;

	(void)status;
	(void)events;
	va_stop(proc_wait_stop(va->proc) ? "asked to" : "the supervisor hung up");
}

static bool
va_read_key(struct va *va)
{
	struct buf key = { 0 };
	char *path = file_join(va->proc->config->dir, va->proc->config->evidence_key);
	enum err err = path != NULL ? file_read(path, EVIDENCE_KEY_SIZE, &key) : ERR_MEMORY;

	if (err == ERR_OK && key.len == EVIDENCE_KEY_SIZE)
		memcpy(va->evidence_key, key.data, key.len);
	else
		log_event(LOG_ERROR, "evidence key not readable", F_STR("file", path),
		    F_STR("cause", err != ERR_OK ? err_text(err) : "it must hold 32 bytes"));
	err = err == ERR_OK && key.len == EVIDENCE_KEY_SIZE ? ERR_OK : ERR_CONFIG;
	buf_cleanse(&key);
	free(path);
	return err == ERR_OK;
}

/* The last chance to open a file: the key, resolv.conf, OpenSSL's configuration; and to list interfaces. */
static struct va *
va_open(struct proc *p)
{
	struct va *va = calloc(1, sizeof(*va));
	struct address self[SELF_MAX];
	struct reason reason = { "" };

	if (va == NULL)
		return NULL;
	va->proc = p;
	va->last = &va->first;
	va->means.config = &p->config->va;
	va->means.evidence_key = va->evidence_key;
	va->means.caa_identities = &p->config->ra.caa_identities;
	va->means.persist = &p->config->ra;
	if (!va_read_key(va) || !fetch_prepare() ||
	    (va->means.prober = prober_new(TLS_ALPN_PROTOCOL)) == NULL ||
	    (va->means.resolver = resolver_new(&p->config->va)) == NULL)
		return NULL;
	va->targets = targets_new(&p->config->va, self, targets_self(self), &reason);
	if (va->targets == NULL) {
		log_event(LOG_ERROR, "targets refused", F_STR("cause", reason.text));
		return NULL;
	}
	va->means.targets = va->targets;
	signal(SIGPIPE, SIG_IGN); /* a peer that hangs up is an error code, for OpenSSL too */
	return va;
}

/* The loop and its own descriptors: after proc_keep(), which would close them. */
static bool
va_begin(struct va *va)
{
	if (uv_loop_init(&va->loop) != 0)
		return false;
	va->means.loop = &va->loop;
	prober_start(va->means.prober, &va->loop);
	if (!resolver_start(va->means.resolver, &va->loop) ||
	    (va->means.fetcher = fetcher_new(&va->loop, va->means.config->user_agent)) == NULL ||
	    (va->checker = checker_new(&va->means, va_answer, va)) == NULL ||
	    uv_poll_init(&va->loop, &va->ra, channel_fd(va->proc->peer[ROLE_RA])) != 0 ||
	    uv_poll_init(&va->loop, &va->control, channel_fd(va->proc->control)) != 0)
		return false;
	va->ra.data = va;
	va->control.data = va;
	va_watch_ra(va, UV_READABLE);
	return uv_poll_start(&va->control, UV_READABLE | UV_DISCONNECT, va_control_ready) == 0;
}

_Noreturn void
va_main(struct proc *p)
{
	struct va *va = va_open(p); /* the last chance to open a file */

	if (va == NULL)
		_exit(1);
	proc_keep(p, NULL, 0);
	proc_drop(p);
	if (!va_begin(va))
		_exit(1);
	sandbox_enter(&va_sandbox);
	proc_ready(p);

	uv_run(&va->loop, UV_RUN_DEFAULT); /* until va_stop() */
	abort();
}
