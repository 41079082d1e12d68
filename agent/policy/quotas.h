/* Quotas a day and a month, kept: who counts them, and who performs AUTHN_ASK_QUOTA. What a verdict grants was reserved
 * on disk before, a block at a time; where nothing reserved is left the request waits for a thread that reserves more,
 * for many in one step.
 *
 * A crash loses what was reserved and not yet granted, a block or two for each key, of a hundredth of the quota and at most
 * a thousand; it never grants one more. An orderly end loses nothing.
 */
#ifndef POLICY_QUOTAS_H
#define POLICY_QUOTAS_H

#include "core/quota.h"
#include "policy/asks.h"

struct arena;
struct quotas;
struct state;

/* quotas_start - in: n_keys: that can be counted at once; 32 bytes each. lifetime: state outlives it. errors: 0 or -errno */
MUST_CHECK int quotas_start(struct state *state, size_t n_keys, struct quotas **ret);
/* quotas_end - takes nothing more; what was reserved and not granted is free again. After the last worker, before the asks
 * are freed. */
void quotas_end(struct quotas *quotas);
/* quotas_free - after quotas_end() and the asks. NULL is allowed, for both. */
void quotas_free(struct quotas *quotas);

/* quotas_performer - lifetime: as the quotas */
struct policy_performer quotas_performer(struct quotas *quotas);

/* One quota of one caller in one period. */
struct quota_count {
	uint64_t key;
	int64_t ends_s; /* Unix seconds */
	uint64_t max;
	uint64_t n_left; /* out of quotas_take() */
};

/* quotas_count_of - in: counted: what the count goes by, of any length; now_s: Unix seconds */
struct quota_count quotas_count_of(const struct quotas *quotas, struct sv counted,
                                   enum quota_period period, uint64_t max, int64_t now_s);

/* quotas_take, quotas_give_back - as quota_take(). thread: any */
enum quota_outcome quotas_take(struct quotas *quotas, struct quota_count *count);
void quotas_give_back(struct quotas *quotas, const struct quota_count *count);

/* quotas_ask - what has to be asked where nothing reserved is left. returns false when the arena is full, or without random
 * bytes */
MUST_CHECK bool quotas_ask(const struct quota_count *count, uint64_t serial, struct arena *arena,
                           struct authn_ask *ret);

struct quotas_stats {
	struct quota_stats table;
	uint64_t n_reserved, n_failed; /* reservations */
};
void quotas_stats(const struct quotas *quotas, struct quotas_stats *ret);

#endif
