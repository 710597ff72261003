/* The supervisor: holds the listening sockets and the configuration, starts the four roles, watches them.
 * It reads no byte that a client sent and no message of a role but READY. Started as root it stays root,
 * to be able to start roles again.
 *
 *              all ready                  a role died, or SIGHUP and the new file is sound
 *   STARTING ────────────▶ RUNNING ───────────────────────────────────────────▶ STOPPING
 *    ▲ ▲ │                    │                                                  │ ▲  │ │
 *    │ │ └── a role died, or SIGTERM ────────────────────────────────────────────┼─┘  │ │
 *    │ │                      └──────────────── SIGTERM ─────────────────────────┼────┘ │
 *    │ └──────────────────────── all gone, after == START ───────────────────────┤      │
 *    │                                                                           │      │
 *   PAUSED ◀──────────────────── the same, but never ready three times in a row ─┘      │
 *      └── SIGTERM ──▶ DONE ◀─── all gone, after == EXIT ───────────────────────────────┘
 */
#include "proc/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "proc/children.h"
#include "proc/drop.h"
#include "proc/folders.h"
#include "proc/order.h"
#include "proc/sanitized.h"
#include "proc/trim.h"

/* Requests in hand may wait for a validation's or certificate's short wait (500 ms) and a slow client. */
#define STOP_MS 10000
/* After a death: long enough to answer 503, short enough to be back within a second. */
#define FAIL_MS (SANITIZED ? 3000 : 300)
/* timeout(1) and some process managers send a signal to the process and to its group: that is asking once. */
#define TWICE_MS 250
/* The roles of a supervisor that was killed hold its listeners until the kernel has taken them down, with all their
 * connections; whoever starts it again at once needn't know. */
#define ADDRESS_MS 2000

enum state { STARTING, RUNNING, STOPPING, PAUSED, DONE };
enum after { START, EXIT };

struct supervisor {
	struct config	*config;
	struct config	*previous;	/* what served until SIGHUP, until the new one serves */
	struct listeners listeners;
	struct spawn	 spawn;
	struct children	 children;
	enum state	 state;
	enum after	 after;		/* of STOPPING */
	int64_t		 since;		/* when it began: the start, or the death before it */
	int64_t		 asked;		/* when SIGTERM or SIGINT first came; 0: not yet */
	int64_t		 deadline;	/* of STOPPING and PAUSED */
	unsigned	 failures;	/* starts in a row that never got ready */
	bool		 served;	/* was ready once */
	bool		 reload;	/* SIGHUP came */
	bool		 killed;	/* in STOPPING: time was up, we sent SIGKILL */
	int		 signals;
	int		 exit_code;
	bool		 no_file;	/* nothing to reload */
	void		(*ready)(void *arg, const struct listeners *);	/* told once; NULL: nobody asked */
	void		*ready_arg;
};

static void
stop_roles(struct supervisor *s, enum after after, int64_t grace)
{
	children_unwire(&s->children);
	s->state = STOPPING;
	s->after = after;
	s->killed = false;
	s->deadline = clock_monotonic_ms() + grace;
	children_stop_next(&s->children);
}

/* A start that failed, or a role that died. */
static void
fail(struct supervisor *s)
{
	bool starting = s->state == STARTING;

	if (!starting)
		s->since = clock_monotonic_ms();
	s->failures = starting ? s->failures + 1 : 0;
	if (!s->served) {
		s->exit_code = 1;
		stop_roles(s, EXIT, FAIL_MS);
		children_stop_all(&s->children);
		return;
	}
	if (starting && s->previous != NULL) {
		log_event(LOG_ERROR, "the new configuration does not start: back to the one before",
		    F_STR("file", s->config->file));
		config_free(s->config);
		s->config = s->previous;
		s->previous = NULL;
		/* Its sockets are held still, so this opens none and can't fail. */
		if (listeners_sync(&s->listeners, s->config, 0, stderr) != ERR_OK)
			abort();
	}
	stop_roles(s, START, FAIL_MS);
	children_stop_all(&s->children);
}

