/* start.h: the body of MSG_CONFIG: which descriptor is what, then the role's part of the configuration.
 *
 * A role finds 0 = /dev/null, 1 and 2 = the supervisor's standard error, START_CONTROL_FD = its wire to the
 * supervisor, and from START_FIRST_FD on what the map says. */
#ifndef SIGNET_PROC_START_H
#define SIGNET_PROC_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/role.h"
#include "lib/buf.h"
#include "proc/proc.h"

#define START_CONTROL_FD 3
#define START_FIRST_FD	 4
#define START_FDS_MAX	 (LISTENERS_MAX + ROLE_COUNT)

struct start_fd {
	uint8_t			fd;
	enum listener_kind	listener;	/* 0: a wire to peer */
	enum role		peer;		/* ROLE_SUPERVISOR for a listener */
};

struct start {
	size_t		count;
	struct start_fd	fds[START_FDS_MAX];
	struct slice	config;			/* config_encode(); borrowed */
	uint8_t		secret[PROC_SECRET_SIZE];	/* zero for all but wfe and ca */
};

void start_put(struct buf *, const struct start *);
/* False unless each descriptor stands at its place, kinds and peers are known, and no byte is left over. */
bool start_get(struct slice, struct start *);

#endif
