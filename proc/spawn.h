/* spawn.h: one role's process: this very program again, with nothing but what it is given. */
#ifndef SIGNET_PROC_SPAWN_H
#define SIGNET_PROC_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ipc/role.h"

struct spawn {
	int	exe;		/* the program that runs now, even when its file is replaced meanwhile */
	int	null;
	char	*env[16];	/* what of the environment the roles get; ends with NULL */
};

/* Opens what every spawn needs. False with errno. */
bool	spawn_open(struct spawn *);
void	spawn_close(struct spawn *);

/* Starts `signet role NAME` with fds (borrowed) at START_CONTROL_FD and up. -1 with errno. */
pid_t	spawn_role(const struct spawn *, enum role, const int *fds, size_t count);

/* A SOCK_SEQPACKET pair, close-on-exec, with buffers that hold MSG_MAX several times. */
bool	spawn_pair(int pair[2]);

#endif
