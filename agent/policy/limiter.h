/* Counts what is allowed against the limits of the policy set: one table for all workers and all policy sets, so that
 * a publication resets nothing. */
#ifndef POLICY_LIMITER_H
#define POLICY_LIMITER_H

#include "core/macros.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct authz_limited;
struct limiter;
struct verdict;

enum { LIMITER_KEYS = 256 * 1024 }; /* 4 MiB */

/* limiter_new - in: n_keys: that can be under way at once; 16 bytes each. errors: 0, -ENOMEM, -EIO: no random bytes */
MUST_CHECK int limiter_new(size_t n_keys, struct limiter **ret);
void limiter_free(struct limiter *limiter);

/* limiter_judge - one allowed request, counted to all of its limits, or to none when one of them is reached.
 *
 * in      limits: of authz_limits_of(); now_ns: monotonic
 * out     *verdict: ratelimit and ratelimit_policy; when a limit is reached that is in force: a denial, rate_limited,
 *         with retry_after_s and why. One in shadow mode is recorded as a shadow
 * thread  any; takes no lock
 */
void limiter_judge(struct limiter *limiter, const struct authz_limited *limits, size_t n,
                   uint64_t now_ns, struct arena *arena, struct verdict *verdict);

struct limiter_stats {
	uint64_t n_slots;
	uint64_t n_evicted; /* counts that were given up for others, since there was no room */
};
void limiter_stats(const struct limiter *limiter, struct limiter_stats *ret);

#endif
