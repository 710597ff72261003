/* limits.c: the rates: those configured, and those that administrators gave single subjects. */
#include "ra/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define OVERRIDES_MAX 100000	/* 30 MiB; they are looked up by halving */

static const struct {
	const char *name, *counts;
	size_t offset; /* in struct limits_config */
} table[LIMIT_COUNT] = {
#define RATE(member, counts) { #member, counts, offsetof(struct limits_config, member) }
	[LIMIT_ACCOUNTS_PER_ADDRESS] = RATE(accounts_per_address, "new accounts from address"),
	[LIMIT_ACCOUNTS_PER_NETWORK] = RATE(accounts_per_network, "new accounts from network"),
	[LIMIT_ORDERS_PER_ACCOUNT] = RATE(orders_per_account, "new orders of account"),
	[LIMIT_CERTIFICATES_PER_DOMAIN] = RATE(certificates_per_domain, "certificates for domain"),
	[LIMIT_CERTIFICATES_PER_SET] = RATE(certificates_per_set, "certificates for exactly the names"),
	[LIMIT_FAILURES] = RATE(failures, "failed validations of"),
	[LIMIT_PAUSE_AFTER] = RATE(pause_after, "failed validations, one after the other, of"),
#undef RATE
};

struct limits {
	struct limit_rate	 rates[LIMIT_COUNT];
	bool			 configured;	/* one of them at least */
	pthread_rwlock_t	 lock;		/* holds what follows */
	struct limit_override	*overrides;	/* sorted by limit and subject, as storage gives them */
	size_t			 count;
};

const char *
limit_name(enum limit limit)
{
	return table[limit].name;
}

const char *
limit_counts(enum limit limit)
{
	return table[limit].counts;
}

bool
limit_by_name(const char *name, enum limit *out)
{
	for (enum limit i = 0; i < LIMIT_COUNT; i++)
		if (strcmp(table[i].name, name) == 0) {
			*out = i;
			return true;
		}
	return false;
}

struct limits *
limits_new(const struct limits_config *config)
{
	struct limits *limits = calloc(1, sizeof(*limits));

	if (limits == NULL || pthread_rwlock_init(&limits->lock, NULL) != 0) {
		free(limits);
		return NULL;
	}
	for (enum limit i = 0; i < LIMIT_COUNT; i++) {
		struct limit_rate *rate = &limits->rates[i];
		const void *member = (const char *)config + table[i].offset;

		if (i == LIMIT_PAUSE_AFTER)
			*rate = (struct limit_rate){ *(const int64_t *)member, 0, false };
		else if (!config_rate(*(char *const *)member, &rate->count, &rate->period, NULL))
			abort();
		limits->configured = limits->configured || rate->count > 0;
	}
	return limits;
}

void
limits_free(struct limits *limits)
{
	if (limits == NULL)
		return;
	pthread_rwlock_destroy(&limits->lock);
	free(limits->overrides);
	free(limits);
}

enum err
limits_load(struct limits *limits, struct storage *storage)
{
	struct limit_override *list = NULL, *old;
	size_t count = 0;
	struct storage_tx *tx;
	enum err err;

	if ((err = storage_read(storage, &tx)) == ERR_OK) {
		err = limit_overrides(tx, OVERRIDES_MAX, &list, &count);
		storage_read_end(tx);
	}
	if (err != ERR_OK) {
		log_event(LOG_ERROR, "the limits' overrides can't be read", F_STR("error", err_text(err)));
		return err;
	}
	pthread_rwlock_wrlock(&limits->lock);
	old = limits->overrides;
	limits->overrides = list;
	limits->count = count;
	pthread_rwlock_unlock(&limits->lock);
	free(old);
	return ERR_OK;
}

bool
limits_active(struct limits *limits)
{
	bool active;

	if (limits->configured)
		return true;
	pthread_rwlock_rdlock(&limits->lock);
	active = limits->count > 0;
	pthread_rwlock_unlock(&limits->lock);
	return active;
}

static int
override_compare(const void *a, const void *b)
{
	const struct limit_override *x = a, *y = b;
	int order = strcmp(x->limit, y->limit);

	return order != 0 ? order : strcmp(x->subject, y->subject);
}

/* The lock is held. */
static bool
override_find(const struct limits *limits, enum limit limit, const char *subject, struct limit_rate *out)
{
	struct limit_override key = { .count = 0 };
	const struct limit_override *found;

	if (limits->count == 0 || strlen(subject) >= sizeof(key.subject))
		return false;
	strcpy(key.limit, table[limit].name);
	strcpy(key.subject, subject);
	found = bsearch(&key, limits->overrides, limits->count, sizeof(key), override_compare);
	if (found == NULL)
		return false;
	*out = (struct limit_rate){ found->count, found->period, false };
	return true;
}

struct limit_rate
limits_rate(struct limits *limits, enum limit limit, const struct id *account, const char *subject)
{
	struct limit_rate rate = limits->rates[limit];
	char text[ID_TEXT_SIZE];

	pthread_rwlock_rdlock(&limits->lock);
	if (account != NULL)
		id_text(*account, text);
	if (account != NULL && override_find(limits, limit, text, &rate))
		rate.own = true;
	else if (!override_find(limits, limit, subject, &rate))
		rate = limits->rates[limit];
	pthread_rwlock_unlock(&limits->lock);
	return rate;
}
