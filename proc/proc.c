/* The steps of a role's start that need nothing of the supervisor's side. */
#include "proc/proc.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/memory.h"
#include "proc/trim.h"

static int
compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void
close_gap(int first, int last)
{
	if (first > last)
		return;
	if (close_range((unsigned)first, (unsigned)last, 0) != 0) {
		log_event(LOG_ERROR, "can't close descriptors", F_STR("error", strerror(errno)),
		    F_STR("remedy", "signet needs Linux 5.9 or newer"));
		_exit(1);
	}
}

void
proc_keep(const struct proc *p, const int *fds, size_t count)
{
	int	*keep = calloc(count + LISTENERS_MAX + ROLE_COUNT + 1, sizeof(*keep));
	size_t	 n = 0;
	int	 next = STDERR_FILENO + 1;

	if (keep == NULL)
		memory_out();
	if (p->control != NULL)
		keep[n++] = channel_fd(p->control);
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (p->peer[i] != NULL)
			keep[n++] = channel_fd(p->peer[i]);
	}
	for (size_t i = 0; i < p->listener_count; i++)
		keep[n++] = p->listeners[i].fd;
	for (size_t i = 0; i < count; i++)
		keep[n++] = fds[i];
	qsort(keep, n, sizeof(*keep), compare_fds);
	for (size_t i = 0; i < n; i++) {
		close_gap(next, keep[i] - 1);
		if (keep[i] >= next)
			next = keep[i] + 1;
	}
	close_gap(next, INT_MAX);
	free(keep);
}

static void
tell_supervisor(const struct proc *p, enum msg_type type)
{
	struct buf empty = { 0 };

	if (channel_send(p->control, type, &empty) != ERR_OK)
		_exit(0);	/* it is gone */
}

void
proc_busy(const struct proc *p)
{
	tell_supervisor(p, MSG_BUSY);
}

void
proc_ready(const struct proc *p)
{
	proc_trim();
	tell_supervisor(p, MSG_READY);
}

bool
proc_wait_stop(const struct proc *p)
{
	enum msg_type	type;
	struct slice	body;

	if (channel_receive(p->control, &type, &body) != ERR_OK)
		return false;
	if (type != MSG_STOP)
		channel_malformed(p->control, type);
	return true;
}
