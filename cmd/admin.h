/* admin.h: the commands that talk to the running server. What each takes, and its help, come from ipc/admin.h. */
#ifndef SIGNET_CMD_ADMIN_H
#define SIGNET_CMD_ADMIN_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/buf.h"

/* How a command's rows are printed for people; without a view each member stands on a line of its own. */
struct admin_view {
	const char	*verb;
	const char	*heading;			/* or NULL */
	void		(*row)(const json_t *);
};

/* `signet GROUP VERB ...`: argv[0] is the group. views end with a NULL verb. The exit code. */
int	 admin_main(const struct admin_view *views, int argc, char **argv);
/* "key: value" lines. */
void	 admin_print_members(const json_t *row);
/* A member's text, or "". */
const char *admin_text(const json_t *row, const char *member);
/* An array of strings, with commas between them; on the heap. */
char	*admin_joined(const json_t *array);

/* What accounts are held to, of an account's "policy" or a key: "*.lan, 10.0.0.0/8; not x.lan; at most 5 names"; on the
 * heap. */
char	*admin_bounds(const json_t *);

/* admin_connect.c: a connection to the server whose configuration is file; -1: told on standard error. */
int	 admin_connect(const char *file);
/* Sends the line, then calls row for each row of the answer as it comes. The exit code; errors are told on standard
 * error. */
int	 admin_ask(int fd, const char *line, void (*row)(const json_t *, void *arg), void *arg);

int	 cert_command(int argc, char **argv);
int	 account_command(int argc, char **argv);
int	 eab_command(int argc, char **argv);
int	 limit_command(int argc, char **argv);
int	 authz_command(int argc, char **argv);
int	 try_command(int argc, char **argv);

#endif
