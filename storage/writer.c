#include "storage/writer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

/* Jobs in one transaction: commits cost the same up to here, and the first doesn't wait long for the last. */
#define BATCH_MAX 256

/* Lives on the stack of the thread that waits for it, so no more of them wait than there are threads. */
struct job {
	enum err	(*fn)(struct storage_tx *, void *);
	void		*arg;
	enum err	 err;
	sem_t		 done;
	struct job	*next;
};

struct writer {
	struct storage_tx	 tx;
	pthread_t		 thread;
	bool			 started;

	pthread_mutex_t		 mutex;		/* holds what follows */
	pthread_cond_t		 work;
	struct job		*first, **last;
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

/* Takes at most BATCH_MAX jobs, waiting for the first. Nothing more is waited for: what comes while this batch
 * is written makes up the next. NULL: stop. */
static struct job *
writer_take(struct writer *writer, bool *more)
{
	struct job	*batch, **end;

	pthread_mutex_lock(&writer->mutex);
	while (writer->first == NULL && !writer->stop)
		pthread_cond_wait(&writer->work, &writer->mutex);
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
writer_together(struct writer *writer, struct job *first)
{
	struct job	*job;
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
writer_job(struct writer *writer, struct job *job)
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
static struct job *
writer_transaction(struct writer *writer, struct job *first)
{
	struct job	*job, *rest = NULL;
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
writer_batch(struct writer *writer, struct job *first)
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

static void
writer_answer(struct job *job)
{
	while (job != NULL) {
		struct job *next = job->next;	/* gone as soon as its thread wakes */

		sem_post(&job->done);
		job = next;
	}
}

static void *
writer_main(void *arg)
{
	struct writer	*writer = arg;
	struct job	*batch;
	bool		 more;

	while ((batch = writer_take(writer, &more)) != NULL) {
		writer_batch(writer, batch);
		writer_answer(batch);
		writer->tx.driver->tidy(writer->tx.connection, more);
	}
	return NULL;
}

enum err
writer_start(struct writer *writer)
{
	if (pthread_create(&writer->thread, NULL, writer_main, writer) != 0)
		return ERR_IO;
	writer->started = true;
	return ERR_OK;
}

enum err
writer_run(struct writer *writer, enum err (*fn)(struct storage_tx *, void *), void *arg)
{
	struct job job = { .fn = fn, .arg = arg, .err = ERR_IO };

	if (!writer->started || sem_init(&job.done, 0, 0) != 0)
		abort();
	pthread_mutex_lock(&writer->mutex);
	if (writer->first == NULL)
		pthread_cond_signal(&writer->work);
	*writer->last = &job;
	writer->last = &job.next;
	pthread_mutex_unlock(&writer->mutex);
	while (sem_wait(&job.done) != 0)
		if (errno != EINTR)
			abort();
	sem_destroy(&job.done);
	return job.err;
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
