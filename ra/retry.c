#include "ra/retry.h"

#include <pthread.h>
#include <stdlib.h>

#define TRIES_MAX 300	/* seconds */

struct retry {
	pthread_mutex_t		 lock;
	struct storage_write	*first;
};

struct retry *
retry_new(void)
{
	struct retry *retry = calloc(1, sizeof(*retry));

	if (retry != NULL)
		pthread_mutex_init(&retry->lock, NULL);
	return retry;
}

bool
retry_take(struct retry *retry, struct storage_write *write)
{
	if ((write->err != ERR_IO && write->err != ERR_MEMORY) || ++write->tries > TRIES_MAX)
		return false;
	pthread_mutex_lock(&retry->lock);
	write->next = retry->first;
	retry->first = write;
	pthread_mutex_unlock(&retry->lock);
	return true;
}

void
retry_run(struct retry *retry, struct storage *storage)
{
	struct storage_write *write, *next;

	pthread_mutex_lock(&retry->lock);
	write = retry->first;
	retry->first = NULL;
	pthread_mutex_unlock(&retry->lock);
	for (; write != NULL; write = next) {
		next = write->next;
		storage_write_start(storage, write);
	}
}
