#include "ra/queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT_MIN 2	/* so that one slow job holds up no other even on one core */

/* A thread that waits to be called. The one that waits for the shortest time is called first: its stack and its
 * share of the heap are still in the caches. */
struct resting {
	pthread_cond_t	 call;
	bool		 called;
	struct resting	*next;
};

struct queue {
	pthread_mutex_t	 lock;
	struct job	*first, **last;
	pthread_t	*threads;
	unsigned	 count;
	unsigned	 limit;		/* threads that may work at once: one for each core */
	unsigned	 active;	/* threads that work, or have been called to */
	struct resting	*resting;
	bool		 finishing;
};

struct queue *
queue_new(void)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return NULL;
	pthread_mutex_init(&queue->lock, NULL);
	queue->last = &queue->first;
	return queue;
}

/* The lock is held. */
static void
call_one(struct queue *queue)
{
	struct resting *one = queue->resting;

	queue->resting = one->next;
	queue->active++;
	one->called = true;
	pthread_cond_signal(&one->call);
}

/* Calls a thread when there is work that the active ones are too few for. The lock is held. */
static void
call(struct queue *queue)
{
	if (queue->first != NULL && queue->resting != NULL && queue->active < queue->limit)
		call_one(queue);
}

/* Waits to be called. The lock is held. */
static void
rest(struct queue *queue)
{
	struct resting self = { .call = PTHREAD_COND_INITIALIZER, .next = queue->resting };

	queue->resting = &self;
	queue->active--;
	while (!self.called)
		pthread_cond_wait(&self.call, &queue->lock);
	pthread_cond_destroy(&self.call);
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
	while (queue->resting != NULL)
		call_one(queue);
	pthread_mutex_unlock(&queue->lock);
	for (unsigned i = 0; i < queue->count; i++)
		pthread_join(queue->threads[i], NULL);
}

void
queue_free(struct queue *queue)
{
	if (queue == NULL)
		return;
	pthread_mutex_destroy(&queue->lock);
	free(queue->threads);
	free(queue);
}
