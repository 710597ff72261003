/* The re-executed half of signet: from a bare process with a few descriptors to struct proc. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/chance.h"
#include "lib/log.h"
#include "proc/proc.h"
#include "proc/start.h"

struct role_entry {
	const char	*name;		/* as ps shows it; at most 15 characters */
	void		(*run)(struct proc *);		/* never returns */
};

static const struct role_entry roles[ROLE_COUNT] = {
	[ROLE_WFE] = { "signet-wfe", wfe_main },
	[ROLE_RA] = { "signet-ra", ra_main },
	[ROLE_VA] = { "signet-va", va_main },
	[ROLE_CA] = { "signet-ca", ca_main },
};

static _Noreturn void
role_failed(const char *what)
{
	log_event(LOG_ERROR, "role can't start", F_STR("reason", what));
	_exit(1);
}

/* Terminals send SIGINT and SIGHUP to the whole group; only the supervisor decides what they mean. */
static void
role_signals(void)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		if (sigaction(ignored[i], &ignore, NULL) != 0)
			role_failed(strerror(errno));
	}
}

static void
role_descriptors(struct proc *p, const struct start *start)
{
	for (size_t i = 0; i < start->count; i++) {
		const struct start_fd *f = &start->fds[i];

		if (fcntl(f->fd, F_SETFD, FD_CLOEXEC) != 0)
			role_failed("a descriptor that the supervisor named is not there");
		if (f->listener != 0) {
			if (p->listener_count == LISTENERS_MAX)
				role_failed("too many listening sockets");
			p->listeners[p->listener_count++] = (struct listener){ f->fd, f->listener };
			continue;
		}
		if (p->peer[f->peer] != NULL ||
		    (p->peer[f->peer] = channel_new(f->fd, p->role, f->peer)) == NULL)
			role_failed("can't open the wire to another role");
	}
}

static void
role_receive_start(struct proc *p)
{
	enum msg_type	type;
	struct slice	body;
	struct start	start;
	enum err	err;

	if (channel_receive(p->control, &type, &body) != ERR_OK)
		_exit(0);	/* the supervisor is gone */
	if (type != MSG_CONFIG || !start_get(body, &start))
		channel_malformed(p->control, type);
	role_descriptors(p, &start);
	memcpy(p->secret, start.secret, sizeof(p->secret));
	explicit_bzero(start.secret, sizeof(start.secret));
	if ((err = config_decode(start.config, &p->config)) != ERR_OK)
		role_failed(err_text(err));
}

_Noreturn void
proc_main(enum role role)
{
	static struct proc	p;
	struct rlimit		core = { 0, 0 };
	struct sched_param	batch = { .sched_priority = 0 };
	struct stat		st;

	if (role <= ROLE_SUPERVISOR || role >= ROLE_COUNT || fstat(START_CONTROL_FD, &st) != 0 ||
	    !S_ISSOCK(st.st_mode)) {
		fputs("signet: `role` is started by `signet run`, not by hand\n", stderr);
		exit(2);
	}
	umask(077);
	(void)setrlimit(RLIMIT_CORE, &core);	/* proc_drop() insists */
	/* A message should not push its sender off the processor: what is sent meanwhile is then taken in one go. */
	(void)sched_setscheduler(0, SCHED_BATCH, &batch);
	prctl(PR_SET_NAME, roles[role].name, 0, 0, 0);
	role_signals();
	log_open(role_name(role), LOG_INFO, LOG_TEXT);
	p.role = role;
	if (fcntl(START_CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0 ||
	    (p.control = channel_new(START_CONTROL_FD, role, ROLE_SUPERVISOR)) == NULL)
		role_failed("can't open the wire to the supervisor");
	role_receive_start(&p);
	log_open(role_name(role), p.config->log_level, p.config->log_format);
	chance_seed((uint64_t)p.config->seed);
	roles[role].run(&p);
	abort();
}
