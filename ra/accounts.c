#include "ra/accounts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/map.h"

struct entry {
	struct known	 known;		/* first: callers hold its address */
	_Atomic unsigned references;
};

struct accounts {
	pthread_mutex_t	 lock;
	struct map	*by_id;			/* holds one reference to each entry */
	struct id	 ring[ACCOUNTS_MAX];	/* in order of arrival; the oldest makes room */
	size_t		 next;
	uint64_t	 changes;		/* how often something was forgotten */
};

struct accounts *
accounts_new(void)
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));

	if (accounts == NULL || (accounts->by_id = map_new()) == NULL) {
		free(accounts);
		return NULL;
	}
	pthread_mutex_init(&accounts->lock, NULL);
	return accounts;
}

static void
drop(struct entry *entry)
{
	if (entry == NULL || atomic_fetch_sub(&entry->references, 1) != 1)
		return;
	account_free(&entry->known.account);
	jwk_free(entry->known.key);
	free(entry);
}

static void
drop_value(void *value, void *arg)
{
	(void)arg;
	drop(value);
}

void
accounts_free(struct accounts *accounts)
{
	if (accounts == NULL)
		return;
	map_each(accounts->by_id, drop_value, NULL);
	map_free(accounts->by_id);
	pthread_mutex_destroy(&accounts->lock);
	free(accounts);
}

void
known_free(const struct known *known)
{
	drop((struct entry *)(uintptr_t)known);
}

/* Reads the account and parses its key. */
static enum err
load(struct storage *storage, struct id id, struct entry **out)
{
	struct entry	  *entry = calloc(1, sizeof(*entry));
	struct storage_tx *tx;
	enum err	   err;

	if (entry == NULL)
		return ERR_MEMORY;
	atomic_init(&entry->references, 1);
	if ((err = storage_read(storage, &tx)) == ERR_OK) {
		err = account_get(tx, id, &entry->known.account);
		storage_read_end(tx);
	}
	if (err == ERR_OK)
		err = jwk_parse_text(slice_str(entry->known.account.jwk), &entry->known.key, NULL);
	if (err != ERR_OK) {
		drop(entry);
		entry = NULL;
	}
	*out = entry;
	return err;
}

/* Adds it, unless it is there or something was forgotten since it was read. The lock is held. */
static void
remember(struct accounts *accounts, struct entry *entry, uint64_t changes)
{
	struct id     id = entry->known.account.id;
	struct entry *oldest;

	if (accounts->changes != changes || map_get(accounts->by_id, id.bytes, ID_SIZE) != NULL)
		return;
	oldest = map_remove(accounts->by_id, accounts->ring[accounts->next].bytes, ID_SIZE);
	drop(oldest);
	if (map_put(accounts->by_id, id.bytes, ID_SIZE, entry) != ERR_OK)
		return;
	atomic_fetch_add(&entry->references, 1);
	accounts->ring[accounts->next] = id;
	accounts->next = (accounts->next + 1) % ACCOUNTS_MAX;
}

enum err
accounts_get(struct accounts *accounts, struct storage *storage, struct id id, const struct known **out)
{
	struct entry *entry;
	uint64_t      changes;
	enum err      err;

	pthread_mutex_lock(&accounts->lock);
	if ((entry = map_get(accounts->by_id, id.bytes, ID_SIZE)) != NULL)
		atomic_fetch_add(&entry->references, 1);
	changes = accounts->changes;
	pthread_mutex_unlock(&accounts->lock);
	if (entry == NULL) {
		if ((err = load(storage, id, &entry)) != ERR_OK)
			return err;
		pthread_mutex_lock(&accounts->lock);
		remember(accounts, entry, changes);
		pthread_mutex_unlock(&accounts->lock);
	}
	*out = &entry->known;
	return ERR_OK;
}

void
accounts_forget(struct accounts *accounts, struct id id)
{
	pthread_mutex_lock(&accounts->lock);
	accounts->changes++;
	drop(map_remove(accounts->by_id, id.bytes, ID_SIZE));
	pthread_mutex_unlock(&accounts->lock);
}

void
accounts_forget_all(struct accounts *accounts)
{
	pthread_mutex_lock(&accounts->lock);
	accounts->changes++;
	for (size_t i = 0; i < ACCOUNTS_MAX; i++)
		drop(map_remove(accounts->by_id, accounts->ring[i].bytes, ID_SIZE));
	pthread_mutex_unlock(&accounts->lock);
}
