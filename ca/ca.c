/* ca: holds the issuers' keys, the key that authenticates evidence, and the ledger. It trusts nobody: ra
 * may ask, and is believed only as far as the subscriber's signature and the perspectives' evidence go. It
 * may append to its ledger's folder and talk to ra and the supervisor; it has no network, no database and
 * no other file.
 *
 * One thread, and beside it one that makes a CRL while there is one to make (ca/crl.h). Messages that wait are taken
 * together, checked and signed; one fdatasync writes all of them down; only then do the answers leave (DESIGN: rule 4). */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/authority.h"
#include "ca/crl.h"
#include "ca/issue.h"
#include "ca/ocsp.h"
#include "ca/server.h"
#include "ca/star.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "proc/proc.h"
#include "proc/user.h"

/* With 0.4 ms each, the first of a full batch waits 25 ms for the last. */
#define BATCH_MAX 64
/* The ledger forgets old orders once in that many batches. */
#define FORGET_EVERY 1024

struct answer {
	enum msg_type type;
	struct buf body;
};

struct batch {
	struct answer answers[BATCH_MAX];
	size_t count;
};

static _Noreturn void
ledger_died(enum err err)
{
	log_event(LOG_ERROR, "the ledger can't be written: nothing was released, this process ends",
	    F_STR("error", err_text(err)), F_STR("remedy", "is the disk full or read-only?"));
	_exit(1);
}

static void
refused(const struct msg_issue *issue, const struct problem *problem, struct answer *answer)
{
	struct msg_refused message = { .order = issue->order, .number = issue->number, .problem = *problem };
	char order[ID_TEXT_SIZE];

	id_text(issue->order, order);
	log_event(LOG_WARNING, "refused", F_STR("order", order),
	    F_STR("problem", problem_name(problem->type)), F_STR("detail", problem->detail.text));
	answer->type = MSG_REFUSED;
	put_refused(&answer->body, &message);
}

static void
on_issue(struct ca *ca, struct channel *ra, struct slice body, struct answer *answer)
{
	struct msg_issue issue;
	struct msg_certificate certificate;
	struct problem problem = { 0 };
	enum err err;

	if (!get_issue(body, &issue))
		channel_malformed(ra, MSG_ISSUE);
	err = issue_certificate(ca, &issue, clock_now(), &certificate, &problem);
	if (err == ERR_DENIED)
		refused(&issue, &problem, answer);
	else if (err == ERR_OK) {
		answer->type = MSG_CERTIFICATE;
		put_certificate(&answer->body, &certificate);
	} else
		ledger_died(err);
	problem_free(&problem);
}

static void
on_server_csr(struct ca *ca, struct slice body, struct answer *answer)
{
	enum err err = server_certificate(ca, body, clock_now_ms(), &answer->body);

	answer->type = MSG_SERVER_CERTIFICATE;
	if (err == ERR_DENIED || err == ERR_BUSY)
		buf_clear(&answer->body);
	else if (err != ERR_OK)
		ledger_died(err);
}

static bool
on_crl_entries(struct ca *ca, struct channel *ra, struct slice body)
{
	struct msg_crl_entries *part = malloc(sizeof(*part));
	enum err err = ERR_MEMORY;

	if (part != NULL && !get_crl_entries(body, part))
		channel_malformed(ra, MSG_CRL_ENTRIES);
	if (part != NULL)
		ocsp_heard(ca, part);
	if (part != NULL)
		err = crl_take(ca, part, clock_now_ms(), ra);
	if (err == ERR_MALFORMED)
		channel_malformed(ra, MSG_CRL_ENTRIES);
	free(part);
	return err != ERR_MEMORY;
}

static void
on_ocsp_sign(struct ca *ca, struct channel *ra, struct slice body, struct answer *answer)
{
	struct msg_ocsp_sign asked;
	struct msg_ocsp_signed out;
	struct buf der = { 0 };
	enum err err;

	if (!config_serves_ocsp(ca->config) || !get_ocsp_sign(body, &asked))
		channel_malformed(ra, MSG_OCSP_SIGN);
	if ((err = ocsp_answer(ca, &asked, clock_now(), &der, &out)) != ERR_OK) {
		log_event(LOG_ERROR, "OCSP response not signed", F_STR("error", err_text(err)));
		out.status = OCSP_INTERNAL_ERROR;
	}
	answer->type = MSG_OCSP_SIGNED;
	put_ocsp_signed(&answer->body, &out);
	buf_free(&der);
}

/* Its own word for it that this is a test: a captured ra can't move a real CA's clock. */
static void
on_clock(const struct ca *ca, struct channel *ra, struct slice body)
{
	struct msg_clock message;

	if (ca->config->preset != PRESET_PEBBLE || !get_clock(body, &message))
		channel_malformed(ra, MSG_CLOCK);
	clock_shift(message.shift);
}

static void
on_canceled(struct ca *ca, struct channel *ra, struct slice body)
{
	struct msg_canceled message;
	enum err err;

	if (!get_canceled(body, &message))
		channel_malformed(ra, MSG_CANCELED);
	if ((err = ca_star_cancel(ca, message.order, clock_now())) != ERR_OK)
		log_event(LOG_ERROR, "an order that was canceled could not be written down", F_STR("error", err_text(err)));
}

