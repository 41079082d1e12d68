#ifndef CORE_THROTTLE_H
#define CORE_THROTTLE_H

#include "core/macros.h"
#include "core/netaddr.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

/* Slows down guessing of passwords: after a few failures each further try has to wait, longer each
 * time up to a ceiling. Nobody is ever locked out: that would be a weapon. Counted by account and by
 * network (/24 or /48), in a table of fixed size. */
struct throttle;

MUST_CHECK int throttle_new(struct throttle **ret);
void throttle_free(struct throttle *throttle);

/* throttle_wait - seconds that a try has to wait; 0 = go on. thread: any. */
unsigned throttle_wait(struct throttle *throttle, struct sv account, const struct netaddr *src,
                       int64_t now_us);

/* throttle_failed - a try failed. Returns true when the next one has to wait. */
bool throttle_failed(struct throttle *throttle, struct sv account, const struct netaddr *src,
                     int64_t now_us);

/* throttle_good - a try succeeded: the account's failures are forgotten, the network's stay. */
void throttle_good(struct throttle *throttle, struct sv account);

#endif
