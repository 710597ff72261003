/* gate.h: how many validations may be at one address at once (RFC 8555, 10.4: the server is not to be a cannon). The
 * others stand in line, each until the time for its validation is over. */
#ifndef SIGNET_VA_GATE_H
#define SIGNET_VA_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "lib/address.h"

struct gates;
struct place;

/* One validation's, part of it. Zeros: neither inside nor in line. */
struct turn {
	struct place	*place;		/* NULL: neither */
	struct turn	*next, *prev;	/* in line, or called */
	enum { TURN_INSIDE, TURN_IN_LINE, TURN_CALLED } state;
	void		(*go)(void *arg);
	void		*arg;
};

/* most: at one address. NULL: out of memory. */
struct gates	*gates_new(uv_loop_t *, size_t most);
/* Everybody has left. The loop must run once more. NULL is fine. */
void		 gates_free(struct gates *);

/* Leaves where it is and asks for that address. True: it is inside. False: it stands in line, and go is called from the
 * loop when it is inside. */
bool		 gate_enter(struct gates *, struct turn *, const struct address *, void (*go)(void *arg), void *arg);
/* Whether it is inside, in line or neither. */
void		 gate_leave(struct gates *, struct turn *);
/* Whether it stands in line. */
bool		 gate_waits(const struct turn *);
size_t		 gates_most(const struct gates *);

#endif
