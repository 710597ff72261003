/* limits.c: the rates: those configured, and those that administrators gave single subjects. */
#include "ra/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
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
	[LIMIT_ORDERS_PER_ACCOUNT] = RATE(orders_per_account, "new orders and authorizations of account"),
	[LIMIT_CERTIFICATES_PER_DOMAIN] = RATE(certificates_per_domain, "certificates for domain"),
	[LIMIT_CERTIFICATES_PER_SET] = RATE(certificates_per_set, "certificates for exactly the names"),
	[LIMIT_FAILURES] = RATE(failures, "failed validations of"),
	[LIMIT_PAUSE_AFTER] = RATE(pause_after, "failed validations, one after the other, of"),
#undef RATE
};

struct limits {
	struct limit_rate	 configured[LIMIT_COUNT];
	pthread_rwlock_t	 lock;		/* holds what follows */
	struct limit_rate	 rates[LIMIT_COUNT];
	bool			 any;		/* one of them at least */
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

/* The lock is held, or nobody else there yet. */
static void
rates_use(struct limits *limits, const struct limit_rate rates[LIMIT_COUNT])
{
	memcpy(limits->rates, rates, LIMIT_COUNT * sizeof(*rates));
	limits->any = false;
	for (enum limit i = 0; i < LIMIT_COUNT; i++)
		limits->any = limits->any || rates[i].count > 0;
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
		struct limit_rate *rate = &limits->configured[i];
		const void *member = (const char *)config + table[i].offset;

		if (i == LIMIT_PAUSE_AFTER)
			*rate = (struct limit_rate){ *(const int64_t *)member, 0, false };
		else if (!config_rate(*(char *const *)member, &rate->count, &rate->period, NULL))
			abort();
	}
	rates_use(limits, limits->configured);
	return limits;
}

static bool
rate_read(enum limit limit, const json_t *value, struct limit_rate *out, struct reason *reason)
{
	struct reason cause = { "is no number of 0 or more" };
	bool	      number = limit == LIMIT_PAUSE_AFTER && json_is_integer(value) && json_integer_value(value) >= 0;

	if (number)
		*out = (struct limit_rate){ json_integer_value(value), 0, false };
	else if (limit != LIMIT_PAUSE_AFTER && !json_is_string(value))
		reason_set(&cause, "is no text such as \"50/7d\"");
	if (number || (limit != LIMIT_PAUSE_AFTER && json_is_string(value) &&
			  config_rate(json_string_value(value), &out->count, &out->period, &cause)))
		return true;
	reason_set(reason, "limits: \"%s\" %s", table[limit].name, cause.text);
	return false;
}

enum err
limits_set(struct limits *limits, const json_t *rates, struct reason *reason)
{
	struct limit_rate made[LIMIT_COUNT];
	const char	 *name;
	json_t		 *value;
	enum limit	  limit;

	memcpy(made, limits->configured, sizeof(made));
	json_object_foreach((json_t *)(uintptr_t)rates, name, value) {
		if (!limit_by_name(name, &limit)) {
			reason_set(reason, "limits: there is no \"%.60s\"", name);
			return ERR_MALFORMED;
		}
		if (!rate_read(limit, value, &made[limit], reason))
			return ERR_MALFORMED;
	}
	pthread_rwlock_wrlock(&limits->lock);
	rates_use(limits, made);
	pthread_rwlock_unlock(&limits->lock);
	return ERR_OK;
}

json_t *
limits_json(struct limits *limits)
{
	json_t *all = json_object();

	pthread_rwlock_rdlock(&limits->lock);
	for (enum limit i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_rate *rate = &limits->rates[i];
		char			 text[48] = "none";

		if (rate->count > 0)
			snprintf(text, sizeof(text), "%lld/%llds", (long long)rate->count, (long long)rate->period);
		json_object_set_new(all, table[i].name, i == LIMIT_PAUSE_AFTER ? json_integer(rate->count) : json_string(text));
	}
	pthread_rwlock_unlock(&limits->lock);
	return all;
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

	pthread_rwlock_rdlock(&limits->lock);
	active = limits->any || limits->count > 0;
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
	struct limit_rate rate;
	char text[ID_TEXT_SIZE];

	pthread_rwlock_rdlock(&limits->lock);
	rate = limits->rates[limit];
	if (account != NULL)
		id_text(*account, text);
	if (account != NULL && override_find(limits, limit, text, &rate))
		rate.own = true;
	else if (!override_find(limits, limit, subject, &rate))
		rate = limits->rates[limit];
	pthread_rwlock_unlock(&limits->lock);
	return rate;
}
