#ifndef ADMIN_LANE_H
#define ADMIN_LANE_H

#include "core/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* A lane: a few threads that do what the HTTP thread must not wait for, with a bounded queue. A place
 * is taken before the work is handed over, so that handing over cannot fail. */
struct lane;

struct lane_job {
	void (*run)(struct lane_job *job); /* on a lane's thread; job may be freed inside */
	struct lane_job *next;
};

/* lane_start - errors: 0 or -errno; *ret is stopped with lane_stop(). */
MUST_CHECK int lane_start(size_t n_threads, size_t n_places, struct lane **ret);

/* lane_stop - refuse new work, do what is queued, join, free. NULL is allowed. */
void lane_stop(struct lane *lane);

/* lane_take_place - false when the lane is full or closing. thread: any. */
MUST_CHECK bool lane_take_place(struct lane *lane);

/* lane_push - hand over a job with a place taken for it; the place is free again when it was run. */
void lane_push(struct lane *lane, struct lane_job *job);

/* lane_close - refuse new work and wait until all that was handed over is done. thread: main. */
void lane_close(struct lane *lane);

#endif
