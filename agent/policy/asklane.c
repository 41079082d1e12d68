#include "policy/asklane.h"

#include "core/thread.h"

#include <errno.h>
#include <string.h>

void asklane_init(struct asklane *lane,
                  void (*perform)(void *user, struct policy_ask *const *asks, size_t n), void *user)
{
	lane->perform = perform;
	lane->user = user;
	(void)pthread_mutex_init(&lane->lock, NULL);
	(void)pthread_cond_init(&lane->work, NULL);
}

void asklane_fini(struct asklane *lane)
{
	(void)pthread_cond_destroy(&lane->work);
	(void)pthread_mutex_destroy(&lane->lock);
}

/* All that wait. 0: it is the end */
static size_t take(struct asklane *lane, struct policy_ask *ret[POLICY_ASKS_MAX])
{
	(void)pthread_mutex_lock(&lane->lock);
	while (lane->n == 0 && !lane->ending)
		(void)pthread_cond_wait(&lane->work, &lane->lock);
	size_t n = lane->n;
	memcpy(ret, lane->asks, n * sizeof(*ret));
	lane->n = 0;
	(void)pthread_mutex_unlock(&lane->lock);
	return n;
}

static void *work(void *user)
{
	struct asklane *lane = user;
	struct policy_ask *asks[POLICY_ASKS_MAX];
	for (size_t n; (n = take(lane, asks)) > 0;)
		lane->perform(lane->user, asks, n);
	return NULL;
}

int asklane_start(struct asklane *lane, const char *name)
{
	return thread_start(&lane->thread, name, THREAD_PROMPT, work, lane);
}

void asklane_end(struct asklane *lane)
{
	(void)pthread_mutex_lock(&lane->lock);
	lane->ending = true;
	(void)pthread_cond_signal(&lane->work);
	(void)pthread_mutex_unlock(&lane->lock);
	(void)pthread_join(lane->thread, NULL);
}

static int put(void *user, struct policy_ask *ask)
{
	struct asklane *lane = user;
	(void)pthread_mutex_lock(&lane->lock);
	int r = lane->ending ? -ESHUTDOWN : lane->n == ARRAY_LEN(lane->asks) ? -EAGAIN : 0;
	if (r == 0) {
		lane->asks[lane->n++] = ask;
		(void)pthread_cond_signal(&lane->work);
	}
	(void)pthread_mutex_unlock(&lane->lock);
	return r;
}

struct policy_performer asklane_performer(struct asklane *lane)
{
	return (struct policy_performer){.perform = put, .user = lane};
}
