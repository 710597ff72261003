#include "proc/children.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "proc/order.h"
#include "proc/sanitized.h"
#include "proc/start.h"

/* ra may have to replay a write-ahead log; sanitizers are many times slower. */
#define READY_MS (SANITIZED ? 60000 : 10000)

bool
children_wire(struct children *children)
{
	children_unwire(children);
	for (int r = 0; r < ROLE_COUNT; r++)
		children->wire[r][0] = children->wire[r][1] = -1;
	children->wired = true;
	return getrandom(children->secret, sizeof(children->secret), 0) == sizeof(children->secret) &&
	    spawn_pair(children->wire[ROLE_WFE]) && spawn_pair(children->wire[ROLE_VA]) &&
	    spawn_pair(children->wire[ROLE_CA]);
}

static void
close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
children_unwire(struct children *children)
{
	if (!children->wired)
		return;
	for (int r = 0; r < ROLE_COUNT; r++) {
		close_end(&children->wire[r][0]);
		close_end(&children->wire[r][1]);
	}
	explicit_bzero(children->secret, sizeof(children->secret));
	children->wired = false;
}

/* Appends one descriptor to the map and to the list that spawn_role() places after the control wire. */
static void
give(struct start *start, int *fds, int fd, enum listener_kind kind, enum role peer)
{
	fds[1 + start->count] = fd;
	start->fds[start->count] =
	    (struct start_fd){ (uint8_t)(START_FIRST_FD + start->count), kind, peer };
	start->count++;
}

static enum role
listener_role(enum listener_kind kind)
{
	return kind == LISTENER_PERSPECTIVE ? ROLE_VA : ROLE_WFE;
}

static void
give_all(struct children *children, enum role role, const struct listeners *listeners, struct start *start,
    int *fds)
{
	static const enum role points[] = { ROLE_WFE, ROLE_VA, ROLE_CA };

	if (role != ROLE_RA && !children->alone)
		give(start, fds, children->wire[role][1], 0, ROLE_RA);
	for (size_t i = 0; role == ROLE_RA && i < sizeof(points) / sizeof(points[0]); i++)
		give(start, fds, children->wire[points[i]][0], 0, points[i]);
	for (size_t i = 0; i < listeners->count; i++) {
		if (listeners->held[i].wanted && role == listener_role(listeners->held[i].socket.kind))
			give(start, fds, listeners->held[i].socket.fd, listeners->held[i].socket.kind,
			    ROLE_SUPERVISOR);
	}
}

/* Only the two ends may hold a wire, else nobody sees that the other hung up. */
static void
given_away(struct children *children, enum role role)
{
	if (role != ROLE_RA) {
		close_end(&children->wire[role][1]);
		return;
	}
	for (int r = 0; r < ROLE_COUNT; r++)
		close_end(&children->wire[r][0]);
}

static enum err
tell_configuration(struct child *child, enum role role, const struct config *config, struct start *start)
{
	struct buf	section = { 0 }, body = { 0 };
	enum err	err = ERR_MEMORY;

	config_encode(config, role, &section);
	start->config = buf_slice(&section);
	start_put(&body, start);
	if (!section.failed && !body.failed)
		err = channel_try_send(child->control, MSG_CONFIG, &body);
	buf_cleanse(&body);
	explicit_bzero(start->secret, sizeof(start->secret));
	buf_cleanse(&section);
	return err;
}

static bool
start_role(struct children *children, enum role role, const struct spawn *spawn, const struct config *config,
    const struct listeners *listeners)
{
	struct child	*child = &children->of[role];
	struct start	 start = { 0 };
	int		 fds[START_FDS_MAX + 1], control[2] = { -1, -1 };
	enum err	 err;

	*child = (struct child){ 0 };
	if (!spawn_pair(control) ||
	    (child->control = channel_new(control[0], ROLE_SUPERVISOR, role)) == NULL)
		goto failed;
	fds[0] = control[1];
	give_all(children, role, listeners, &start, fds);
	if (role == ROLE_WFE || role == ROLE_CA)
		memcpy(start.secret, children->secret, sizeof(start.secret));
	if ((child->pid = spawn_role(spawn, role, fds, start.count + 1)) < 0)
		goto failed;
	close(control[1]);
	given_away(children, role);
	child->deadline = clock_monotonic_ms() + READY_MS;
	if ((err = tell_configuration(child, role, config, &start)) == ERR_OK || err == ERR_CLOSED)
		return true;	/* closed: it is dead, and waitpid() will say how */
	log_event(LOG_ERROR, "can't tell a role its configuration", F_STR("which", role_name(role)),
	    F_STR("error", err_text(err)));
	return false;
 failed:
	log_event(LOG_ERROR, "can't start a role", F_STR("which", role_name(role)),
	    F_STR("error", strerror(errno)));
	if (child->control == NULL)
		close_end(&control[0]);
	channel_free(child->control);
	close_end(&control[1]);
	*child = (struct child){ 0 };
	return false;
}

