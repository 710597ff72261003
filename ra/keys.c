#include "ra/keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/map.h"

struct keys {
	pthread_mutex_t	 lock;
	struct map	*by_thumbprint;
	struct jwk	*ring[KEYS_MAX];	/* in order of arrival; the oldest makes room */
	size_t		 next;
};

struct keys *
keys_new(void)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	if (keys == NULL || (keys->by_thumbprint = map_new()) == NULL) {
		free(keys);
		return NULL;
	}
	pthread_mutex_init(&keys->lock, NULL);
	return keys;
}

void
keys_free(struct keys *keys)
{
	if (keys == NULL)
		return;
	for (size_t i = 0; i < KEYS_MAX; i++)
		jwk_free(keys->ring[i]);
	map_free(keys->by_thumbprint);
	pthread_mutex_destroy(&keys->lock);
	free(keys);
}

static void
remember(struct keys *keys, struct jwk *key)
{
	struct jwk *oldest = keys->ring[keys->next];

	if (map_get(keys->by_thumbprint, key->thumbprint, JWK_THUMBPRINT_SIZE - 1) != NULL)
		return;
	if (map_put(keys->by_thumbprint, key->thumbprint, JWK_THUMBPRINT_SIZE - 1, key) != ERR_OK)
		return;
	if (oldest != NULL)
		map_remove(keys->by_thumbprint, oldest->thumbprint, JWK_THUMBPRINT_SIZE - 1);
	jwk_free(oldest);
	keys->ring[keys->next] = jwk_up(key);
	keys->next = (keys->next + 1) % KEYS_MAX;
}

enum err
keys_get(struct keys *keys, const char *thumbprint, const char *text, struct jwk **out)
{
	struct jwk *key;
	enum err    err;

	pthread_mutex_lock(&keys->lock);
	key = map_get(keys->by_thumbprint, thumbprint, JWK_THUMBPRINT_SIZE - 1);
	if (key != NULL)
		jwk_up(key);
	pthread_mutex_unlock(&keys->lock);
	if (key == NULL) {
		if ((err = jwk_parse_text(slice_str(text), &key, NULL)) != ERR_OK)
			return err;
		pthread_mutex_lock(&keys->lock);
		remember(keys, key);
		pthread_mutex_unlock(&keys->lock);
	}
	*out = key;
	return ERR_OK;
}
