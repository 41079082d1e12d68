#ifndef STATE_QUOTAS_H
#define STATE_QUOTAS_H

#include "core/macros.h"

#include <stddef.h>
#include <stdint.h>

struct state;

/* What is reserved of quotas, by key and the second at which the period is over. */
struct state_quota {
	uint64_t key;
	int64_t ends_s;
	uint64_t want, max;       /* so many more, but of all no more than that */
	uint64_t before, granted; /* out: what was reserved, and what is now besides */
};

/* state_quotas_reserve - all of them in one act, in their order. errors: 0: it is on disk; or a negative errno: none is */
MUST_CHECK int state_quotas_reserve(struct state *state, struct state_quota *quotas, size_t n);

/* state_quotas_settle - what was reserved becomes what was used (`before`): at the end, when nobody takes any more.
 * errors: 0 or a negative errno */
MUST_CHECK int state_quotas_settle(struct state *state, const struct state_quota *quotas, size_t n);

/* state_quotas_expire - forgets periods that are over. errors: 0 or a negative errno */
MUST_CHECK int state_quotas_expire(struct state *state, int64_t now_s);

#endif
