/* caa.h: the CAA records of a name, looked for from the name up to the top-level domain, all at once (RFC 8659, 3). The
 * nearest set that isn't empty decides.
 *
 * An answer that can't be had counts as "no records" under if-present, and stops the issuance under enforce when no
 * nearer set decides; so does one that DNSSEC shows to be forged under if-present, too. NXDOMAIN is no failure: there is
 * no record. */
#ifndef SIGNET_VA_CAA_H
#define SIGNET_VA_CAA_H

#include "acme/evidence.h"
#include "acme/problem.h"
#include "va/caa_set.h"
#include "va/resolver.h"

struct caa_result {
	enum caa_outcome	outcome;	/* CAA_ABSENT or CAA_ALLOWED; 0: see problem */
	enum problem_type	problem;
	char			detail[1024];	/* for the client */
};

struct caa;

/* The name is one without "*."; the question is copied, what it points to outlives the look-up. over is called at
 * most once, and never before this returns: look at caa_result() then. NULL: out of memory. */
struct caa	*caa_start(struct resolver *, enum caa_mode, const char *name, const struct caa_question *,
    void (*over)(void *arg), void *arg);
/* NULL while it is under way; borrowed. */
const struct caa_result *caa_result(const struct caa *);
/* The time is up: what has not answered has failed. Then there is a result. */
void		 caa_give_up(struct caa *);
void		 caa_free(struct caa *);	/* also while under way; NULL is fine */

#endif