static void
start_roles(struct supervisor *s)
{
	s->state = STARTING;
	s->children.alone = config_is_perspective(s->config);
	if (!folders_prepare(s->config, stderr) || !children_wire(&s->children) ||
	    !children_start(&s->children, &s->spawn, s->config, &s->listeners)) {
		log_event(LOG_ERROR, "start failed", F_STR("file", s->config->file));
		fail(s);
	}
}

static void
now_running(struct supervisor *s)
{
	char url[512];

	children_unwire(&s->children);
	listeners_prune(&s->listeners);
	config_free(s->previous);
	s->previous = NULL;
	s->state = RUNNING;
	s->failures = 0;
	if (!s->served && s->ready != NULL)
		s->ready(s->ready_arg, &s->listeners);
	s->served = true;
	proc_trim();
	if (config_is_perspective(s->config)) {
		log_event(LOG_INFO, "ready", F_STR("perspective", s->config->perspective.name),
		    F_INT("ms", clock_monotonic_ms() - s->since));
		return;
	}
	snprintf(url, sizeof(url), "%s%s", s->config->wfe.url,
	    surface_of(s->config->surface)->paths[ROUTE_DIRECTORY]);
	log_event(LOG_INFO, "ready", F_STR("url", url), F_INT("ms", clock_monotonic_ms() - s->since));
}

static void
go_on_starting(struct supervisor *s)
{
	children_kill_late(&s->children, clock_monotonic_ms());
	if (children_ready(&s->children))
		now_running(s);
}

static void
log_complaints(char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		log_event(LOG_ERROR, "configuration refused, the old one stays", F_STR("complaint", line));
}

/* SIGHUP. Nothing changes unless all of the new configuration is sound and its sockets are open. */
static void
reload(struct supervisor *s)
{
	struct config	*config = NULL;
	char		*text = NULL;
	size_t		 size = 0;
	FILE		*complaints = open_memstream(&text, &size);
	enum err	 err = ERR_MEMORY;

	s->reload = false;
	if (s->no_file) {
		log_event(LOG_INFO, "nothing to reload");
		if (complaints != NULL)
			fclose(complaints);
		free(text);
		return;
	}
	if (complaints != NULL && (err = config_read(s->config->file, &config, complaints)) == ERR_OK)
		err = listeners_sync(&s->listeners, config, 0, complaints);
	if (complaints != NULL)
		fclose(complaints);
	if (err != ERR_OK) {
		if (text == NULL || text[0] == '\0')
			log_event(LOG_ERROR, "configuration refused, the old one stays",
			    F_STR("complaint", err_text(err)));
		else
			log_complaints(text);
		config_free(config);
		free(text);
		return;
	}
	free(text);
	log_event(LOG_INFO, "reload", F_STR("file", config->file));
	log_open("supervisor", config->log_level, config->log_format);
	if (s->previous == NULL)
		s->previous = s->config;
	else
		config_free(s->config);
	s->config = config;
	s->since = clock_monotonic_ms();
	if (s->state == RUNNING)
		stop_roles(s, START, STOP_MS);
	else
		s->deadline = 0;	/* no more pause */
}

static void
asked_to_stop(struct supervisor *s, uint32_t signal_number)
{
	log_event(LOG_INFO, "stopping", F_STR("signal", strsignal((int)signal_number)));
	if (s->asked == 0 || clock_monotonic_ms() - s->asked < TWICE_MS) {
		if (s->asked == 0)
			s->asked = clock_monotonic_ms();
		if (s->state != STOPPING || s->after != EXIT)
			stop_roles(s, EXIT, STOP_MS);
		return;
	}
	s->deadline = 0;	/* asked twice: at once */
}

static void
go_on_stopping(struct supervisor *s)
{
	int64_t now = clock_monotonic_ms();
	int64_t pause = order_backoff_ms(s->failures);

	if (!children_none(&s->children)) {
		if (now < s->deadline) {
			children_stop_next(&s->children);
			return;
		}
		s->deadline = INT64_MAX;
		s->killed = true;
		children_kill(&s->children);
		return;
	}
	if (s->after == EXIT) {
		s->state = DONE;
	} else if (pause == 0) {
		start_roles(s);
	} else {
		log_event(LOG_WARNING, "pause before the next start", F_INT("ms", pause),
		    F_INT("failures", s->failures));
		s->state = PAUSED;
		s->deadline = now + pause;
	}
}

