#include "ra/later.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"

struct later {
	struct parked	 parked;	/* first */
	struct ra	*ra;
	struct channel	*to;		/* NULL: a result */
	enum msg_type	 type;
	struct buf	 body;
	struct msg_result result;
};

static void
run(struct parked *parked)
{
	struct later *later = (struct later *)parked;

	if (later->to == NULL)
		validation_result(later->ra, &later->result);
	else if (channel_send(later->to, later->type, &later->body) != ERR_OK)
		log_event(LOG_WARNING, "a message that was put off is lost: its receiver is gone",
		    F_STR("message", msg_entry(later->type)->name));
	buf_free(&later->body);
	free(later);
}

static struct later *
later_new(struct ra *ra, int64_t ms)
{
	struct later *later = calloc(1, sizeof(*later));

	if (later == NULL)
		abort();
	later->ra = ra;
	later->parked.run = run;
	later->parked.object = id_short();	/* nobody wakes it */
	later->parked.stamp = park_stamp(ra->park, later->parked.object);
	later->parked.until = clock_monotonic_ms() + ms;
	return later;
}

void
later_send(struct ra *ra, struct channel *to, enum msg_type type, struct buf *body, int64_t ms)
{
	struct later *later = later_new(ra, ms);

	later->to = to;
	later->type = type;
	later->body = *body;
	*body = (struct buf){ 0 };
	park_put(ra->park, &later->parked);
}

void
later_fail(struct ra *ra, struct id authorization, enum problem_type type, const char *detail, int64_t ms)
{
	struct later *later = later_new(ra, ms);

	later->result = (struct msg_result){ .authorization = authorization, .problem = type, .record = "[]" };
	snprintf(later->result.detail, sizeof(later->result.detail), "%s", detail);
	park_put(ra->park, &later->parked);
}
