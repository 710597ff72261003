/* listeners.h: the listening sockets. The supervisor holds them for its whole life, so that clients wait in
 * their queues while roles restart. */
#ifndef SIGNET_PROC_LISTENERS_H
#define SIGNET_PROC_LISTENERS_H

#include <stdio.h>

#include "config/config.h"
#include "lib/err.h"
#include "proc/proc.h"

struct held_listener {
	struct listener	 socket;
	char		*address;	/* as in the configuration */
	bool		 wanted;	/* the configuration that was synced last names it */
};

/* Zero-initialised is empty and valid. Twice the maximum: old and new ones during a reload. */
struct listeners {
	struct held_listener	held[2 * LISTENERS_MAX];
	size_t			count;
};

/* Opens what config wants and is not held yet, and marks what it doesn't want. All failures are printed,
 * one a line, as "FILE: OPTION: ADDRESS: what is wrong; what would be right"; then nothing has changed.
 * An address that is in use is tried again until then (clock_monotonic_ms(); 0: never). ERR_CONFIG. */
enum err listeners_sync(struct listeners *, const struct config *, int64_t until, FILE *complaints);
/* Closes those that are not wanted. */
void	 listeners_prune(struct listeners *);
void	 listeners_close(struct listeners *);		/* all */

#endif
