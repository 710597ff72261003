/* role.h: who can be at an end of a wire. */
#ifndef SIGNET_IPC_ROLE_H
#define SIGNET_IPC_ROLE_H

enum role { ROLE_SUPERVISOR, ROLE_WFE, ROLE_RA, ROLE_VA, ROLE_CA, ROLE_COUNT };

#define ROLE_BIT(r) (1u << (r))

const char	*role_name(enum role);			/* "wfe"; static */
enum role	 role_by_name(const char *);		/* ROLE_COUNT: unknown */

#endif
