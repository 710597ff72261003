/* drop.h: the supervisor's half of dropping privileges; the roles' is proc_drop(). */
#ifndef SIGNET_PROC_DROP_H
#define SIGNET_PROC_DROP_H

#include <stdbool.h>

/* no_new_privs, no core file, not dumpable. As root: keeps only the capabilities that starting roles takes,
 * for good, for itself and for whatever it starts. False with errno. */
bool drop_unneeded(void);

#endif
