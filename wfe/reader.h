/* reader.h: the thread that listens to ra. */
#ifndef SIGNET_WFE_READER_H
#define SIGNET_WFE_READER_H

#include "wfe/server.h"

/* Receives until ra hangs up; then answers what is suspended, waits a moment for the answers to leave, and
 * ends the process: the supervisor starts both again. A pthread start routine. */
_Noreturn void *reader_run(void *wfe);

/* Answers everything that is suspended with 503, and all that would be from now on. */
void	 reader_abandon(struct wfe *);

#endif
