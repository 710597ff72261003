/* check.h: one validation from CHECK to RESULT, whatever its method, and all of them at once.
 *
 *   waiting --a slot is free--> running --check_pass() and CAA; or failed, and no retry left--> answered
 *      ^                           |
 *      +--time, or CHECK again-- resting <--failed: check_fail(), CAA, or the time is up; a retry is left
 *
 * A failure that is not final is told too (RFC 8555, 8.2). A CHECK for an authorization that is known already asks
 * for nothing new: it only ends a rest. CAA is looked up beside the method's work, and judged after it.
 *
 * At most va.concurrent run, ten times as many wait; what comes beyond is answered "try again" at once. */
#ifndef SIGNET_VA_CHECK_H
#define SIGNET_VA_CHECK_H

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#include "config/config.h"
#include "ipc/msg.h"
#include "va/fetch.h"
#include "va/probe.h"
#include "va/resolver.h"
#include "va/target.h"

/* What methods work with; borrowed, outlives every check. */
struct means {
	const struct va_config	*config;
	uv_loop_t		*loop;
	struct resolver		*resolver;
	const struct targets	*targets;
	struct fetcher		*fetcher;
	struct prober		*prober;
	const uint8_t		*evidence_key;	/* EVIDENCE_KEY_SIZE */
	const struct strings	*caa_identities;
	const struct ra_config	*persist;	/* of which only what dns-persist-01 needs */
};

/* Whether the name is a DNS name that the method proves, and token and thumbprint what their types are. A token with "../" or "?" in
 * it would let a captured ra choose the page that counts as proof (RFC 8555, 8.3: base64url only). */
bool	 check_sound(const struct msg_check *);

struct checker;
struct check {
	struct msg_check	 asked;
	const struct means	*means;
	void			*work;		/* the method's own */
	json_t			*record;	/* an array: record_add() */
	char			 addresses[EVIDENCE_ADDRESSES_MAX + 1];	/* those connected to */
	/* checker's */
	struct checker		*owner;
	const struct method	*method;
	struct check		*prev, *next;
	enum { CHECK_WAITING, CHECK_RUNNING, CHECK_RESTING } state;
	int64_t			 deadline;	/* clock_monotonic_ms(): of running, and of resting */
	int64_t			 retries;	/* left */
	struct caa		*caa;		/* this run's; NULL: not asked for */
	int64_t			 until;		/* the method's: when what it found ends; 0: it doesn't say */
	bool			 proved;	/* the method is done: CAA is what is missing */
	struct evidence		*renews;	/* CAA alone: what is said again; else NULL */
};

/* For methods. After either the check may be gone, and work was given to the method's end(). */
void	 check_pass(struct check *);
void	 check_fail(struct check *, enum problem_type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Notes an address in the evidence. */
void	 check_used(struct check *, const struct address *);

/* The result is borrowed for the call. */
typedef void checker_answer(void *arg, const struct msg_result *);

/* means is borrowed. NULL: out of memory. */
struct checker	*checker_new(const struct means *, checker_answer *, void *arg);
/* Answers exactly once, perhaps before it returns; before that with failures that are not final. */
void		 checker_add(struct checker *, const struct msg_check *);
size_t		 checker_running(const struct checker *);
/* Drops what runs and waits without answering. The loop must run once more. NULL is fine. */
void		 checker_free(struct checker *);

#endif
