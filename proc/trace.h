/* trace.h: SIGNET_SANDBOX_TRACE=1: a thread outside the filter that logs each forbidden call, once by name,
 * and lets it through. For finding out what a role needs; never for a server that serves. */
#ifndef SIGNET_PROC_TRACE_H
#define SIGNET_PROC_TRACE_H

#include <stdbool.h>

bool trace_wanted(void);
/* Starts the thread; before the filter is loaded. False: no thread (errno tells). */
bool trace_start(const char *role);
/* Hands it the filter's notification descriptor; after the filter is loaded. */
void trace_follow(int fd);

#endif
