#include "lib/clock.h"
#include "lib/log.h"
#include "ra/key_change.h"
#include "ra/ra.h"

#define BATCH 200		/* rows of a kind in one transaction: a few milliseconds of the writer */
#define BATCHES 50		/* a call: 10,000 rows a minute outrun any rate of issuance we serve */
#define KEEP (24 * 3600)	/* a client that slept a day still reads why its order ended */
/* How long failures count as one after the other, and a set of names as one that is renewed after its certificate's
 * end. */
#define KEEP_FAILURES (30 * 24 * 3600)

struct expiry {
	int64_t	 cutoff;
	int64_t key_cutoff;
	int64_t limits_cutoff;
	unsigned deleted;
};

static enum err
expire(struct storage_tx *tx, void *arg)
{
	struct expiry *expiry = arg;

	unsigned more = 0;
	enum err err;

	if ((err = storage_expire(tx, expiry->cutoff, BATCH, &expiry->deleted)) == ERR_OK)
		err = key_changes_expire(tx, expiry->key_cutoff, BATCH, &more);
	expiry->deleted += more;
	if (err == ERR_OK)
		err = revocations_expire(tx, expiry->cutoff, BATCH, &more);
	expiry->deleted += more;
	if (err == ERR_OK)
		err = limits_expire(tx, clock_now_ms(), expiry->limits_cutoff, BATCH, &more);
	expiry->deleted += more;
	return err;
}

void
housekeeping_run(struct ra *ra)
{
	struct expiry expiry = { .cutoff = clock_now() - KEEP };
	int64_t	      total = 0;

	expiry.key_cutoff = key_changes_since(ra->config) - KEEP;
	expiry.limits_cutoff = clock_now() - KEEP_FAILURES;
	/* Another node's administrator may have changed them. */
	(void)limits_load(ra->limits, ra->storage);
	for (unsigned i = 0; i < BATCHES; i++) {
		expiry.deleted = 0;
		if (storage_write(ra->storage, expire, &expiry) != ERR_OK || expiry.deleted == 0)
			break;
		total += expiry.deleted;
	}
	if (total > 0)
		log_event(LOG_INFO, "expired objects deleted", F_INT("count", total));
}
