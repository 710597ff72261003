/* children.h: the four roles' processes and the wires between them, as the supervisor keeps them. */
#ifndef SIGNET_PROC_CHILDREN_H
#define SIGNET_PROC_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "ipc/channel.h"
#include "proc/listeners.h"
#include "proc/spawn.h"

struct child {
	pid_t		 pid;		/* 0: not running */
	struct channel	*control;	/* NULL: not running, or it hung up */
	bool		 ready;
	bool		 told_to_stop;
	int64_t		 deadline;	/* clock_monotonic_ms() by which it must be ready */
};

struct children {
	struct child	of[ROLE_COUNT];
	bool		alone;		/* a perspective's va, and no other role */
	/* Of wfe, va and ca: ra's end and theirs, until they are given away; then -1. */
	int		wire[ROLE_COUNT][2];
	bool		wired;
	uint8_t		secret[PROC_SECRET_SIZE];	/* wfe's and ca's, while wired */
};

/* Makes the star's wires and the secret anew. False with errno. */
bool	children_wire(struct children *);
void	children_unwire(struct children *);

/* Starts all roles and tells them their configuration; what one says to another that isn't there yet waits in their
 * wire, and wfe takes no client before ra has answered it. False: the reason is logged. */
bool	children_start(struct children *, const struct spawn *, const struct config *, const struct listeners *);
bool	children_ready(const struct children *);	/* are all? */
/* Reads what roles that aren't ready say. */
void	children_listen(struct children *);
/* clock_monotonic_ms() at which the first will be too late; INT64_MAX: none. */
int64_t	children_deadline(const struct children *);
/* Kills every role that is past its time to get ready, and logs it. */
void	children_kill_late(struct children *, int64_t now);

/* Tells the last living stage to stop, unless it was told. */
void	children_stop_next(struct children *);
/* Tells all: when one has died, the others' order has no meaning any more. */
void	children_stop_all(struct children *);
void	children_kill(struct children *);		/* SIGKILL to all */
bool	children_none(const struct children *);

/* Forgets the process and gives its role; ROLE_COUNT: not one of ours. */
enum role children_reaped(struct children *, pid_t);

#endif
