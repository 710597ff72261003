#include "ra/queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct queue {
	pthread_mutex_t	 lock;
	pthread_cond_t	 work;
	struct job	*first, **last;
	pthread_t	*threads;
	unsigned	 count;
	unsigned	 idle;		/* threads that wait for work */
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

/* The next job; NULL when the queue is finishing and empty. */
static struct job *
take(struct queue *queue)
{
	struct job *job;

	pthread_mutex_lock(&queue->lock);
	while ((job = queue->first) == NULL && !queue->finishing) {
		queue->idle++;
		pthread_cond_wait(&queue->work, &queue->lock);
		queue->idle--;
	}
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
	if ((queue->threads = calloc(threads, sizeof(*queue->threads))) == NULL)
		return ERR_MEMORY;
	for (; queue->count < threads; queue->count++)
		if (pthread_create(&queue->threads[queue->count], NULL, work, queue) != 0)
			return ERR_MEMORY;
	return ERR_OK;
}

void
queue_put(struct queue *queue, struct job *job)
{
	bool wake;

	job->next = NULL;
	pthread_mutex_lock(&queue->lock);
	*queue->last = job;
	queue->last = &job->next;
	wake = queue->idle > 0;
	pthread_mutex_unlock(&queue->lock);
	if (wake)
		pthread_cond_signal(&queue->work);
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
