/* Where an issuer's current keys are found, and what else its own document says: workers look, the side that fetches publishes.
 *
 * A worker that meets a kid it does not know says so with keyslot_want(); who fetches is told through the
 * wake hook, at most once until it publishes or gives up. The worker never waits.
 */
#ifndef AUTHN_KEYSLOT_H
#define AUTHN_KEYSLOT_H

#include "authn/jwks.h"

struct endpoints;
struct keyslot;

/* Called by a worker in the middle of a verdict: must not block, e.g. only ev_async_send(). */
typedef void keyslot_wake_fn(void *user);

/* keyslot_new - an empty slot. in: wake may be NULL: nobody fetches. NULL when memory is out. */
MUST_CHECK struct keyslot *keyslot_new(keyslot_wake_fn *wake, void *user);
struct keyslot *keyslot_ref(struct keyslot *slot);
void keyslot_unref(struct keyslot *slot);

/* keyslot_publish - puts a set in force and takes the reference over; NULL is not allowed. thread: any */
void keyslot_publish(struct keyslot *slot, struct jwks *set);
/* keyslot_settle - a fetch ended without new keys: the next unknown kid may ask again. thread: any */
void keyslot_settle(struct keyslot *slot);
/* keyslot_disarm - no wake hook any more: its user goes away. Returns when no hook is running. thread: any */
void keyslot_disarm(struct keyslot *slot);

/* keyslot_get - a reference to the current set, or NULL before the first. Takes the slot's mutex: once a
 * token that is not in the cache, beside a signature check a hundred times dearer. */
MUST_CHECK struct jwks *keyslot_get(struct keyslot *slot);
/* keyslot_tell - what the issuer's document says of its endpoints; takes the reference over. thread: any */
void keyslot_tell(struct keyslot *slot, struct endpoints *endpoints);
/* keyslot_endpoints - a reference to that, or NULL before the first; shared_unref(). Takes a mutex for a moment. */
MUST_CHECK struct endpoints *keyslot_endpoints(struct keyslot *slot);
/* keyslot_generation - rises with each publish; 0 before the first. One atomic load. */
uint64_t keyslot_generation(const struct keyslot *slot);
/* keyslot_want - keys may be missing: fetch. */
void keyslot_want(struct keyslot *slot);

#endif
