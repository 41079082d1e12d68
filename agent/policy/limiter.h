/* Counts what is allowed against the limits of the policy set, rates in memory and quotas kept (quotas.h): one table for
 * all workers and all policy sets, so that a publication resets nothing. */
#ifndef POLICY_LIMITER_H
#define POLICY_LIMITER_H

#include "core/macros.h"
#include "model/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct authn_ask;
struct authz_limited;
struct limiter;
struct quotas;
struct verdict;

/* limiter_new - in: n_keys: that can be under way at once; 16 bytes each; quotas: outlives it; NULL: what has a quota is
 * refused. errors: 0, -ENOMEM, -EIO: no random bytes */
MUST_CHECK int limiter_new(size_t n_keys, struct quotas *quotas, struct limiter **ret);
void limiter_free(struct limiter *limiter);

struct limiter_call {
	uint64_t now_ns; /* monotonic */
	int64_t now_s;   /* Unix seconds: whose day and month it is */
	struct arena *arena;
	uint64_t serial; /* of the compiled set */
	struct authn_ask *
		ask; /* filled when more of a quota has to be reserved; NULL: nothing may be asked */
	enum reason unasked; /* and then this refuses; zero: overloaded */
};

/* limiter_judge - one allowed request, counted to all of its limits and quotas, or to none when one of them is reached.
 *
 * in      limits: of authz_limits_of()
 * out     *verdict: ratelimit and ratelimit_policy; when a limit is reached that is in force: a denial, rate_limited or
 *         quota_exceeded, with retry_after_s and why. One in shadow mode is recorded as a shadow
 * returns true: nothing is counted, and call->ask has to be answered first; then judge again
 * thread  any; takes no lock
 */
MUST_CHECK bool limiter_judge(struct limiter *limiter, const struct authz_limited *limits, size_t n,
                              const struct limiter_call *call, struct verdict *verdict);

struct limiter_stats {
	uint64_t n_slots;
	uint64_t n_evicted; /* counts that were given up for others, since there was no room */
};
void limiter_stats(const struct limiter *limiter, struct limiter_stats *ret);

#endif
