/* How often something may happen, by key: a table of fixed size that all workers share without a lock.
 *
 * The generic cell rate algorithm keeps one number a key: the time at which it would be as good as new. A slot whose
 * time has come is free for another key, so that the table forgets by itself. When a bucket of slots is full of keys
 * that are all under way, the one that is nearest to its time is given up: it starts anew when it comes again.
 * source  ITU-T I.371, GCRA as virtual scheduling
 */
#ifndef CORE_GCRA_H
#define CORE_GCRA_H

#include "core/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gcra;

/* n in each period, evenly, and `burst` of them at once after a rest. */
struct gcra_rate {
	uint64_t interval; /* between two, in ticks of gcra_interval() */
	uint64_t burst;    /* at least 1 */
};

/* gcra_interval - ticks between two of n in period_s seconds, rounded up: never more than n. in: n: 1 to 1,000,000 a
 * second */
uint64_t gcra_interval(uint64_t n, uint64_t period_s);

/* gcra_rate_ok - does a whole burst fit into the time that a count can run ahead, 18 years? Others must not be asked
 * with: their counts would begin anew in the middle. */
bool gcra_rate_ok(const struct gcra_rate *rate);

struct gcra_answer {
	bool granted;
	uint64_t n_left;   /* that would be granted now, one after the other */
	uint64_t retry_ns; /* until the next one is; 0 when granted */
	uint64_t reset_ns; /* until it is as good as new */
};

/* gcra_new - in: n_slots: rounded up to a power of two; 16 bytes each. errors: 0, -ENOMEM */
MUST_CHECK int gcra_new(size_t n_slots, struct gcra **ret);
void gcra_free(struct gcra *gcra);

/* gcra_take - one of key, if there is one left.
 *
 * in      key: a hash that strangers cannot make collide; now_ns: monotonic
 * thread  any; never waits for another thread that does not run
 */
void gcra_take(struct gcra *gcra, uint64_t key, const struct gcra_rate *rate, uint64_t now_ns,
               struct gcra_answer *ret);

/* gcra_give_back - one that was taken, and not used after all. */
void gcra_give_back(struct gcra *gcra, uint64_t key, const struct gcra_rate *rate, uint64_t now_ns);

/* gcra_slots, gcra_evicted - room, and how many keys were given up for others. */
size_t gcra_slots(const struct gcra *gcra);
uint64_t gcra_evicted(const struct gcra *gcra);

#endif
