/* retry.h: outcomes whose write failed, tried again every second: a full disk passes, and nobody should wait for the
 * next start to learn of a validation or a certificate. */
#ifndef SIGNET_RA_RETRY_H
#define SIGNET_RA_RETRY_H

#include <stdbool.h>

#include "storage/storage.h"

struct retry;

struct retry	*retry_new(void);		/* NULL: out of memory */
/* For a write's done(): whether it failed by the disk or for want of memory, and is taken over to be started again.
 * False: it went well, or failed for good; after five minutes of failures that is for good too, and recovery's
 * business. From any thread. */
bool		 retry_take(struct retry *, struct storage_write *);
/* Starts again what was taken. Called about once a second. */
void		 retry_run(struct retry *, struct storage *);

#endif
