#include "admin/lane.h"

#include "core/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define LANE_THREADS_MAX 4

struct lane {
	pthread_mutex_t lock;
	pthread_cond_t work; /* something was queued, or the lane ends */
	pthread_cond_t idle; /* a place came free */
	struct lane_job *first;
	struct lane_job **last;
	size_t n_places;
	size_t n_taken; /* places: queued, in work, or promised */
	bool closing;
	bool ending;
	pthread_t threads[LANE_THREADS_MAX];
	size_t n_threads;
};

static struct lane_job *next_job(struct lane *lane)
{
	while (!lane->first && !lane->ending)
		pthread_cond_wait(&lane->work, &lane->lock);
	struct lane_job *job = lane->first;
	if (!job)
		return NULL;
	lane->first = job->next;
	if (!lane->first)
		lane->last = &lane->first;
	return job;
}

static void *work(void *arg)
{
	struct lane *lane = arg;
	struct lane_job *job;

	pthread_mutex_lock(&lane->lock);
	while ((job = next_job(lane))) {
		pthread_mutex_unlock(&lane->lock);
		job->run(job);
		pthread_mutex_lock(&lane->lock);
		lane->n_taken--;
		pthread_cond_broadcast(&lane->idle);
	}
	pthread_mutex_unlock(&lane->lock);
	return NULL;
}

static int start_thread(struct lane *lane)
{
	pthread_t *thread = &lane->threads[lane->n_threads];
	int r = thread_start(thread, "admin-lane", THREAD_BATCH, work, lane);
	if (r == 0)
		lane->n_threads++;
	return r;
}

int lane_start(size_t n_threads, size_t n_places, struct lane **ret)
{
	struct lane *lane = calloc(1, sizeof(*lane));
	if (!lane)
		return -ENOMEM;
	pthread_mutex_init(&lane->lock, NULL);
	pthread_cond_init(&lane->work, NULL);
	pthread_cond_init(&lane->idle, NULL);
	lane->last = &lane->first;
	lane->n_places = n_places;

	int r = n_threads <= LANE_THREADS_MAX ? 0 : -EINVAL;
	while (r == 0 && lane->n_threads < n_threads)
		r = start_thread(lane);
	if (r != 0) {
		lane_stop(lane);
		return r;
	}
	*ret = lane;
	return 0;
}

bool lane_take_place(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	bool taken = !lane->closing && lane->n_taken < lane->n_places;
	if (taken)
		lane->n_taken++;
	pthread_mutex_unlock(&lane->lock);
	return taken;
}

void lane_push(struct lane *lane, struct lane_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&lane->lock);
	*lane->last = job;
	lane->last = &job->next;
	pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&lane->lock);
}

void lane_close(struct lane *lane)
{
	if (!lane)
		return;
	pthread_mutex_lock(&lane->lock);
	lane->closing = true;
	while (lane->n_taken > 0)
		pthread_cond_wait(&lane->idle, &lane->lock);
	pthread_mutex_unlock(&lane->lock);
}

void lane_stop(struct lane *lane)
{
	if (!lane)
		return;
	pthread_mutex_lock(&lane->lock);
	lane->closing = true;
	lane->ending = true;
	pthread_cond_broadcast(&lane->work);
	pthread_mutex_unlock(&lane->lock);
	for (size_t i = 0; i < lane->n_threads; i++)
		pthread_join(lane->threads[i], NULL);
	pthread_cond_destroy(&lane->idle);
	pthread_cond_destroy(&lane->work);
	pthread_mutex_destroy(&lane->lock);
	free(lane);
}
