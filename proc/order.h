/* order.h: the supervisor's pure parts: in which order, how long, and in which words. */
#ifndef SIGNET_PROC_ORDER_H
#define SIGNET_PROC_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/role.h"

/* Roles start all at once and stop by stages, the last first: what wfe has in hand still finds ra, va and ca. */
#define ORDER_STAGES 3
unsigned order_stage(enum role);		/* 0: ca and va, 1: ra, 2: wfe */

/* How long to wait before starting again, after that many starts in a row that never got ready. */
int64_t	 order_backoff_ms(unsigned failures);

#define ORDER_HOW_SIZE 128
/* "killed by signal 9 (Killed)", "exit code 1", from waitpid()'s status. */
void	 order_how(int status, char out[ORDER_HOW_SIZE]);

#endif
