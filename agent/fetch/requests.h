/* Requests that are made once: those that wait for the fetch thread and those under way. A private part of fetch.c. */
#ifndef FETCH_REQUESTS_H
#define FETCH_REQUESTS_H

#include "fetch/transfer.h"

#include <pthread.h>

struct requests {
	const struct transfer_options *options;
	CURLM *multi;              /* the thread's */
	struct request *under_way; /* the thread's */
	pthread_mutex_t lock;      /* of all below */
	struct request *waiting, **last;
	unsigned n; /* waiting and under way */
	bool closed;
};

/* requests_init - lifetime: options outlives r; multi is set before the first turn */
void requests_init(struct requests *r, const struct transfer_options *options);
/* requests_fini - once the thread has ended: tells those that are left that they failed. */
void requests_fini(struct requests *r);

/* requests_add - see fetch_ask(); the URL is allowed. thread: any */
MUST_CHECK int requests_add(struct requests *r, const struct fetch_request *request,
                            fetch_answered_fn *done, void *user);
/* requests_close - takes no more; the next turn ends what there is. thread: any */
void requests_close(struct requests *r);

/* requests_turn - begins what waits. thread: fetch */
void requests_turn(struct requests *r);

#endif
