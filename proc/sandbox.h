/* sandbox.h: Landlock, then seccomp. One struct per role, beside the role's main function. */
#ifndef SIGNET_PROC_SANDBOX_H
#define SIGNET_PROC_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sandbox {
	const char	*role;
	/* Names of system calls that this role needs beyond the common ones (sandbox.c: memory, threads,
	 * time, read, write, close, exit, ...), NULL-terminated. */
	const char *const *allow;
	/* Kept writable in Landlock: a path as it is seen after proc_drop(), or NULL for no file at all. */
	const char	*writable;
	/* Landlock network rules where the kernel has them: may it bind or connect TCP? What may connect can
	 * make sockets of the internet's families; socket and ioctl need not be in allow. */
	bool		 tcp_bind, tcp_connect;
};

/* Confines the calling process, all threads. A forbidden system call kills the process from now on; with
 * the environment's SIGNET_SANDBOX_TRACE=1 it is logged by name and allowed instead. Dies when the kernel
 * can't do seccomp; without Landlock it logs a warning and goes on. Call before starting threads. */
void sandbox_enter(const struct sandbox *);

#endif
