#include "storage/storage.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "storage/writer.h"

static const struct driver *const drivers[] = { &sqlite_driver };

struct storage {
	const struct driver	*driver;
	struct storage_tx	 write;
	struct writer		*writer;
	struct storage_tx	*readers;
	unsigned		 reader_count;

	pthread_mutex_t		 mutex;		/* holds what follows */
	pthread_cond_t		 freed;
	struct storage_tx	**free;		/* a stack: the reader used last is the warmest */
	unsigned		 free_count;
};

/* Gives the driver for url, and what stands behind the scheme. */
static const struct driver *
driver_find(const char *url, const char **where, struct reason *reason)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		size_t len = strlen(drivers[i]->scheme);

		if (strncmp(url, drivers[i]->scheme, len) == 0 && url[len] == ':' && url[len + 1] != '\0') {
			*where = url + len + 1;
			return drivers[i];
		}
	}
	reason_set(reason, "storage \"%s\" is of no kind that this program knows: write \"sqlite:PATH\"", url);
	return NULL;
}

static enum err
storage_connect(struct storage *storage, const char *where, const char *dir, unsigned readers,
    struct reason *reason)
{
	enum err err;

	storage->write = (struct storage_tx){ .storage = storage, .driver = storage->driver };
	if ((err = storage->driver->connect(where, dir, true, &storage->write.connection, reason)) != ERR_OK)
		return err;
	for (unsigned i = 0; i < readers; i++) {
		struct storage_tx *tx = &storage->readers[i];

		*tx = storage->write;
		tx->connection = NULL;
		if ((err = storage->driver->connect(where, dir, false, &tx->connection, reason)) != ERR_OK)
			return err;
		storage->reader_count++;
		storage->free[storage->free_count++] = tx;
	}
	return ERR_OK;
}

enum err
storage_open(const char *url, const char *dir, unsigned readers, struct storage **out, struct reason *reason)
{
	const char		*where = NULL;
	const struct driver	*driver;
	struct storage		*storage;
	enum err		 err;

	*out = NULL;
	if (readers == 0)
		abort();
	if ((driver = driver_find(url, &where, reason)) == NULL)
		return ERR_CONFIG;
	if ((err = driver->migrate(where, dir, reason)) != ERR_OK)
		return err;
	if ((storage = calloc(1, sizeof(*storage))) == NULL)
		return ERR_MEMORY;
	storage->driver = driver;
	if (pthread_mutex_init(&storage->mutex, NULL) != 0 || pthread_cond_init(&storage->freed, NULL) != 0)
		abort();
	storage->readers = calloc(readers, sizeof(*storage->readers));
	storage->free = calloc(readers, sizeof(*storage->free));
	if (storage->readers == NULL || storage->free == NULL)
		err = ERR_MEMORY;
	else
		err = storage_connect(storage, where, dir, readers, reason);
	if (err == ERR_OK && (storage->writer = writer_new(&storage->write)) == NULL)
		err = ERR_MEMORY;
	if (err != ERR_OK) {
		storage_close(storage);
		return err;
	}
	*out = storage;
	return ERR_OK;
}

enum err
storage_start(struct storage *storage)
{
	return writer_start(storage->writer);
}

void
storage_close(struct storage *storage)
{
	if (storage == NULL)
		return;
	writer_free(storage->writer);
	for (unsigned i = 0; i < storage->reader_count; i++)
		storage->driver->disconnect(storage->readers[i].connection);
	storage->driver->disconnect(storage->write.connection);
	pthread_cond_destroy(&storage->freed);
	pthread_mutex_destroy(&storage->mutex);
	free(storage->readers);
	free(storage->free);
	free(storage);
}

enum err
storage_version(const char *url, const char *dir, int *have, int *know, struct reason *reason)
{
	const char		*where = NULL;
	const struct driver	*driver = driver_find(url, &where, reason);

	return driver == NULL ? ERR_CONFIG : driver->version(where, dir, have, know, reason);
}

enum err
storage_read(struct storage *storage, struct storage_tx **out)
{
	struct storage_tx	*tx;
	enum err		 err;

	/* Its pages are the newest, and in memory: a reader would have to read again what was just written. */
	if (writer_read(storage->writer, out, &err))
		return err;
	pthread_mutex_lock(&storage->mutex);
	while (storage->free_count == 0)
		pthread_cond_wait(&storage->freed, &storage->mutex);
	tx = storage->free[--storage->free_count];
	pthread_mutex_unlock(&storage->mutex);
	*out = tx;
	if ((err = tx->driver->control(tx->connection, CONTROL_BEGIN_READ)) != ERR_OK) {
		*out = NULL;
		storage_read_end(tx);
	}
	return err;
}

void
storage_read_end(struct storage_tx *tx)
{
	struct storage *storage;

	if (tx == NULL)
		return;
	storage = tx->storage;
	if (tx->connection == storage->write.connection)	/* the writer ends it */
		return;
	if (tx->driver->in_transaction(tx->connection))
		tx->driver->control(tx->connection, CONTROL_COMMIT);
	pthread_mutex_lock(&storage->mutex);
	storage->free[storage->free_count++] = tx;
	pthread_cond_signal(&storage->freed);
	pthread_mutex_unlock(&storage->mutex);
}

enum err
storage_write(struct storage *storage, enum err (*fn)(struct storage_tx *, void *arg), void *arg)
{
	return writer_run(storage->writer, fn, arg);
}

void
storage_write_start(struct storage *storage, struct storage_write *write)
{
	writer_put(storage->writer, write);
}
