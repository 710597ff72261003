#include "ra/reuse.h"

#include <stdlib.h>
#include <string.h>

#include "lib/chance.h"
#include "ra/order_read.h"
#include "ra/order_view.h"

/* What must be left of an order's or authorization's time: enough for a slow client to finalize. */
#define TIME_LEFT_MIN 600

static enum err
load(struct storage_tx *tx, struct id account, struct recent *out)
{
	struct id ids[RECENT_MAX];
	size_t count = 0;
	enum err err = orders_newest(tx, account, ids, RECENT_MAX, &count);

	for (size_t i = 0; i < count && err == ERR_OK; i++)
		if ((err = order_get(tx, ids[i], &out->orders[out->count])) == ERR_OK)
			out->count++;
	return err;
}

bool
recent_load(struct request *request, struct recent *out)
{
	const struct ra_config *config = &request->ra->config->ra;
	struct storage_tx *tx;
	enum err err;

	out->count = 0;
	if (!config->reuse_authorizations && !config->reuse_orders)
		return true;
	if ((tx = request_tx(request)) == NULL)
		return false;
	err = load(tx, request->account.id, out);
	return err == ERR_OK || request_broken(request, "recent_load", err);
}

void
recent_unload(struct recent *recent)
{
	for (size_t i = 0; i < recent->count; i++)
		order_free(&recent->orders[i]);
	recent->count = 0;
}

/* Whether nothing but these challenge types (bits: 1 << type) proved it, or can. */
static bool
proves_by(const struct authorization *authorization, uint32_t challenges)
{
	if (authorization->state == AUTHORIZATION_PENDING)
		return (authorization->offered & ~challenges) == 0;
	return (challenges & 1u << authorization->tried) != 0;
}

/* The order's authorization for its i-th identifier, when it is valid until then. ERR_NOT_FOUND. */
static enum err
take_valid(struct storage_tx *tx, const struct order *order, size_t i, uint32_t challenges, int64_t until,
    struct authorization *out)
{
	struct id ids[IDENTIFIERS_MAX];
	size_t count;
	enum err err = order_authorization_ids(tx, &order->id, ids, &count);

	if (err == ERR_OK)
		err = i < count ? authorization_get(tx, ids[i], out) : ERR_NOT_FOUND;
	if (err != ERR_OK ||
	    (out->state == AUTHORIZATION_VALID && out->expires > until && proves_by(out, challenges)))
		return err;
	authorization_free(out);
	return ERR_NOT_FOUND;
}

static enum err
find_in_recent(struct storage_tx *tx, const struct recent *recent, const struct identifier *identifier,
    uint32_t challenges, int64_t until, struct authorization *out)
{
	enum err err = ERR_NOT_FOUND;

	for (size_t o = 0; o < recent->count && err == ERR_NOT_FOUND; o++)
		for (size_t i = 0; i < recent->orders[o].identifier_count && err == ERR_NOT_FOUND; i++)
			if (identifier_eq(&recent->orders[o].identifiers[i], identifier))
				err = take_valid(tx, &recent->orders[o], i, challenges, until, out);
	return err;
}

bool
reuse_authorization(struct request *request, const struct recent *recent, const struct identifier *identifier,
    uint32_t challenges, int64_t now, struct authorization *out, bool *found)
{
	struct storage_tx *tx = request_tx(request);
	struct identifier base = identifier_base(identifier);
	enum err err;

	*found = false;
	if (tx == NULL)
		return false;
	err = authorization_find(
	    tx, request->account.id, &base, identifier_is_wildcard(identifier), now + TIME_LEFT_MIN, out);
	if (err == ERR_OK && !proves_by(out, challenges)) {
		authorization_free(out);
		err = ERR_NOT_FOUND;
	}
	if (err == ERR_NOT_FOUND && request->ra->config->ra.reuse_authorizations &&
	    chance_percent(CHANCE_REUSE, request->ra->config->ra.reuse_chance))
		err = find_in_recent(tx, recent, identifier, challenges, now + TIME_LEFT_MIN, out);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return request_broken(request, "reuse_authorization", err);
	*found = err == ERR_OK;
	return true;
}

static bool
same_names(const struct order *a, const struct order *b)
{
	struct identifier *sorted = calloc(a->identifier_count + b->identifier_count, sizeof(*sorted));
	bool same = sorted != NULL && a->identifier_count == b->identifier_count;

	if (same) {
		size_t n = a->identifier_count;
		struct identifier *second = sorted + n;

		memcpy(sorted, a->identifiers, n * sizeof(*sorted));
		memcpy(second, b->identifiers, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), identifier_compare);
		qsort(second, n, sizeof(*sorted), identifier_compare);
		for (size_t i = 0; i < n && same; i++)
			same = identifier_eq(&sorted[i], &second[i]);
	}
	free(sorted);
	return same;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
asks_the_same(const struct order *a, const struct order *b)
{
	return strcmp(a->profile, b->profile) == 0 && a->not_before == b->not_before &&
	       a->not_after == b->not_after && same_text(a->replaces, b->replaces) && same_names(a, b);
}

static bool
all_prove_by(const struct authorization *authorizations, size_t count, uint32_t challenges)
{
	for (size_t i = 0; i < count; i++)
		if (!proves_by(&authorizations[i], challenges))
			return false;
	return true;
}

bool
reuse_order(struct request *request, const struct recent *recent, const struct order *wanted, int64_t now,
    struct id *out)
{
	const struct config *config = request->ra->config;
	uint32_t challenges = order_challenges(&config->ra, &config->ca, wanted->profile);
	enum err err = ERR_OK;

	*out = (struct id){ { 0 } };
	for (size_t i = 0; config->ra.reuse_orders && i < recent->count && err == ERR_OK; i++) {
		const struct order *order = &recent->orders[i];
		struct authorization *authorizations = NULL;
		size_t count = 0;
		enum order_status status;
		bool taken;

		/* What is renewed by itself is bound to the one request that asked for it. */
		if (order->state != ORDER_OPEN || wanted->auto_renewal.lifetime != 0 ||
		    order->auto_renewal.lifetime != 0 || !asks_the_same(order, wanted))
			continue;
		err = order_authorizations(request_tx(request), order->id, &authorizations, &count);
		status = order_status_at(order, authorizations, count, now + TIME_LEFT_MIN);
		taken = all_prove_by(authorizations, count, challenges);
		order_unload(NULL, authorizations, count);
		if (err != ERR_OK || !taken || (status != ORDER_STATUS_PENDING && status != ORDER_STATUS_READY))
			continue;
		*out = order->id;
		return true;
	}
	return err == ERR_OK || request_broken(request, "reuse_order", err);
}