static void
step(struct supervisor *s)
{
	switch (s->state) {
	case STARTING:
		go_on_starting(s);
		break;
	case RUNNING:
		if (s->reload)
			reload(s);
		break;
	case STOPPING:
		go_on_stopping(s);
		break;
	case PAUSED:
		if (s->reload)
			reload(s);
		if (clock_monotonic_ms() >= s->deadline)
			start_roles(s);
		break;
	case DONE:
		break;
	}
}

/* A role whose peer died ends by itself with 0, and may be reaped before the one that is to blame. */
static bool
expected_end(const struct supervisor *s, int status)
{
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	    (s->killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
reap(struct supervisor *s)
{
	char	how[ORDER_HOW_SIZE];
	bool	expected;
	int	status;
	pid_t	pid;

	/* Any child: as a container's first process, others' orphans are ours. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		enum role role = children_reaped(&s->children, pid);

		if (role == ROLE_COUNT)
			continue;
		order_how(status, how);
		expected = expected_end(s, status);
		log_event(expected ? LOG_DEBUG : LOG_ERROR, expected ? "role ended" : "role died",
		    F_STR("which", role_name(role)), F_STR("how", how), F_INT("pid", pid));
		if (s->state != STOPPING)
			fail(s);
	}
}

static void
read_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			s->reload = true;
		else if (info.ssi_signo != SIGCHLD)
			asked_to_stop(s, info.ssi_signo);
	}
}

/* Milliseconds until something is due by the clock; -1: nothing. */
static int
time_left(const struct supervisor *s)
{
	int64_t next = INT64_MAX, now = clock_monotonic_ms();

	if (s->state == STOPPING || s->state == PAUSED)
		next = s->deadline;
	else if (s->state == STARTING)
		next = children_deadline(&s->children);
	if (next == INT64_MAX)
		return -1;
	return next <= now ? 0 : (int)(next - now) + 1;
}

static void
wait_for_events(struct supervisor *s)
{
	struct pollfd	polled[1 + ROLE_COUNT] = { { .fd = s->signals, .events = POLLIN } };
	nfds_t		count = 1;

	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		const struct child *child = &s->children.of[r];

		if (child->control != NULL && !child->ready)
			polled[count++] =
			    (struct pollfd){ .fd = channel_fd(child->control), .events = POLLIN };
	}
	if (poll(polled, count, time_left(s)) < 0 && errno != EINTR)
		abort();
}

static bool
supervisor_open(struct supervisor *s)
{
	static const int handled[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	sigset_t	 set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
		sigaddset(&set, handled[i]);
		signal(handled[i], SIG_DFL);	/* an inherited SIG_IGN of SIGCHLD would hide the deaths */
	}
	signal(SIGPIPE, SIG_IGN);
	if (!spawn_open(&s->spawn) || sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0 || !drop_unneeded()) {
		log_event(LOG_ERROR, "can't start", F_STR("error", strerror(errno)));
		return false;
	}
	return listeners_sync(&s->listeners, s->config, clock_monotonic_ms() + ADDRESS_MS, stderr) == ERR_OK;
}

static int
run(struct supervisor s)
{
	struct config *config = s.config;

	log_open("supervisor", config->log_level, config->log_format);
	if (!supervisor_open(&s)) {
		s.exit_code = 1;
		s.state = DONE;
	} else {
		start_roles(&s);
	}
	while (s.state != DONE) {
		wait_for_events(&s);
		children_listen(&s.children);
		read_signals(&s);
		reap(&s);
		step(&s);
	}
	children_unwire(&s.children);
	listeners_close(&s.listeners);
	spawn_close(&s.spawn);
	if (s.signals >= 0)
		close(s.signals);
	config_free(s.previous);
	config_free(s.config);
	return s.exit_code;
}

int
supervisor_run(struct config *config)
{
	return run((struct supervisor){ .config = config, .signals = -1, .since = clock_monotonic_ms() });
}

int
supervisor_run_for(struct config *config, void (*ready)(void *arg, const struct listeners *), void *arg)
{
	return run((struct supervisor){ .config = config, .signals = -1, .since = clock_monotonic_ms(), .no_file = true,
	    .ready = ready, .ready_arg = arg });
}
