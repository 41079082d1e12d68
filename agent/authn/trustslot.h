/* Where a trust domain's current bundle is found: workers look, the side that fetches publishes. As keyslot.h does
 * for key sets: a worker that meets a certificate of nobody it knows asks for a fetch and never waits.
 */
#ifndef AUTHN_TRUSTSLOT_H
#define AUTHN_TRUSTSLOT_H

#include "authn/trustbundle.h"

struct trustslot;

/* Called by a worker in the middle of a verdict: must not block, e.g. only ev_async_send(). */
typedef void trustslot_wake_fn(void *user);

/* trustslot_new - an empty slot. in: wake may be NULL: nobody fetches. NULL when memory is out. */
MUST_CHECK struct trustslot *trustslot_new(trustslot_wake_fn *wake, void *user);
struct trustslot *trustslot_ref(struct trustslot *slot);
void trustslot_unref(struct trustslot *slot);

/* trustslot_publish - puts a bundle in force and takes the reference over; NULL is not allowed. One whose
 * spiffe_sequence is lower than that in force is an older one served late, and is dropped.
 *
 * returns whether it is in force now
 * thread  any
 */
bool trustslot_publish(struct trustslot *slot, struct trustbundle *bundle);
/* trustslot_settle - a fetch ended without a new bundle: the next stranger may ask again. thread: any */
void trustslot_settle(struct trustslot *slot);
/* trustslot_disarm - no wake hook any more: its user goes away. Returns when no hook is running. thread: any */
void trustslot_disarm(struct trustslot *slot);

/* trustslot_get - a reference to the current bundle, or NULL before the first. Takes the slot's mutex: once a
 * certificate that is not in the cache. */
MUST_CHECK struct trustbundle *trustslot_get(struct trustslot *slot);
/* trustslot_generation - rises with each publish; 0 before the first. One atomic load. */
uint64_t trustslot_generation(const struct trustslot *slot);
/* trustslot_want - anchors may be missing: fetch. */
void trustslot_want(struct trustslot *slot);

#endif
