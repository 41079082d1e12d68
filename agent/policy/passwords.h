/* Who performs AUTHN_ASK_PASSWORD: a few threads that hash, for the users kept in state/. A full lane refuses, and
 * nobody waits for a place in it; guessing is slowed down by user and by network.
 */
#ifndef POLICY_PASSWORDS_H
#define POLICY_PASSWORDS_H

#include "policy/asks.h"

struct passwords;
struct state;

enum { PASSWORDS_LANE_MAX = 64, PASSWORDS_THREADS_MAX = 8 };

/* passwords_start - lifetime: state outlives it. in: n_threads: 1 to PASSWORDS_THREADS_MAX
 * errors  0 or -errno */
MUST_CHECK int passwords_start(struct state *state, unsigned n_threads, struct passwords **ret);
/* passwords_end - takes nothing more; what waits is refused as unavailable. Returns when the threads are done. */
void passwords_end(struct passwords *passwords);
/* passwords_free - after passwords_end() and the asks. NULL is allowed, for both. */
void passwords_free(struct passwords *passwords);

/* passwords_performer - lifetime: as passwords */
struct policy_performer passwords_performer(struct passwords *passwords);

struct passwords_stats {
	uint64_t n_right, n_wrong, n_throttled;
	uint64_t n_full; /* found no place in the lane */
	uint64_t n_waiting;
};
void passwords_stats(struct passwords *passwords, struct passwords_stats *ret);

#endif
