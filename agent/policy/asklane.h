/* Asks that wait for one thread, which takes all of them at once: so many are performed in one step. */
#ifndef POLICY_ASKLANE_H
#define POLICY_ASKLANE_H

#include "policy/asks.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct asklane {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work;
	struct policy_ask *asks[POLICY_ASKS_MAX];
	size_t n;
	bool ending;
	void (*perform)(void *user, struct policy_ask *const *asks, size_t n);
	void *user;
};

/* asklane_init - in: perform: ends each of the asks by policy_ask_done(); on the lane's own thread, never for none. lane:
 * at rest until asklane_start() */
void asklane_init(struct asklane *lane,
                  void (*perform)(void *user, struct policy_ask *const *asks, size_t n),
                  void *user);
/* asklane_start - in: name: of the thread. errors: 0 or -errno */
MUST_CHECK int asklane_start(struct asklane *lane, const char *name);
/* asklane_end - takes nothing more; what waits is performed still. After asklane_start(). */
void asklane_end(struct asklane *lane);
/* asklane_fini - after asklane_end(), or where it was not started. */
void asklane_fini(struct asklane *lane);

/* asklane_performer - lifetime: as the lane */
struct policy_performer asklane_performer(struct asklane *lane);

#endif