static bool
batch_take(struct ca *ca, struct channel *ra, struct batch *batch)
{
	enum msg_type type;
	struct slice body;
	enum err err;

	for (batch->count = 0; batch->count < BATCH_MAX;) {
		struct answer *answer = &batch->answers[batch->count];

		if ((err = channel_try_receive(ra, &type, &body)) == ERR_BUSY)
			return true;
		if (err != ERR_OK)
			return false;
		if (type == MSG_CRL_ENTRIES) {
			if (!on_crl_entries(ca, ra, body))
				return false;
			continue;
		}
		if (type == MSG_CLOCK) {
			on_clock(ca, ra, body);
			continue;
		}
		if (type == MSG_CANCELED) {
			on_canceled(ca, ra, body);
			continue;
		}
		buf_clear(&answer->body);
		if (type == MSG_ISSUE)
			on_issue(ca, ra, body, answer);
		else if (type == MSG_SERVER_CSR)
			on_server_csr(ca, body, answer);
		else if (type == MSG_OCSP_SIGN)
			on_ocsp_sign(ca, ra, body, answer);
		else
			channel_malformed(ra, type);
		batch->count++;
	}
	return true;
}

static bool
batch_release(struct ca *ca, struct channel *ra, struct batch *batch)
{
	enum err err = ledger_sync(ca->ledger);
	size_t i;

	if (err != ERR_OK)
		ledger_died(err);
	for (i = 0; i < batch->count; i++) {
		struct answer *answer = &batch->answers[i];

		if (channel_send(ra, answer->type, &answer->body) != ERR_OK)
			return false;
	}
	return true;
}

static void
forget(struct ca *ca, int64_t now)
{
	enum err err = ca->revoked != NULL ? revoked_forget(ca->revoked, now) : ERR_OK;

	if (err == ERR_OK && ca->canceled != NULL)
		err = revoked_forget(ca->canceled, now);
	ledger_forget(ca->ledger, (now - ca_ledger_window(ca) - 86400) * 1000);
	if (err != ERR_OK)
		log_event(LOG_WARNING, "what was revoked or canceled could not be made shorter",
		    F_STR("error", err_text(err)));
}

static void
loop(struct ca *ca, struct proc *p)
{
	struct channel *ra = p->peer[ROLE_RA];
	struct pollfd fds[2] = { { .fd = channel_fd(p->control), .events = POLLIN },
		{ .fd = channel_fd(ra), .events = POLLIN } };
	struct batch *batch = calloc(1, sizeof(*batch));
	unsigned round;
	size_t i;
	bool ok = batch != NULL;

	for (round = 1; ok; round++) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents != 0)
			ok = batch_take(ca, ra, batch) && batch_release(ca, ra, batch);
		/* What had arrived before the order to stop has been answered. */
		if (fds[0].revents != 0) {
			proc_wait_stop(p);
			break;
		}
		if (round % FORGET_EVERY == 0)
			forget(ca, clock_now());
	}
	for (i = 0; batch != NULL && i < BATCH_MAX; i++)
		buf_free(&batch->answers[i].body);
	free(batch);
}

/* Opens everything; gives the ledger's folder, with what was just made in it, to the user ca will be. */
static struct ca *
open_or_die(const struct proc *p)
{
	const struct config *config = p->config;
	struct ca *ca;
	struct reason reason = { "" };
	char *folder = file_join(config->dir, config->ledger);
	enum err err;

	if (folder == NULL || proc_own(folder, ROLE_CA, stderr) != ERR_OK)
		_exit(1);
	err = ca_open(config, clock_now(), &ca, &reason);
	if (err != ERR_OK) {
		log_event(
		    LOG_ERROR, "ca can't start", F_STR("error", err_text(err)), F_STR("cause", reason.text));
		_exit(1);
	}
	if (proc_own(folder, ROLE_CA, stderr) != ERR_OK)
		_exit(1);
	free(folder);
	memcpy(ca->server_key, p->secret, sizeof(ca->server_key));
	return ca;
}

/* New segments, reading back, and syncing; the common ones are proc/sandbox.c's. No socket can be made. */
static const char *const allow[] = { "openat", "newfstatat", "pread64", "pwrite64", "fsync", "fdatasync",
	"rename", "renameat", "renameat2", "fcntl", NULL };

_Noreturn void
ca_main(struct proc *p)
{
	struct ca *ca = open_or_die(p);
	struct sandbox sandbox = { .role = "ca", .allow = allow, .writable = ca->folder };
	int fds[6];
	size_t count = 2;

	if (geteuid() == 0)
		sandbox.writable = "/"; /* after proc_drop() the folder is the root directory */
	p->root = ca->folder;
	ledger_descriptors(ca->ledger, fds);
	if (ca->revoked != NULL) {
		revoked_descriptors(ca->revoked, fds + count);
		count += 2;
	}
	if (ca->canceled != NULL) {
		revoked_descriptors(ca->canceled, fds + count);
		count += 2;
	}
	proc_keep(p, fds, count);
	proc_drop(p);
	sandbox_enter(&sandbox);
	proc_ready(p);

	loop(ca, p); /* until the supervisor or ra hangs up */
	ca_close(ca);
	_exit(0);
}
