/* faults.h: faults on demand, for tests of clients: a script of rules, each with what it meets and what then happens.
 * The first rule that meets a request is the one that counts. Safe from any thread.
 *
 *   {"endpoint": "new-order",       one of route_name()s; absent: any
 *    "account": "https://...",      an account's URL; absent: any
 *    "nth": 3,                      only the n-th request that it meets, from 1 on; absent: each
 *    "percent": 30,                 of those; absent: all
 *    "times": 2,                    so often at the most; absent: without end
 *    "status": 503, "type": "serverInternal", "detail": "...",      the answer, in place of the true one
 *    "retryAfter": 120, "retryAfterForm": "date",                   seconds; how they are shown
 *    "delay": 1500,                 ms before anything is done
 *    "connection": "reset"          or "truncate": half of the answer
 *    "nonce": "missing"             or "stale": in the answer
 *    "contentType": "text/html"     or text/plain, application/xml, ""
 *    "issuanceDelay": 5000          ms until ca is asked, of finalize
 *    "validationDelay": 5000        ms until va is asked, of a challenge
 *    "validationError": "dns"}      the validation fails with this problem type */
#ifndef SIGNET_RA_FAULTS_H
#define SIGNET_RA_FAULTS_H

#include <jansson.h>

#include "acme/problem.h"
#include "acme/surface.h"
#include "ipc/msg.h"
#include "lib/err.h"
#include "lib/reason.h"

enum nonce_fault { NONCE_SOUND, NONCE_MISSING, NONCE_STALE };

struct fault {
	uint16_t	  status;		/* 0: the true answer */
	enum problem_type type;
	char		  detail[200];
	uint32_t	  retry_after;		/* 0: as it is */
	bool		  retry_date;
	int64_t		  delay;		/* ms */
	enum wire_fault	  connection;
	enum nonce_fault  nonce;
	bool		  has_media;
	enum media_type	  media;
	int64_t		  issuance_delay, validation_delay;
	enum problem_type validation_error;	/* PROBLEM_NONE: it goes on */
};

struct faults;

struct faults	*faults_new(void);		/* NULL: out of memory */
/* Takes the rules of {"faults": [...]} in place of those there are; none with an empty list. ERR_MALFORMED with the
 * reason, and nothing has changed. */
enum err	 faults_set(struct faults *, const struct surface *, const json_t *script, struct reason *);
/* The script as it was set, with "met" and "done" of each rule. The caller owns it. */
json_t		*faults_show(struct faults *);
/* False: no rule meets the request. */
bool		 faults_meet(struct faults *, enum route, const struct id *account, struct fault *out);

#endif
