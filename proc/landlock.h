/* landlock.h: the file system, TCP and signals, as far as the running kernel can take them away. */
#ifndef SIGNET_PROC_LANDLOCK_H
#define SIGNET_PROC_LANDLOCK_H

#include "lib/err.h"
#include "proc/sandbox.h"

/* Confines the calling thread and all it starts from now on. Needs no_new_privs.
 * ERR_UNSUPPORTED: this kernel has no Landlock, or it is switched off. ERR_IO: errno tells. */
enum err landlock_enter(const struct sandbox *);

#endif
