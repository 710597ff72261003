#include "ra/ra.h"

enum err
ra_write(struct ra *ra, enum err (*fn)(struct storage_tx *, void *arg), void *arg)
{
	enum err err;

	queue_leave(ra->queue);
	err = storage_write(ra->storage, fn, arg);
	queue_enter(ra->queue);
	return err;
}
