/* ballot_words.h: one validation put to all perspectives, as ballot.c has it, and what is told about it. */
#ifndef SIGNET_VA_BALLOT_WORDS_H
#define SIGNET_VA_BALLOT_WORDS_H

#include <sys/queue.h>

#include "lib/map.h"
#include "va/ballot.h"

/* What one perspective said in this round. */
struct stance {
	enum { UNSAID, AGREED, FAILED } outcome;
	enum problem_type problem;
	char *detail; /* when it failed, or in a trial; NULL: no memory, or nothing to say */
	char *record; /* NULL: no memory */
	int64_t ms; /* until it answered */
	struct buf statement; /* when it agreed */
	int64_t caa_checked, until;
};

struct ballot {
	struct ballots *owner;
	struct msg_check asked;
	enum { ASKING, RESTING, ANSWERED } state;
	struct buf old; /* CAA alone: the bundle that is renewed */
	struct evidence *claim; /* the same: the primary's statement in it */
	bool ok; /* of ANSWERED */
	unsigned round;
	unsigned pending; /* votes on their way, of any round */
	bool starting; /* inside round_start() */
	int64_t retries; /* left */
	int64_t deadline; /* of RESTING: clock_monotonic_ms() */
	int64_t validated;
	TAILQ_ENTRY(ballot) next; /* while resting */
	struct stance said[]; /* as the voters */
};

struct ballots {
	const struct va_config *config;
	const struct voter *voters;
	size_t count; /* of voters */
	ballot_answer *answer;
	void *arg;
	struct map *by_authorization; /* whole validations that are not answered */
	TAILQ_HEAD(resting, ballot) resting; /* by deadline: all rest equally long */
	size_t resting_count;
	uv_timer_t sweep; /* runs while some rest */
};

bool	 ballot_is_caa_alone(const struct ballot *);
/* Whose outcome is that one, the primary left out: bit i is va.perspectives[i]. */
uint32_t ballot_set(const struct ballot *, int outcome);

/* Fill in what the client is told: the primary failed, or too few others agreed; and what whoever tries is. */
void	 ballot_tell_primary(const struct ballot *, struct msg_result *);
void	 ballot_tell_quorum(const struct ballot *, struct msg_result *);
void	 ballot_tell_trial(const struct ballot *, struct msg_result *);
/* Appends what each said, as JSON for people; nothing when one perspective is all there is. */
void	 ballot_put_votes(const struct ballot *, struct buf *);
void	 ballot_log(const struct ballot *, const struct msg_result *);

#endif
