/* dial.h: from a host to the addresses that a validation may connect to (RFC 8555, 10.4): at most one that
 * va.targets allows of each family, IPv6 first; IPv4 is tried only when IPv6 didn't connect (Boulder). The
 * address that was checked is the one that is connected to. */
#ifndef SIGNET_VA_DIAL_H
#define SIGNET_VA_DIAL_H

#include "va/check.h"
#include "va/url.h"

struct dial {
	struct address	resolved[LOOKUP_ADDRESSES_MAX];
	size_t		resolved_count;
	struct address	choice[2];	/* IPv6, then IPv4 */
	size_t		choices, chosen;
	char		servers[160];	/* who was asked; "": nobody */
	char		before[128];	/* "; before that, ADDRESS refused the connection", or "" */
};

/* Both choose among the addresses; false when there is none to connect to, after check_fail(), and the record
 * has the hop. url says which host it is, and the port. */
bool	 dial_literal(struct check *, struct dial *, const struct url *);	/* url->literal */
bool	 dial_resolved(struct check *, struct dial *, const struct url *, const struct lookup_answer *);
/* No answer in time: fails the check. */
void	 dial_unresolved(struct check *, const struct url *, const struct lookup *);
/* Whether there is room at the address to connect to. False: go is called with the check when there is; until then
 * dial_crowded() says what it waits for. */
bool	 dial_enter(struct check *, const struct dial *, void (*go)(void *check));
/* No room in time: fails the check. */
void	 dial_crowded(struct check *, const struct dial *, const struct url *);
/* The address to connect to now; noted in the evidence and the record. */
const struct address *dial_now(struct check *, const struct dial *, const struct url *);
/* It could not be connected to, why being a clause: whether there is another one. */
bool	 dial_next(struct dial *, const char *why);

#define WHERE_SIZE (ADDRESS_TEXT_SIZE + URL_HOST_MAX + 16)
/* "10.0.0.7 port 80 (nas.home.arpa)"; returns out. */
const char *dial_where(const struct dial *, const struct url *, char out[WHERE_SIZE]);

#endif
