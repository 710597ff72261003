#include "storage/writer.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

/* Jobs in one transaction: commits cost the same up to here, and the first doesn't wait long for the last. */
#define BATCH_MAX 256

struct writer {
	struct storage_tx	 tx;
	pthread_t		 thread;
	bool			 started;
	bool			 reading;	/* in its thread alone: writer_read() was called since the commit */

	pthread_mutex_t		 mutex;		/* holds what follows */
	pthread_cond_t		 work;
	struct storage_write		*first, **last;
	bool			 stop;
};

struct writer *
writer_new(const struct storage_tx *tx)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return NULL;
	writer->tx = *tx;
	writer->last = &writer->first;
	if (pthread_mutex_init(&writer->mutex, NULL) != 0 || pthread_cond_init(&writer->work, NULL) != 0)
		abort();
	return writer;
}

/* With the mutex held. Threads that can run and are about to ask get the processor first: what they ask for is then in
 * the same commit, of which there are a tenth less when eight clients order. */
static void
writer_wait(struct writer *writer)
{
	if (writer->first != NULL || writer->stop)
		return;
	while (writer->first == NULL && !writer->stop)
		pthread_cond_wait(&writer->work, &writer->mutex);
	pthread_mutex_unlock(&writer->mutex);
	sched_yield();
	pthread_mutex_lock(&writer->mutex);
}

/* Takes at most BATCH_MAX jobs, waiting for the first. Nothing more is waited for: what comes while this batch
 * is written makes up the next. NULL: stop. */
static struct storage_write *
writer_take(struct writer *writer, bool *more)
{
	struct storage_write	*batch, **end;

	pthread_mutex_lock(&writer->mutex);
	writer_wait(writer);
	batch = writer->first;
	end = &writer->first;
	for (unsigned n = 0; n < BATCH_MAX && *end != NULL; n++)
		end = &(*end)->next;
	writer->first = *end;
	if (writer->first == NULL)
		writer->last = &writer->first;
	else
		*end = NULL;
	*more = writer->first != NULL;
	pthread_mutex_unlock(&writer->mutex);
	return batch;
}

static bool
writer_control(struct writer *writer, enum control control)
{
	return writer->tx.driver->control(writer->tx.connection, control) == ERR_OK;
}

/* Runs every job as if none could fail: a savepoint for each costs a copy of each page that it changes.
 * False: one did fail, and nothing is written. */
static bool
writer_together(struct writer *writer, struct storage_write *first)
{
	struct storage_write	*job;
	bool		 ok = writer_control(writer, CONTROL_BEGIN_WRITE), failed = false;

	for (job = first; ok && !failed && job != NULL; job = job->next) {
		job->err = job->fn(&writer->tx, job->arg);
		failed = job->err != ERR_OK || !writer->tx.driver->in_transaction(writer->tx.connection);
	}
	if (ok && !failed && writer_control(writer, CONTROL_COMMIT))
		return true;
	if (writer->tx.driver->in_transaction(writer->tx.connection))
		writer_control(writer, CONTROL_ROLLBACK);
	if (failed)
		return false;
	for (job = first; job != NULL; job = job->next)
		job->err = ERR_IO;
	return true;
}

/* Runs one job in the open transaction. False: the transaction is lost, or not to be trusted any more. */
static bool
writer_job(struct writer *writer, struct storage_write *job)
{
	job->err = ERR_IO;
	if (!writer_control(writer, CONTROL_SAVEPOINT))
		return false;
	job->err = job->fn(&writer->tx, job->arg);
	if (!writer->tx.driver->in_transaction(writer->tx.connection))
		return false;
	if (job->err == ERR_OK)
		return writer_control(writer, CONTROL_RELEASE);
	return writer_control(writer, CONTROL_ROLLBACK_TO);
}

/* Writes each job from first on in its savepoint, and gives the one to go on with: NULL, or what stands behind
 * the job with which the transaction broke. */
