/* ra.h: what the parts of the registration authority share. Set up by ra_main() before any thread starts and
 * constant from then on; each part guards its own state. */
#ifndef SIGNET_RA_RA_H
#define SIGNET_RA_RA_H

#include <pthread.h>
#include <stdatomic.h>

#include "acme/surface.h"
#include "config/config.h"
#include "ipc/channel.h"
#include "ra/accounts.h"
#include "ra/admin.h"
#include "ra/crl.h"
#include "ra/issuers.h"
#include "ra/limits.h"
#include "ra/nonce.h"
#include "ra/ocsp.h"
#include "ra/park.h"
#include "ra/retry.h"
#include "storage/storage.h"
#include "x509/blocklist.h"

struct conduct;
struct faults;
struct renewal_overrides;

#define SLOW_PLACES 256	/* accounts that share one by chance don't wait for a while: no harm */

struct ra {
	const struct config	*config;
	const struct surface	*surface;	/* what the configuration chose */
	struct storage		*storage;
	struct nonces		*nonces;
	struct accounts		*accounts;
	struct crl_schedule		*crls;
	struct ocsp_cache	*ocsp;		/* NULL: OCSP is not served */
	struct faults		*faults;	/* NULL: no script is ever looked at */
	atomic_bool		 has_snapshot;	/* state_keep() was called */
	struct conduct		*conduct;	/* NULL: clients are not watched */
	struct renewal_overrides *overrides;	/* manage.h */
	struct park		*park;		/* requests that wait for an outcome */
	struct retry		*retry;		/* outcomes that could not be written yet */
	pthread_rwlock_t	 open;		/* held for reading while a message is served; for writing from stop on */
	atomic_bool		 stopping;
	struct issuers		 issuers;	/* those that the configuration names */
	struct blocklist	*blocked;	/* keys; or NULL */
	struct admin		*admin;
	struct limits		*limits;
	struct trials		*trials;	/* validations that an administrator tries */
	_Atomic int64_t		 slow[SLOW_PLACES];	/* monotonic ms, by the account's id: authorization.c */
	struct channel		*wfe, *va, *ca;
};

/* What va and ca answer. They copy what they need, start a write, and do their own logging; nothing waits for
 * them. */
void validation_result(struct ra *, const struct msg_result *);		/* validation.c */
void finalize_certificate(struct ra *, const struct msg_certificate *);	/* issued.c */
void finalize_refused(struct ra *, const struct msg_refused *);

/* Sends va the CHECK, or ca the ISSUE, for an object in processing; also for what an earlier start left
 * behind. */
/* delay: ms that a fault script lets pass before. */
enum err validation_send(struct ra *, const struct site *, const struct authorization *, const struct account *,
    int64_t delay);
/* Has the CAA records behind a valid authorization looked up again, for that order. */
/* The keys that the account had before, for what may name them (challenge_persists()). */
enum err validation_former(const struct ra *, struct storage_tx *, struct id account, struct msg_check *);
enum err validation_send_caa(struct ra *, const struct authorization *, struct id order);
/* When evidence is too old for ca, CHECKs go out first (unless !ask: they are under way), and ISSUE follows the last
 * of their results. */
enum err finalize_send(struct ra *, struct id order, bool ask);
/* CAA forbade it, at the last moment. */
void	 finalize_forbidden(struct ra *, struct id order, const struct identifier *, enum problem_type,
    const char *detail);
/* Sends an ISSUE that is made already. */
void	 finalize_issue(struct ra *, struct id order, const struct buf *);

/* Ends an account and its open orders, whose error says why (RFC 8555, 7.3.6), and cancels those that are renewed.
 * ERR_CONFLICT: it was not valid. */
enum err account_end(struct ra *, struct id, const char *why);		/* account.c */

/* Drives what stayed in processing when the last ra died (DESIGN: rule 4). Runs in a thread of its own. */
void recovery_run(struct ra *);
/* Deletes what nobody can ask for any more, in small batches. Called about once a minute. */
void housekeeping_run(struct ra *);

#endif