/* A perspective is va and nothing else. */
static bool
belongs(const struct children *children, enum role role)
{
	return !children->alone || role == ROLE_VA;
}

bool
children_start(struct children *children, const struct spawn *spawn, const struct config *config,
    const struct listeners *listeners)
{
	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		if (belongs(children, r) && !start_role(children, r, spawn, config, listeners))
			return false;
	}
	return true;
}

bool
children_ready(const struct children *children)
{
	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		if (belongs(children, r) && !children->of[r].ready)
			return false;
	}
	return true;
}

/* wfe waits for ra's nonces and for its certificate from ca: what is to blame is the role that it waits for. */
static bool
waits_for_another(const struct children *children, enum role role)
{
	static const enum role others[] = { ROLE_RA, ROLE_CA };

	for (size_t i = 0; role == ROLE_WFE && i < sizeof(others) / sizeof(others[0]); i++) {
		if (children->of[others[i]].pid != 0 && !children->of[others[i]].ready)
			return true;
	}
	return false;
}

/* wfe's time counts from when what it waits for is there. */
static void
became_ready(struct children *children, struct child *child)
{
	child->ready = true;
	if (children->of[ROLE_WFE].pid != 0)
		children->of[ROLE_WFE].deadline = clock_monotonic_ms() + READY_MS;
}

/* All that a role ever has for us, and it comes before the role meets the world. What a captured role might
 * write later is never read. */
void
children_listen(struct children *children)
{
	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		struct child	*child = &children->of[r];
		enum msg_type	 type;
		struct slice	 body;
		enum err	 err;

		if (child->control == NULL || child->ready)
			continue;
		err = channel_try_receive(child->control, &type, &body);
		if (err == ERR_OK && type == MSG_READY) {
			became_ready(children, child);
		} else if (err == ERR_OK && type == MSG_BUSY) {
			child->deadline = INT64_MAX;
		} else if (err == ERR_CLOSED) {
			channel_free(child->control);	/* exiting; SIGCHLD follows */
			child->control = NULL;
		}
	}
}

int64_t
children_deadline(const struct children *children)
{
	int64_t first = INT64_MAX;

	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		const struct child *child = &children->of[r];

		if (child->pid != 0 && !child->ready && !waits_for_another(children, r) && child->deadline < first)
			first = child->deadline;
	}
	return first;
}

void
children_kill_late(struct children *children, int64_t now)
{
	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		struct child *child = &children->of[r];

		if (child->pid == 0 || child->ready || now < child->deadline || waits_for_another(children, r))
			continue;
		log_event(LOG_ERROR, "role not ready in time", F_STR("which", role_name(r)),
		    F_INT("waited_ms", READY_MS));
		child->deadline = INT64_MAX;
		kill(child->pid, SIGKILL);
	}
}

/* Whether any role of the stage lives. Those that were not told to stop are. */
static bool
stop_stage(struct children *children, unsigned stage)
{
	bool alive = false;

	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		struct child *child = &children->of[r];

		if (order_stage(r) != stage || child->pid == 0)
			continue;
		alive = true;
		if (child->told_to_stop || child->control == NULL)
			continue;
		child->told_to_stop = true;
		/* One that is gone needs no word; one that doesn't read is killed at the deadline. */
		(void)channel_try_send(child->control, MSG_STOP, NULL);
	}
	return alive;
}

void
children_stop_next(struct children *children)
{
	for (unsigned stage = ORDER_STAGES; stage-- > 0;)
		if (stop_stage(children, stage))
			return;
}

void
children_stop_all(struct children *children)
{
	for (unsigned stage = ORDER_STAGES; stage-- > 0;)
		(void)stop_stage(children, stage);
}

void
children_kill(struct children *children)
{
	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		if (children->of[r].pid != 0)
			kill(children->of[r].pid, SIGKILL);
	}
}

bool
children_none(const struct children *children)
{
	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		if (children->of[r].pid != 0)
			return false;
	}
	return true;
}

enum role
children_reaped(struct children *children, pid_t pid)
{
	for (enum role r = ROLE_WFE; r < ROLE_COUNT; r++) {
		if (children->of[r].pid != pid)
			continue;
		channel_free(children->of[r].control);
		children->of[r] = (struct child){ 0 };
		return r;
	}
	return ROLE_COUNT;
}
