#include "pebble-compat/challtestsrv/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/utf8.h"
#include "pebble-compat/golog.h"

struct store {
	pthread_mutex_t	 mutex;
	json_t		*tables[TABLE_COUNT];
	json_t		*histories[HISTORY_COUNT];
	size_t		 events;
	bool		 full;		/* and it was told */
};

struct store *
store_new(void)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	pthread_mutex_init(&store->mutex, NULL);
	for (int i = 0; i < TABLE_COUNT; i++)
		store->tables[i] = json_object();
	for (int i = 0; i < HISTORY_COUNT; i++)
		store->histories[i] = json_object();
	return store;
}

void
store_free(struct store *store)
{
	if (store == NULL)
		return;
	for (int i = 0; i < TABLE_COUNT; i++)
		json_decref(store->tables[i]);
	for (int i = 0; i < HISTORY_COUNT; i++)
		json_decref(store->histories[i]);
	pthread_mutex_destroy(&store->mutex);
	free(store);
}

/* A name as the tables have it; NULL: out of memory. */
static char *
name_key(const char *name)
{
	char	*key = strdup(name);
	size_t	 len = strlen(name);

	if (key == NULL)
		return NULL;
	for (char *c = key; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	}
	if (len > 0 && key[len - 1] == '.')
		key[len - 1] = '\0';
	return key;
}

static char *
table_key(enum table table, const char *key)
{
	return table == TABLE_HTTP01 || table == TABLE_REDIRECT ? strdup(key) : name_key(key);
}

bool
store_set(struct store *store, enum table table, const char *key, json_t *values)
{
	char	*k = table_key(table, key);
	bool	 done = false;

	/* Counts of references are the lock's too. */
	pthread_mutex_lock(&store->mutex);
	if (k != NULL && values != NULL)
		done = json_object_set(store->tables[table], k, values) == 0;
	json_decref(values);
	pthread_mutex_unlock(&store->mutex);
	free(k);
	return done;
}

bool
store_append(struct store *store, enum table table, const char *key, json_t *values)
{
	char	*k = table_key(table, key);
	json_t	*there;
	bool	 done = false;

	pthread_mutex_lock(&store->mutex);
	if (k != NULL && values != NULL) {
		there = json_object_get(store->tables[table], k);
		done = there != NULL ? json_array_extend(there, values) == 0 :
		    json_object_set(store->tables[table], k, values) == 0;
	}
	json_decref(values);
	pthread_mutex_unlock(&store->mutex);
	free(k);
	return done;
}

bool
store_remove(struct store *store, enum table table, const char *key)
{
	char *k = table_key(table, key);

	if (k == NULL)
		return false;
	pthread_mutex_lock(&store->mutex);
	(void)json_object_del(store->tables[table], k);
	pthread_mutex_unlock(&store->mutex);
	free(k);
	return true;
}

json_t *
store_get(struct store *store, enum table table, const char *key)
{
	char	*k = table_key(table, key);
	json_t	*found;

	if (k == NULL)
		return NULL;
	pthread_mutex_lock(&store->mutex);
	found = json_deep_copy(json_object_get(store->tables[table], k));
	pthread_mutex_unlock(&store->mutex);
	free(k);
	return found;
}

char *
store_text(struct store *store, enum table table, const char *key)
{
	json_t		*values = store_get(store, table, key);
	const char	*text = json_string_value(json_array_get(values, 0));
	char		*copy = text != NULL ? strdup(text) : NULL;

	json_decref(values);
	return copy;
}

/* Called with the lock held. */
static bool
event_put(struct store *store, json_t *history, const char *key, json_t *event)
{
	json_t *list = json_object_get(history, key);

	if (store->events >= HISTORY_EVENTS_MAX) {
		if (!store->full)
			golog("The request history is full: %d events. Further ones are not kept.", HISTORY_EVENTS_MAX);
		store->full = true;
		return false;
	}
	if (list == NULL) {
		list = json_array();
		if (json_object_set_new(history, key, list) != 0)
			return false;
	}
	return json_array_append(list, event) == 0;
}

void
store_event(struct store *store, enum history history, const char *host, json_t *event)
{
	char *k = name_key(host);

	pthread_mutex_lock(&store->mutex);
	if (k != NULL && event != NULL && event_put(store, store->histories[history], k, event))
		store->events++;
	json_decref(event);
	pthread_mutex_unlock(&store->mutex);
	free(k);
}

json_t *
store_events(struct store *store, enum history history, const char *host)
{
	char	*k = name_key(host);
	json_t	*found;

	if (k == NULL)
		return NULL;
	pthread_mutex_lock(&store->mutex);
	found = json_deep_copy(json_object_get(store->histories[history], k));
	pthread_mutex_unlock(&store->mutex);
	free(k);
	return found != NULL ? found : json_array();
}

bool
store_forget(struct store *store, enum history history, const char *host)
{
	char *k = name_key(host);

	if (k == NULL)
		return false;
	pthread_mutex_lock(&store->mutex);
	store->events -= json_array_size(json_object_get(store->histories[history], k));
	(void)json_object_del(store->histories[history], k);
	store->full = false;
	pthread_mutex_unlock(&store->mutex);
	free(k);
	return true;
}

json_t *
store_string(const void *bytes, size_t len)
{
	const uint8_t	*from = bytes;
	struct buf	 clean = { 0 };
	json_t		*string;
	size_t		 n;

	for (size_t i = 0; i < len; i += n) {
		n = from[i] == '\0' ? 0 : utf8_length(from + i, len - i);
		if (n > 0)
			buf_put(&clean, from + i, n);
		else
			buf_put_str(&clean, "\xef\xbf\xbd");
		n += n == 0;
	}
	string = clean.failed ? NULL : json_stringn(clean.len > 0 ? (const char *)clean.data : "", clean.len);
	buf_free(&clean);
	return string;
}
