/* supervisor.h: starts, watches, reloads and stops the roles; holds the listening sockets. */
#ifndef SIGNET_PROC_SUPERVISOR_H
#define SIGNET_PROC_SUPERVISOR_H

#include "config/config.h"

/* Runs until SIGTERM or SIGINT; returns the exit code for the program (0: asked to stop; 1: could not
 * start). SIGHUP reads file again and, when it is sound, moves to it without dropping a request. config is
 * taken over. */
int supervisor_run(struct config *);

#endif
