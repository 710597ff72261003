#include "proc/order.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

unsigned
order_stage(enum role role)
{
	switch (role) {
	case ROLE_CA:
	case ROLE_VA:
		return 0;
	case ROLE_RA:
		return 1;
	case ROLE_WFE:
		return 2;
	case ROLE_SUPERVISOR:
	case ROLE_COUNT:
		break;
	}
	abort();
}

int64_t
order_backoff_ms(unsigned failures)
{
	/* Two may be bad luck. Then 100 ms, doubled each time, up to 5 s: a person who mends the cause
	 * doesn't wait longer than that. */
	if (failures < 3)
		return 0;
	if (failures >= 9)
		return 5000;
	return INT64_C(100) << (failures - 3);
}

void
order_how(int status, char out[ORDER_HOW_SIZE])
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(out, ORDER_HOW_SIZE,
		    "killed for a forbidden system call (SIGNET_SANDBOX_TRACE=1 names and allows it)");
	else if (WIFSIGNALED(status))
		snprintf(out, ORDER_HOW_SIZE, "killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(out, ORDER_HOW_SIZE, "exit code %d", WEXITSTATUS(status));
}
