/* va: the validation authority: the primary perspective, those that are configured on this machine, and the one that
 * asks them all.
 *
 * It holds the evidence key, by which ca knows these perspectives' word, and nothing else of worth. It trusts
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

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "proc/proc.h"
#include "va/ballot.h"
#include "va/fetch.h"
#include "va/remote.h"
#include "va/station.h"
#include "va/viewpoint.h"

#define RECEIVE_BATCH 64 /* messages before other events get their turn */

struct outgoing {
	struct outgoing *next;
	struct buf body;
};

struct va {
	struct proc *proc;
	uint8_t evidence_key[EVIDENCE_KEY_SIZE];
	struct viewpoint *viewpoints[PERSPECTIVES_MAX + 1]; /* NULL: it is on another machine */
	struct remote *remotes[PERSPECTIVES_MAX + 1];
	EVP_PKEY *perspective_key; /* NULL: nobody is on another machine */
	struct voter voters[PERSPECTIVES_MAX + 1]; /* the primary, and va.perspectives */
	struct ballots *ballots;
	uv_loop_t loop;
	uv_poll_t ra, control;
	struct outgoing *first, **last; /* RESULTs that wait for room */
};

/* Beyond the common ones and tcp_connect's: what libuv, the resolver and libcurl do with sockets. */
static const char *const va_calls[] = { "connect", "getsockopt", "setsockopt", "getsockname", "getpeername",
	"fcntl", NULL };

/* With a perspective that has a source. */
static const char *const va_calls_bind[] = { "connect", "getsockopt", "setsockopt", "getsockname", "getpeername",
	"fcntl", "bind", NULL };

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
		memory_out();
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
	struct msg_clock clock;
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
		if (type == MSG_CLOCK && va->proc->config->preset == PRESET_PEBBLE && get_clock(body, &clock)) {
			clock_shift(clock.shift);
			continue;
		}
		if (type != MSG_CHECK || !get_check(body, &check) || !check_sound(&check))
			channel_malformed(ra, type);
		ballots_add(va->ballots, &check);
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
va_read_key(const struct va *va, const char *name, uint8_t out[EVIDENCE_KEY_SIZE])
{
	struct buf key = { 0 };
	char *path = file_join(va->proc->config->dir, name);
	enum err err = path != NULL ? file_read(path, EVIDENCE_KEY_SIZE, &key) : ERR_MEMORY;

	if (err == ERR_OK && key.len == EVIDENCE_KEY_SIZE)
		memcpy(out, key.data, key.len);
	else
		log_event(LOG_ERROR, "key not readable", F_STR("file", path),
		    F_STR("cause", err != ERR_OK ? err_text(err) : "it must hold 32 bytes"));
	err = err == ERR_OK && key.len == EVIDENCE_KEY_SIZE ? ERR_OK : ERR_CONFIG;
	buf_cleanse(&key);
	free(path);
	return err == ERR_OK;
}

/* With which we show perspectives on other machines that we are the primary. */
static bool
va_read_perspective_key(struct va *va)
{
	uint8_t key[EVIDENCE_KEY_SIZE];

	if (va->perspective_key == NULL && va_read_key(va, va->proc->config->va.perspective_key, key))
		va->perspective_key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
	return va->perspective_key != NULL;
}

/* The primary, or one of va.perspectives. */
static bool
va_add_voter(struct va *va, size_t i, const char *name, const struct perspective_config *own)
{
	struct evidence_key key = { .mac = va->evidence_key };
	struct remote *remote;

	if (own != NULL && own->address[0] != '\0') {
		if (!va_read_perspective_key(va) ||
		    (remote = remote_new(own, &va->proc->config->va, va->perspective_key)) == NULL)
			return false;
		va->remotes[i] = remote;
		va->voters[i] = (struct voter){ .name = name, .region = own->region, .key = { .ed25519 = remote_evidence_key(remote) },
			.ask = remote_ask, .self = remote };
		return true;
	}
	va->viewpoints[i] = viewpoint_new(va->proc->config, name, own, &key);
	va->voters[i] = (struct voter){ .name = name, .region = own != NULL ? own->region : "", .key = key,
		.ask = viewpoint_ask, .self = va->viewpoints[i] };
	return va->viewpoints[i] != NULL;
}

/* The last chance to open a file: the key, resolv.conf, OpenSSL's configuration; and to list interfaces. */
static struct va *
va_open(struct proc *p)
{
	const struct va_config *config = &p->config->va;
	struct va *va = calloc(1, sizeof(*va));

	if (va == NULL)
		return NULL;
	va->proc = p;
	va->last = &va->first;
	if (!va_read_key(va, p->config->evidence_key, va->evidence_key) || !fetch_prepare() ||
	    !va_add_voter(va, 0, PERSPECTIVE_PRIMARY, NULL))
		return NULL;
	for (size_t i = 0; i < config->perspective_count; i++)
		if (!va_add_voter(va, i + 1, config->perspectives[i].name, &config->perspectives[i]))
			return NULL;
	signal(SIGPIPE, SIG_IGN); /* a peer that hangs up is an error code, for OpenSSL too */
	return va;
}

/* The loop and its own descriptors: after proc_keep(), which would close them. */
static bool
va_begin(struct va *va)
{
	const struct va_config *config = &va->proc->config->va;

	if (uv_loop_init(&va->loop) != 0)
		return false;
	for (size_t i = 0; i <= config->perspective_count; i++)
		if (va->viewpoints[i] != NULL && !viewpoint_start(va->viewpoints[i], &va->loop))
			return false;
	if ((va->ballots = ballots_new(config, &va->loop, va->voters, va_answer, va)) == NULL ||
	    uv_poll_init(&va->loop, &va->ra, channel_fd(va->proc->peer[ROLE_RA])) != 0 ||
	    uv_poll_init(&va->loop, &va->control, channel_fd(va->proc->control)) != 0)
		return false;
	va->ra.data = va;
	va->control.data = va;
	va_watch_ra(va, UV_READABLE);
	return uv_poll_start(&va->control, UV_READABLE | UV_DISCONNECT, va_control_ready) == 0;
}

static void
va_confine(const struct va_config *config)
{
	struct sandbox sandbox = { .role = "va", .allow = va_calls, .tcp_connect = true };

	for (size_t i = 0; i < config->perspective_count; i++)
		if (config->perspectives[i].source[0] != '\0') {
			sandbox.allow = va_calls_bind;
			sandbox.tcp_bind = true;
		}
	sandbox_enter(&sandbox);
}

_Noreturn void
va_main(struct proc *p)
{
	struct va *va;

	if (config_is_perspective(p->config))
		station_main(p);
	if ((va = va_open(p)) == NULL) /* the last chance to open a file */
		_exit(1);
	proc_keep(p, NULL, 0);
	proc_drop(p);
	if (!va_begin(va))
		_exit(1);
	va_confine(&p->config->va);
	for (size_t i = 0; i <= p->config->va.perspective_count; i++)
		if (va->remotes[i] != NULL)
			remote_start(va->remotes[i], &va->loop, viewpoint_resolver(va->viewpoints[0]));
	proc_ready(p);

	uv_run(&va->loop, UV_RUN_DEFAULT); /* until va_stop() */
	abort();
}
