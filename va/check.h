/* check.h: one validation as one perspective makes it, whatever its method, and all of them at once.
 *
 *   waiting --a slot is free--> running --check_pass() and CAA; or check_fail(), CAA, the time is up--> answered
 *      ^ time: tests let some pass (va.sleep)
 *   napping
 *
 * CAA is looked up beside the method's work, and judged after it. With an order in the CHECK it is looked up alone.
 * A trial goes on to CAA whatever answered, but where what proves is to stand already (challenge_persists()), and never
 * makes a statement.
 *
 * They begin one by one, so that a burst of them doesn't delay what is under way. At most va.concurrent run, and of one
 * account va.limits.account; ten times as many wait, accounts taking turns (line.h). What comes beyond is answered "try
 * again" at once. At one address are at most va.limits.target (gate.h). */
#ifndef SIGNET_VA_CHECK_H
#define SIGNET_VA_CHECK_H

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#include "config/config.h"
#include "ipc/msg.h"
#include "va/fetch.h"
#include "va/gate.h"
#include "va/line.h"
#include "va/probe.h"
#include "va/resolver.h"
#include "va/target.h"

/* What methods work with; borrowed, outlives every check. */
struct means {
	const struct va_config	*config;
	uv_loop_t		*loop;
	struct resolver		*resolver;
	const struct targets	*targets;
	struct gates		*gates;
	struct fetcher		*fetcher;
	struct prober		*prober;
	struct evidence_key	 key;		/* with which statements are made */
	const char		*perspective;	/* whose they are */
	const struct strings	*caa_identities;
	const struct ra_config	*persist;	/* of which only what dns-persist-01 needs */
};

/* Whether the name is a DNS name that the method proves, and token and thumbprint what their types are. A token with
 * "../" or "?" in it would let a captured ra choose the page that counts as proof (RFC 8555, 8.3: base64url only). */
bool	 check_sound(const struct msg_check *);

/* The result is borrowed for the call; its evidence is one statement. */
typedef void checker_answer(void *arg, const struct msg_result *);

struct checker;
struct check {
	struct waiter		 waiter;	/* first: the one is the other's address; checker's */
	struct msg_check	 asked;
	const struct means	*means;
	void			*work;		/* the method's own */
	json_t			*record;	/* an array: record_add() */
	char			 addresses[EVIDENCE_ADDRESSES_MAX + 1];	/* those connected to */
	struct turn		 turn;		/* the method's, while it works: dial.h */
	/* checker's */
	struct checker		*owner;
	const struct method	*method;
	struct check		*prev, *next;
	checker_answer		*answer;
	void			*arg;
	int64_t			 deadline;	/* clock_monotonic_ms(), while it runs or naps */
	struct caa		*caa;		/* NULL: not asked for */
	int64_t			 until;		/* the method's: when what it found ends; 0: it doesn't say */
	bool			 reached;	/* check_reached() */
	bool			 redirected;	/* the method is where the target sent it */
	char			*saw;		/* of a trial that reached it: what was there; else NULL */
	bool			 proved;	/* the method is done: CAA is what is missing */
};

/* For methods. After either the check may be gone, and work was given to the method's end(). */
void	 check_pass(struct check *);
void	 check_fail(struct check *, enum problem_type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Something answered, right or wrong: that is what a trial asks. */
void	 check_reached(struct check *);
/* Notes an address in the evidence. */
void	 check_used(struct check *, const struct address *);

/* means is borrowed. NULL: out of memory. */
struct checker	*checker_new(const struct means *);
/* Answers exactly once, perhaps before it returns. What the CHECK's evidence is, is not looked at. */
void		 checker_add(struct checker *, const struct msg_check *, checker_answer *, void *arg);
size_t		 checker_running(const struct checker *);
/* Drops what runs and waits without answering. The loop must run once more. NULL is fine. */
void		 checker_free(struct checker *);

#endif
