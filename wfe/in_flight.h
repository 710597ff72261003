/* in_flight.h: requests whose connection is suspended until ra says something. Bounded: what is beyond it is
 * told to come back. Safe from any thread. A request is suspended before it is added, since another thread
 * may take and resume it at once; whoever takes it owns it. */
#ifndef SIGNET_WFE_IN_FLIGHT_H
#define SIGNET_WFE_IN_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At 64 KiB a body this is what a busy ra may be owed: it answers some thousands a second. */
#define IN_FLIGHT_MAX 2048

enum wait_for { WAIT_REPLY = 1, WAIT_NONCE };

struct in_flight;
struct request;

struct in_flight *in_flight_new(void);			/* NULL: out of memory */
void	 in_flight_free(struct in_flight *);		/* NULL is fine */
/* Gives the request a number that no other had or gets. 0: full, or closed. */
uint64_t in_flight_add(struct in_flight *, struct request *, enum wait_for);
/* The request that waits for the reply of that number; NULL when there is none. */
struct request *in_flight_take(struct in_flight *, uint64_t number);
/* One that waits for a nonce; NULL when there is none. */
struct request *in_flight_take_nonce(struct in_flight *);
/* Refuses additions from now on. */
void	 in_flight_close(struct in_flight *);
/* Any; NULL when there is none. */
struct request *in_flight_take_any(struct in_flight *);
size_t	 in_flight_count(struct in_flight *);

#endif