static struct storage_write *
writer_transaction(struct writer *writer, struct storage_write *first)
{
	struct storage_write	*job, *rest = NULL;
	bool		 ok;

	if ((ok = writer_control(writer, CONTROL_BEGIN_WRITE)))
		for (job = first; ok && job != rest; job = job->next)
			if (!(ok = writer_job(writer, job))) {
				rest = job->next;
				if (job->err == ERR_OK)
					job->err = ERR_IO;
				break;
			}
	if (ok)
		ok = writer_control(writer, CONTROL_COMMIT);
	if (ok)
		return NULL;
	if (writer->tx.driver->in_transaction(writer->tx.connection))
		writer_control(writer, CONTROL_ROLLBACK);
	/* The failed job keeps its own reason. */
	for (job = first; job != rest; job = job->next)
		if (job->err == ERR_OK)
			job->err = ERR_IO;
	return rest;
}

static void
writer_batch(struct writer *writer, struct storage_write *first)
{
	if (writer_together(writer, first))
		return;
	if (first->next == NULL) {	/* no other job to shield */
		if (first->err == ERR_OK)
			first->err = ERR_IO;	/* its transaction was lost */
		return;
	}
	while (first != NULL)
		first = writer_transaction(writer, first);
}

/* Each may be gone as soon as it is told. */
static void
writer_answer(struct writer *writer, struct storage_write *job)
{
	while (job != NULL) {
		struct storage_write *next = job->next;

		job->done(job);
		job = next;
	}
	if (writer->reading && writer->tx.driver->in_transaction(writer->tx.connection))
		writer_control(writer, CONTROL_COMMIT);
	writer->reading = false;
}

static void *
writer_main(void *arg)
{
	struct writer	*writer = arg;
	struct storage_write	*batch;
	bool		 more;

	while ((batch = writer_take(writer, &more)) != NULL) {
		writer_batch(writer, batch);
		writer_answer(writer, batch);
		writer->tx.driver->tidy(writer->tx.connection, more);
	}
	return NULL;
}

bool
writer_read(struct writer *writer, struct storage_tx **out, enum err *err)
{
	*out = NULL;
	if (!writer->started || !pthread_equal(pthread_self(), writer->thread))
		return false;
	*err = ERR_OK;
	if (!writer->reading)
		*err = writer->tx.driver->control(writer->tx.connection, CONTROL_BEGIN_READ);
	writer->reading = *err == ERR_OK;
	*out = writer->reading ? &writer->tx : NULL;
	return true;
}

enum err
writer_start(struct writer *writer)
{
	if (pthread_create(&writer->thread, NULL, writer_main, writer) != 0)
		return ERR_IO;
	writer->started = true;
	return ERR_OK;
}

void
writer_put(struct writer *writer, struct storage_write *write)
{
	if (!writer->started)
		abort();
	write->err = ERR_IO;
	write->next = NULL;
	pthread_mutex_lock(&writer->mutex);
	if (writer->first == NULL)
		pthread_cond_signal(&writer->work);
	*writer->last = write;
	writer->last = &write->next;
	pthread_mutex_unlock(&writer->mutex);
}

/* A write with a thread that waits for it. */
struct waiting {
	struct storage_write	 write;		/* first: the one is the other's address */
	sem_t			 done;
};

static void
writer_wake(struct storage_write *write)
{
	sem_post(&((struct waiting *)write)->done);
}

enum err
writer_run(struct writer *writer, enum err (*fn)(struct storage_tx *, void *), void *arg)
{
	struct waiting waiting = { .write = { .fn = fn, .arg = arg, .done = writer_wake } };

	/* The writer would wait for itself. */
	if (pthread_equal(pthread_self(), writer->thread) || sem_init(&waiting.done, 0, 0) != 0)
		abort();
	writer_put(writer, &waiting.write);
	while (sem_wait(&waiting.done) != 0)
		if (errno != EINTR)
			abort();
	sem_destroy(&waiting.done);
	return waiting.write.err;
}

void
writer_free(struct writer *writer)
{
	if (writer == NULL)
		return;
	if (writer->started) {
		pthread_mutex_lock(&writer->mutex);
		writer->stop = true;
		pthread_cond_signal(&writer->work);
		pthread_mutex_unlock(&writer->mutex);
		pthread_join(writer->thread, NULL);
	}
	pthread_cond_destroy(&writer->work);
	pthread_mutex_destroy(&writer->mutex);
	free(writer);
}
