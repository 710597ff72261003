/* admin.h: the administration socket: who may, and what is done for them. The commands and their arguments stand in
 * ipc/admin.h; each has its handler here.
 *
 * One thread serves a few clients without ever waiting for one of them, and works for them in turn, a page at a time, so
 * that neither a slow client nor a long list holds a snapshot, the writer or an ACME request up. */
#ifndef SIGNET_RA_ADMIN_H
#define SIGNET_RA_ADMIN_H

#include <stdint.h>
#include <sys/types.h>

#include "ipc/admin.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"
#include "storage/storage.h"

struct ra;
struct admin;

/* Makes folder/admin.sock, mode 0600, in the place of one that is left from another start. Only root and the
 * folder's owner will be served. Call as the user that ra runs as, before sandbox_enter(). ERR_IO with reason,
 * ERR_MEMORY. */
enum err admin_open(struct ra *, const char *folder, struct admin **out, struct reason *);
enum err admin_start(struct admin *);	/* its thread; after storage_start() */
/* Once ra->stopping is set: ends it, after the page that is in work, and its clients' connections. */
void	 admin_stop(struct admin *);

/* A command under way. Its handler is called until it leaves more unset: each time it adds rows, and what it added is
 * sent before it is called again. */
struct admin_call {
	struct ra			*ra;
	const struct admin_request	*request;
	uid_t				 uid;		/* whose command it is */
	struct buf			*out;
	uint64_t			 rows;
	bool				 more;		/* unset before each call */
	bool				 wait;		/* with more: nothing happens for a moment; unset before each call */
	bool				 failed;
	/* Where a list goes on; zero at first. */
	struct certificate_walk		 walk;
	struct id			 last;
	char				 bucket[BUCKET_NAME_SIZE];
	struct pause			 pause;
	/* Of a trial (admin_try.c): whether its rows are told already. */
	enum { TRIAL_OPEN, TRIAL_REACHED, TRIAL_FAILED } trial;
	struct reason			 why;		/* the quorum that was missed, or "" */
};

/* Adds a row; the object is taken over. NULL: memory is out, which ends the command. */
void	 admin_row(struct admin_call *, json_t *);
/* Ends the command with an error, instead of what this call added. */
enum admin_code { ADMIN_MALFORMED, ADMIN_DENIED, ADMIN_BUSY, ADMIN_NOT_FOUND, ADMIN_CONFLICT, ADMIN_BROKEN };
void	 admin_fail(struct admin_call *, enum admin_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an error that is ours: logged with where. */
void	 admin_broken(struct admin_call *, const char *where, enum err);
/* Whether so many rows are what the request's "limit" allows: then the list is over. */
bool	 admin_enough(const struct admin_call *);

/* The handlers, each in the file of its group: admin_cert.c, admin_account.c, ... */
typedef void admin_handler(struct admin_call *);
admin_handler admin_cert_list, admin_cert_show, admin_cert_revoke;
admin_handler admin_account_list, admin_account_show, admin_account_deactivate, admin_account_policy;
admin_handler admin_eab_create, admin_eab_list, admin_eab_revoke;
admin_handler admin_limit_rates, admin_limit_list, admin_limit_paused, admin_limit_override, admin_limit_reset,
    admin_limit_unpause;
admin_handler admin_authz_show, admin_try;

/* admin_bounds.c: the arguments "name", "deny", "profile", "no-wildcards" and "max-names". False: the command has failed.
 * Either way bounds_free(). */
bool	 admin_bounds_read(struct admin_call *, struct bounds *out);
/* Adds them to a row's object; NULL is fine. */
void	 admin_bounds_show(json_t *, const struct bounds *);

/* admin_call.c: calls the handler; the answer's end is added when it is done. */
void	 admin_call_run(struct admin_call *);
/* Appends an error line. */
void	 admin_put_error(struct buf *, enum admin_code, const char *message);

#endif
