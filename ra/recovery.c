/* What a dead ra, a full disk or a lost message left in processing. Everything here is safe to do twice:
 * a CHECK answered twice loses its compare-and-set the second time, and ISSUE is idempotent by order id. */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "ra/ra.h"

#define BATCH 512	/* a pass; what is left waits for the next, so that recovery never floods va */

/* Those of the last pass: an object in processing for two passes running is driven on. */
struct seen {
	struct id ids[BATCH];
	size_t	  count;
};

static enum err
drive_authorization(struct ra *ra, struct id id)
{
	struct authorization authorization = { 0 };
	struct account	     account = { 0 };
	struct site	     site = { ra->surface, ra->config->wfe.url };
	struct storage_tx   *tx;
	enum err	     err;

	if ((err = storage_read(ra->storage, &tx)) != ERR_OK)
		return err;
	if ((err = authorization_get(tx, id, &authorization)) == ERR_OK)
		err = account_get(tx, authorization.account, &account);
	storage_read_end(tx);
	if (err == ERR_OK && authorization.state == AUTHORIZATION_PROCESSING)
		err = validation_send(ra, &site, &authorization, &account, 0);
	authorization_free(&authorization);
	account_free(&account);
	return err;
}

static enum err
drive_order(struct ra *ra, struct id id)
{
	return finalize_send(ra, id, true);
}

static bool
was_seen(const struct seen *seen, struct id id)
{
	for (size_t i = 0; i < seen->count; i++)
		if (id_eq(seen->ids[i], id))
			return true;
	return false;
}

static void
drive(struct ra *ra, struct seen *seen, bool first, const char *what,
    enum err (*list)(struct storage_tx *, struct id *, size_t, size_t *),
    enum err (*one)(struct ra *, struct id))
{
	struct seen	   now = { .count = 0 };
	struct storage_tx *tx;
	int64_t		   driven = 0;

	if (storage_read(ra->storage, &tx) != ERR_OK)
		return;
	if (list(tx, now.ids, BATCH, &now.count) != ERR_OK)
		now.count = 0;
	storage_read_end(tx);
	for (size_t i = 0; i < now.count; i++)
		if ((first || was_seen(seen, now.ids[i])) && one(ra, now.ids[i]) == ERR_OK)
			driven++;
	*seen = now;
	if (driven > 0)
		log_event(LOG_INFO, "taken up again", F_STR("what", what), F_INT("count", driven));
}

void
recovery_run(struct ra *ra)
{
	/* Only the one thread that keeps house calls this. */
	static struct seen authorizations, orders;
	static bool	   again;

	drive(ra, &authorizations, !again, "validations", authorizations_processing, drive_authorization);
	drive(ra, &orders, !again, "orders", orders_processing, drive_order);
	again = true;
}
