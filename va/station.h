/* station.h: a perspective on a machine of its own: what `signet va` runs. It answers what the primary asks over TLS,
 * and signs what it saw. */
#ifndef SIGNET_VA_STATION_H
#define SIGNET_VA_STATION_H

#include "proc/proc.h"

_Noreturn void station_main(struct proc *);

#endif
