/* What may be shown once: digests of what was, each until nobody would take it any more. One table for all workers,
 * of a fixed size; without a lock, since it is asked in the middle of a verdict.
 *
 * It is exact: of two workers that note the same digest at the same moment at most one is told that it is new. A
 * digest is kept as 36 bits of itself in one of 16 places that others of its bits choose, so that one that is new is
 * taken for an old one about once in 10^10; it errs to no other side. A table that is full refuses.
 */
#ifndef AUTHN_REPLAY_H
#define AUTHN_REPLAY_H

#include "core/hash.h"
#include "core/macros.h"

#include <stddef.h>
#include <stdint.h>

struct replay;

/* replay_new - an empty table; it knows times from a day before now_s to eight years after.
 *
 * in      n_entries: rounded up to a power of two, 8 bytes each; up to two thirds of them nothing new is refused
 * returns NULL when memory is out
 */
MUST_CHECK struct replay *replay_new(size_t n_entries, int64_t now_s);
/* replay_free - after the last user. */
void replay_free(struct replay *replay);

enum replay_outcome {
	REPLAY_FULL, /* it cannot be known whether it is new: refuse */
	REPLAY_SEEN,
	REPLAY_NEW,
};

/* replay_note - notes a digest, and tells whether it was there.
 *
 * in      digest: no stranger can choose what its bits are; until_s: the last second it would be taken, to which some
 *         seconds are added because the callers' clocks were not read at one moment
 * thread  any
 */
MUST_CHECK enum replay_outcome replay_note(struct replay *replay,
                                           const uint8_t digest[SHA256_BYTES], int64_t now_s,
                                           int64_t until_s);

#endif
