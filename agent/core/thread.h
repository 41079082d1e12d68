/* Threads of the agent: begun in one way, and known by name. */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include "core/macros.h"

#include <pthread.h>

/* How a thread shares the cores with the others. Somebody waits for a verdict; nobody for an index entry. */
enum thread_share {
	THREAD_PROMPT, /* somebody waits for it */
	THREAD_BATCH, /* has its full share, and interrupts nobody to begin with it (SCHED_BATCH) */
	THREAD_BACKGROUND, /* the same with a smaller share (nice 10): works on what is left, and still gets on */
};

/* thread_start - runs with all signals blocked: they are the main thread's.
 *
 * in      name: for top -H and debuggers, at most 15 bytes of it
 * out     *ret: to be joined
 * errors  0 or -errno. A share that cannot be had is no error
 */
MUST_CHECK int thread_start(pthread_t *ret, const char *name, enum thread_share share,
                            void *(*run)(void *), void *user);

#endif
