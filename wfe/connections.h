/* connections.h: every open connection and the absolute time by which it must have got further, so that
 * a client that sends a byte now and then can't hold one for ever (libmicrohttpd's own timeout counts only
 * silence). Safe from any thread: a socket is shut down under the lock that its closing takes first, so
 * never another one that got the same number. */
#ifndef SIGNET_WFE_CONNECTIONS_H
#define SIGNET_WFE_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/msg.h"

/*  IDLE --request line--> READING --body complete--> WORKING --answer--> WRITING --sent--> IDLE
 *  from connect or the   request_time to            no deadline:        request_time
 *  last answer:          read it all                ra's time
 *  idle_time + request_time                                                              */
enum connection_phase { PHASE_IDLE, PHASE_READING, PHASE_WORKING, PHASE_WRITING };

struct connections;
struct crowd;			/* one listener's */
struct connection;
struct handshake;

/* Times in seconds. NULL: out of memory. */
struct connections *connections_new(int64_t idle_time, int64_t request_time);
void	 connections_free(struct connections *);	/* when all are closed; NULL is fine */
/* Those of one more listener, of which limit may be open at once; at most LISTENERS_MAX, before any of its own is opened;
 * the sweep may be running. Lives as long as all. */
struct crowd *connections_crowd(struct connections *, size_t limit);

/* A new socket, idle. remote is copied. NULL: out of memory. */
struct connection *connection_opened(struct connections *, struct crowd *, int fd, const char *remote, int64_t now_ms);
/* Before the socket is closed. NULL is fine. */
void	 connection_closed(struct connections *, struct connection *);
/* NULL connection is fine. */
void	 connection_phase(struct connections *, struct connection *, enum connection_phase, int64_t now_ms);
/* A place for its TLS handshake's state; the caller's to fill, and to free before connection_closed(). */
struct handshake **connection_handshake(struct connection *);
const char *connection_remote(const struct connection *);	/* lives as long as it; "" for NULL */

bool	 connection_is_shut(struct connections *, const struct connection *);	/* by us */

/* Shuts down what is over its time; returns how many. A crowd that has most of its limit makes room, so that neither
 * one address nor many together keep the others out, the oldest first, and as many as there are too many: idle
 * connections of addresses that have more than a sixteenth of the limit, then whatever keeps us waiting for some
 * seconds (less when it is nearly full): a first request, the rest of one, or that an answer is read. */
size_t	 connections_sweep(struct connections *, int64_t now_ms);
/* Shuts down what is idle: the server is stopping. */
void	 connections_close_idle(struct connections *);
size_t	 connections_count(struct connections *);
/* True once for each time that half of a crowd or more has gone, however quickly it came and went; a few dozen are no
 * crowd. */
bool	 connections_ebbed(struct connections *);
/* How many are not idle. */
size_t	 connections_busy(struct connections *);

/* When a connection that enters the phase now is over its time; 0: never. Exposed for its test. */
int64_t	 phase_deadline(enum connection_phase, int64_t idle_ms, int64_t request_ms, int64_t now_ms);

#endif
