/* supervisor.h: starts, watches, reloads and stops the roles; holds the listening sockets. */
#ifndef SIGNET_PROC_SUPERVISOR_H
#define SIGNET_PROC_SUPERVISOR_H

#include "config/config.h"
#include "proc/listeners.h"

/* Runs until SIGTERM or SIGINT; returns the exit code for the program (0: asked to stop; 1: could not
 * start). SIGHUP reads file again and, when it is sound, moves to it without dropping a request. config is
 * taken over. */
int supervisor_run(struct config *);

/* The same for a configuration that no file holds: SIGHUP changes nothing, and ready, which may be NULL, is told once
 * when all serve. */
int supervisor_run_for(struct config *, void (*ready)(void *arg, const struct listeners *), void *arg);

#endif
