/* proc.h: what a role's main function starts from, and the steps it takes, in this order:
 * open what it needs, proc_keep(), proc_drop(), sandbox_enter(), proc_ready(), loop.
 *
 * proc_main() receives the role's configuration and descriptors from the supervisor and calls the role. */
#ifndef SIGNET_PROC_PROC_H
#define SIGNET_PROC_PROC_H

#include "config/config.h"
#include "ipc/channel.h"
#include "ipc/role.h"
#include "proc/sandbox.h"

#define LISTENERS_MAX 20
#define PROC_SECRET_SIZE 32

enum listener_kind {
	LISTENER_ACME = 1, LISTENER_PLAIN, LISTENER_METRICS, LISTENER_PERSPECTIVE, LISTENER_MANAGEMENT
};

struct listener {
	int			fd;		/* bound, listening, nonblocking; held by the supervisor too */
	enum listener_kind	kind;
};

struct proc {
	enum role	 role;
	struct config	*config;		/* this role's part only */
	struct channel	*peer[ROLE_COUNT];	/* NULL where the star has no wire */
	struct channel	*control;		/* to the supervisor */
	struct listener	 listeners[LISTENERS_MAX];	/* wfe's, or those of a perspective alone */
	size_t		 listener_count;
	/* What wfe and ca alone know, new at each start: ra carries what they say to one another. */
	uint8_t		 secret[PROC_SECRET_SIZE];
	const char	*root;			/* what stays visible of the file system, or NULL: nothing */
};

/* Closes every descriptor but 0, 1, 2, control, the peers', the listeners' and the count given. */
void proc_keep(const struct proc *, const int *fds, size_t count);

/* Started as root: changes into p->root (or an empty folder) as root directory, drops to the role's own
 * user and group, no supplementary groups, empty capability sets. Always: no_new_privs, not dumpable, no core
 * file, limits on descriptors. Dies when any step fails. */
void proc_drop(const struct proc *);

/* p->root as it is called after proc_drop(): "/" when that changed the root directory. For struct sandbox. */
const char *proc_visible(const struct proc *);

/* Tells the supervisor to wait for proc_ready() however long it takes: for what would only begin anew if it were killed. */
void proc_busy(const struct proc *);

/* Tells the supervisor that this role serves. */
void proc_ready(const struct proc *);

/* Blocks until the supervisor says MSG_STOP (true) or hangs up (false: exit at once). For roles whose main
 * thread has nothing else to do; loops poll channel_fd(p->control) and call it when readable. */
bool proc_wait_stop(const struct proc *);

/* One per role, in its own folder (wfe/wfe.c, ...). Never return. */
_Noreturn void wfe_main(struct proc *);
_Noreturn void ra_main(struct proc *);
_Noreturn void va_main(struct proc *);
_Noreturn void ca_main(struct proc *);

/* The re-executed half: `signet role NAME`, not for people. */
_Noreturn void proc_main(enum role);

#endif
