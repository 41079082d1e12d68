/* What all threads look at and one replaces: an immutable thing, built off to the side, published whole.
 *
 * The thing begins with a struct shared. A worker looks at the slot once a turn, for one relaxed load.
 */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

#include "core/macros.h"
#include "core/refcount.h"

#include <stdint.h>

struct slot;

/* The head of what is published: it has to be the first member. */
struct shared {
	struct refcount refs;
	uint64_t generation; /* never the same for two things of this process; never 0 */
	void (*free)(struct shared *shared);
};

/* shared_init - one reference, the caller's. in: free releases the whole thing, after the last use */
void shared_init(struct shared *shared, void (*free)(struct shared *shared));
/* shared_ref, shared_unref - share and give back; both accept NULL. thread: any */
struct shared *shared_ref(struct shared *shared);
void shared_unref(struct shared *shared);

/* slot_new - an empty slot; NULL when memory is out. */
MUST_CHECK struct slot *slot_new(void);
/* slot_free - after the last reader. NULL is allowed. */
void slot_free(struct slot *slot);

/* slot_publish - puts it in force and takes the caller's reference. thread: any */
void slot_publish(struct slot *slot, struct shared *shared);

/* slot_get - a reference to what is in force, NULL before the first publish. thread: any */
MUST_CHECK struct shared *slot_get(struct slot *slot);

/* slot_refresh - what is in force. Costs one relaxed load when nothing was published since.
 *
 * in      mine: what this thread holds, or NULL
 * returns mine when that is still it; else mine is given back and this is a new reference
 * thread  any
 */
MUST_CHECK struct shared *slot_refresh(struct slot *slot, struct shared *mine);

#endif
