/* frame.h: what the primary and a perspective on another machine say to one another, inside TLS: a length of four
 * bytes, then a body that begins with its type. Pure.
 *
 * Decoders return false on any malformed byte or trailing bytes; then the connection ends. */
#ifndef SIGNET_VA_FRAME_H
#define SIGNET_VA_FRAME_H

#include "ipc/msg.h"

#define FRAME_VERSION 1
#define FRAME_HEAD 4		/* of the length */
#define FRAME_MAX 8192		/* of a body: a RESULT's texts and one statement */

enum frame_type {
	FRAME_HELLO = 1,	/* perspective -> primary: who it is */
	FRAME_ASK,		/* primary -> perspective */
	FRAME_ANSWER,		/* perspective -> primary */
	FRAME_TYPE_COUNT
};

struct frame_hello {
	char			perspective[PERSPECTIVE_MAX + 1];
};

/* The CHECK's claim, and whether CAA is asked for alone. Of the CHECK's ids none crosses: order is set on the other
 * side to any id for CAA alone. */
struct frame_ask {
	uint64_t		number;		/* the primary's; the answer repeats it */
	bool			caa_alone;
	struct msg_check	check;		/* without authorization, order and evidence */
};

struct frame_answer {
	uint64_t		number;
	struct msg_result	result;		/* its evidence is one statement, borrowed */
};

/* Each appends a whole frame: length and body. */
void	frame_put_hello(struct buf *, const struct frame_hello *);
void	frame_put_ask(struct buf *, const struct frame_ask *);
void	frame_put_answer(struct buf *, const struct frame_answer *);
/* From a body. */
enum frame_type frame_type(struct slice body);	/* 0: none that is known */
bool	frame_get_hello(struct slice, struct frame_hello *);
bool	frame_get_ask(struct slice, struct frame_ask *);
bool	frame_get_answer(struct slice, struct frame_answer *);

#endif
