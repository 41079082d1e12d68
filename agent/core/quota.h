/* How much of a quota is used, by key: a table that all workers share without a lock. It never forgets a key before its
 * time: one thread alone makes slots, and gives one to another key only well after its period is over.
 *
 * What may be granted is bounded twice: by the quota itself, and by a ceiling that stands on disk already. So whatever a
 * crash loses was reserved and not granted, never granted and not counted.
 */
#ifndef CORE_QUOTA_H
#define CORE_QUOTA_H

#include "core/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quota;

enum quota_period { QUOTA_NONE = 0, QUOTA_DAY, QUOTA_MONTH, QUOTA_PERIOD_COUNT };
extern const char *const quota_period_names[QUOTA_PERIOD_COUNT];

/* quota_ends - the second at which the period is over that now_s is in: days and months of UTC, by the wall clock. */
int64_t quota_ends(enum quota_period period, int64_t now_s);

/* quota_new - in: n_slots: rounded up to a power of two; 32 bytes each. errors: 0, -ENOMEM */
MUST_CHECK int quota_new(size_t n_slots, struct quota **ret);
void quota_free(struct quota *quota);

enum quota_outcome {
	QUOTA_UNRESERVED, /* nothing that is reserved is left: more has to be */
	QUOTA_USED_UP,
	QUOTA_TAKEN,
};

/* quota_take - one of key, if there is one left.
 *
 * in      key: a hash that strangers cannot make collide, of the period as well; max: of the period
 * out     *ret_left: that would be granted after it
 * thread  any; takes no lock
 */
enum quota_outcome quota_take(struct quota *quota, uint64_t key, uint64_t max, uint64_t *ret_left);

/* quota_give_back - one that was taken, and not used after all. thread: any */
void quota_give_back(struct quota *quota, uint64_t key);

/* quota_reserve - up to ceiling may be granted of key from now on. A key that was not there begins with used.
 *
 * in      ends_s: of the period; now_s: Unix seconds
 * errors  0, -ENOSPC: there is no slot; then it stays ungranted
 * thread  one
 */
MUST_CHECK int quota_reserve(struct quota *quota, uint64_t key, int64_t ends_s, uint64_t used,
                             uint64_t ceiling, int64_t now_s);

/* quota_each - the keys that are there, with what is used of them. thread: that of quota_reserve(), when no other takes */
void quota_each(const struct quota *quota,
                void (*visit)(void *user, uint64_t key, int64_t ends_s, uint64_t used), void *user);

struct quota_stats {
	uint64_t n_slots;
	uint64_t n_full; /* reservations that found no slot */
};
void quota_stats(const struct quota *quota, struct quota_stats *ret);

#endif
