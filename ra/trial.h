/* trial.h: validations that nobody ordered, to see how far one would get; for `signet try`. */
#ifndef SIGNET_RA_TRIAL_H
#define SIGNET_RA_TRIAL_H

#include <stdbool.h>

#include "ipc/channel.h"
#include "ipc/msg.h"
#include "lib/err.h"
#include "lib/reason.h"

#define TRIALS_MAX 8		/* as many as there are administrators (admin.c) */

struct trials;

struct trials	*trials_new(void);		/* NULL: out of memory */
/* Has va try what the check says: identifier, method, account; without a thumbprint it is nobody's. *id is what to ask
 * by. ERR_BUSY: too many are under way. */
enum err	 trial_begin(struct trials *, struct channel *va, const struct msg_check *, struct id *id);
/* ERR_BUSY: not yet. ERR_NOT_FOUND: va did not answer in time, or there is none of that id. On ERR_OK it is forgotten;
 * the caller frees *votes, JSON; *why is the rule that wants more of them, or "". */
enum err	 trial_take(struct trials *, struct id, bool *reached, char **votes, struct reason *why);
/* Whether the RESULT is of a trial; then it is taken. From any thread. */
bool		 trial_result(struct trials *, const struct msg_result *);

#endif
