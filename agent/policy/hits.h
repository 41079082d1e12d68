/* How often each policy had a part in a decision: counted by every worker for itself, without a lock, summed when
 * somebody asks. Counts are kept by the policy's name, so they go on over a publish; they begin with the process. What
 * roles permit counts under role:NAME, limits under limit:NAME. */
#ifndef POLICY_HITS_H
#define POLICY_HITS_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;
struct policy_hits;
struct policy_hits_row;
struct verdict;

struct policy_hit_counts {
	uint64_t
		n_matched; /* a rule of it was the first to hold among those that could still decide */
	uint64_t n_decided;      /* and the verdict is its own */
	uint64_t n_would_change; /* in shadow mode: the verdict would have been another */
	int64_t last_at_us;      /* of the last match; 0: none */
	int64_t since_us;        /* counted from then */
};

/* policy_hits_new - NULL when memory is out. policy_hits_free - after the last worker has stopped. */
MUST_CHECK struct policy_hits *policy_hits_new(void);
void policy_hits_free(struct policy_hits *hits);

/* policy_hits_row - counts of one more worker, freed with hits; NULL when memory is out. thread: any */
MUST_CHECK struct policy_hits_row *policy_hits_row(struct policy_hits *hits);

/* policy_hits_enter - gives every policy of the set a place to be counted at, before any worker sees it. What has no
 * place, because memory is out or more than HITS_MAX names were seen, is not counted. thread: any */
void policy_hits_enter(struct policy_hits *hits, struct policy *policy, int64_t now_us);

/* policy_hits_count - one decision. in: row: NULL counts nothing. thread: the row's own, it alone */
void policy_hits_count(struct policy_hits_row *row, const struct policy *policy,
                       const struct verdict *verdict, int64_t at_us);

/* policy_hits_get - the sum over workers. returns false for a name that is not counted. thread: any */
MUST_CHECK bool policy_hits_get(struct policy_hits *hits, struct sv name,
                                struct policy_hit_counts *ret);

/* policy_hits_each - the first n_max names in the order in which they were seen, then the sum of all others under an
 * empty name where there are others. thread: any; each() must not call back */
void policy_hits_each(struct policy_hits *hits, size_t n_max,
                      void (*each)(void *user, struct sv name,
                                   const struct policy_hit_counts *counts),
                      void *user);

#endif
