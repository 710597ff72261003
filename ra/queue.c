#include "ra/queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT_MIN 2	/* so that one slow job holds up no other even on one core */

struct queue {
	pthread_mutex_t	 lock;
	pthread_cond_t	 work;
	struct job	*first, **last;
	pthread_t	*threads;
	unsigned	 count;
	unsigned	 limit;		/* threads that may work at once: one for each core */
	unsigned	 active;	/* threads that work, or have been called to */
	unsigned	 idle;		/* threads that wait to be called */
	unsigned	 calls;		/* of those called, how many have not woken up yet */
	bool		 finishing;
};

struct queue *
queue_new(void)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return NULL;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->work, NULL);
	queue->last = &queue->first;
	return queue;
}

/* Calls a thread when there is work that the active ones are too few for. The lock is held. */
static void
call(struct queue *queue)
{
	if (queue->first == NULL || queue->idle == 0 || queue->active >= queue->limit)
		return;
	queue->idle--;
	queue->active++;
	queue->calls++;
	pthread_cond_signal(&queue->work);
}

/* Waits to be called. The lock is held. */
static void
rest(struct queue *queue)
{
	queue->active--;
	queue->idle++;
	while (queue->calls == 0 && !queue->finishing)
		pthread_cond_wait(&queue->work, &queue->lock);
	if (queue->calls > 0) {
		queue->calls--;
	} else {
		queue->idle--;
		queue->active++;
	}
}

/* The next job; NULL when the queue is finishing and empty. */
static struct job *
take(struct queue *queue)
{
	struct job *job;

	pthread_mutex_lock(&queue->lock);
	while ((job = queue->first) == NULL && !queue->finishing)
		rest(queue);
	if (job != NULL && (queue->first = job->next) == NULL)
		queue->last = &queue->first;
	pthread_mutex_unlock(&queue->lock);
	return job;
}

static void *
work(void *arg)
{
	struct job *job;

	while ((job = take(arg)) != NULL)
		job->run(job);
	return NULL;
}

enum err
queue_start(struct queue *queue, unsigned threads)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	queue->limit = cores > LIMIT_MIN ? (unsigned)cores : LIMIT_MIN;
	if ((queue->threads = calloc(threads, sizeof(*queue->threads))) == NULL)
		return ERR_MEMORY;
	queue->active = threads;
	for (; queue->count < threads; queue->count++)
		if (pthread_create(&queue->threads[queue->count], NULL, work, queue) != 0)
			return ERR_MEMORY;
	return ERR_OK;
}

void
queue_put(struct queue *queue, struct job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&queue->lock);
	*queue->last = job;
	queue->last = &job->next;
	call(queue);
	pthread_mutex_unlock(&queue->lock);
}

void
queue_leave(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->active--;
	call(queue);
	pthread_mutex_unlock(&queue->lock);
}

void
queue_enter(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->active++;
	pthread_mutex_unlock(&queue->lock);
}

void
queue_finish(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->finishing = true;
	pthread_cond_broadcast(&queue->work);
	pthread_mutex_unlock(&queue->lock);
	for (unsigned i = 0; i < queue->count; i++)
		pthread_join(queue->threads[i], NULL);
}

void
queue_free(struct queue *queue)
{
	if (queue == NULL)
		return;
	pthread_cond_destroy(&queue->work);
	pthread_mutex_destroy(&queue->lock);
	free(queue->threads);
	free(queue);
}
