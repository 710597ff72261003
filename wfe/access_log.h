/* access_log.h: one line for every request, and its place in the metrics. */
#ifndef SIGNET_WFE_ACCESS_LOG_H
#define SIGNET_WFE_ACCESS_LOG_H

#include "wfe/request.h"

/* The request is over. Its status is what we answered; 0: the client left, or was dropped, before that. */
void access_log(const struct request *);

#endif
