#include "wfe/crls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "x509/crl.h"

#define LISTS_MAX 4096 /* 16 issuers with 256 shards each */

struct list {
	char path[CRL_PATH_SIZE];
	uint64_t number;
	struct buf der;
};

struct crls {
	pthread_mutex_t lock;
	struct list *lists;
	size_t count;
	/* The reader's own: what is being put together. */
	struct msg_crl head;
	struct buf parts;
};

struct crls *
crls_new(void)
{
	struct crls *crls = calloc(1, sizeof(*crls));

	if (crls != NULL)
		pthread_mutex_init(&crls->lock, NULL);
	return crls;
}

void
crls_free(struct crls *crls)
{
	if (crls == NULL)
		return;
	for (size_t i = 0; i < crls->count; i++)
		buf_free(&crls->lists[i].der);
	free(crls->lists);
	buf_free(&crls->parts);
	pthread_mutex_destroy(&crls->lock);
	free(crls);
}

static struct list *
find(struct crls *crls, const char *path)
{
	for (size_t i = 0; i < crls->count; i++)
		if (strcmp(crls->lists[i].path, path) == 0)
			return &crls->lists[i];
	return NULL;
}

/* A new list, empty. */
static struct list *
add(struct crls *crls, const char path[CRL_PATH_SIZE])
{
	struct list *lists;

	if (crls->count == LISTS_MAX ||
	    (lists = realloc(crls->lists, (crls->count + 1) * sizeof(*lists))) == NULL)
		return NULL;
	crls->lists = lists;
	lists += crls->count++;
	memset(lists, 0, sizeof(*lists));
	memcpy(lists->path, path, sizeof(lists->path));
	return lists;
}

/* The list is whole: it takes the place of the one before. */
static enum err
replace(struct crls *crls)
{
	char path[CRL_PATH_SIZE];
	struct list *list;

	crl_path(crls->head.issuer, crls->head.shard, path);
	pthread_mutex_lock(&crls->lock);
	if ((list = find(crls, path)) == NULL)
		list = add(crls, path);
	/* Never back to an older one. */
	if (list != NULL && crls->head.number > list->number) {
		buf_free(&list->der);
		list->der = crls->parts;
		list->number = crls->head.number;
		crls->parts = (struct buf){ 0 };
	}
	pthread_mutex_unlock(&crls->lock);
	return list != NULL ? ERR_OK : ERR_MEMORY;
}

enum err
crls_take(struct crls *crls, const struct msg_crl *part)
{
	const struct msg_crl *head = &crls->head;

	if (part->offset == 0) {
		buf_clear(&crls->parts);
		crls->head = *part;
	} else if (part->offset != crls->parts.len || part->total != head->total ||
		   part->number != head->number || part->shard != head->shard ||
		   memcmp(part->issuer, head->issuer, FINGERPRINT_SIZE) != 0) {
		return ERR_MALFORMED;
	}
	buf_put(&crls->parts, part->part.data, part->part.len);
	if (crls->parts.failed)
		return ERR_MEMORY;
	return crls->parts.len == part->total ? replace(crls) : ERR_OK;
}

enum err
crls_get(struct crls *crls, const char *path, struct buf *out)
{
	struct list *list;
	enum err err = ERR_OK;

	pthread_mutex_lock(&crls->lock);
	if ((list = find(crls, path)) != NULL)
		buf_put(out, list->der.data, list->der.len);
	else
		err = crls->count == 0 ? ERR_BUSY : ERR_NOT_FOUND;
	pthread_mutex_unlock(&crls->lock);
	return out->failed ? ERR_MEMORY : err;
}
