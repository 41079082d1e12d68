#include "core/gcra.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One key. Its state is a generation (8 bits) and the time at which it is as good as new (56 bits, ticks); whoever
 * gives the slot to another key puts BUSY there first and another generation with it, so that one who read the state
 * before the key cannot change it afterwards. */
struct gcra_slot {
	atomic_uint_fast64_t state, key;
};

enum { TICK_SHIFT = 4, TIME_BITS = 56, BUCKET = 8, TRIES = 4096 };

#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define BUSY      TIME_MASK
#define TICKS_S   (UINT64_C(1000000000) >> TICK_SHIFT)

struct gcra {
	struct gcra_slot *slots;
	size_t mask;
	atomic_uint_fast64_t n_evicted;
};

uint64_t gcra_interval(uint64_t n, uint64_t period_s)
{
	return (TICKS_S * period_s + n - 1) / n;
}

bool gcra_rate_ok(const struct gcra_rate *rate)
{
	return rate->interval > 0 && rate->burst > 0 &&
	       rate->burst < (TIME_MASK >> 1) / rate->interval;
}

int gcra_new(size_t n_slots, struct gcra **ret)
{
	size_t n = BUCKET;
	while (n < n_slots)
		n *= 2;
	struct gcra *g = calloc(1, sizeof(*g));
	/* a bucket is two cache lines */
	struct gcra_slot *slots =
		g ? aligned_alloc(BUCKET * sizeof(*slots), n * sizeof(*slots)) : NULL;
	if (!slots) {
		free(g);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		atomic_init(&slots[i].state, 0);
		atomic_init(&slots[i].key, 0);
	}
	g->slots = slots;
	g->mask = n - 1;
	*ret = g;
	return 0;
}

void gcra_free(struct gcra *gcra)
{
	if (!gcra)
		return;
	free(gcra->slots);
	free(gcra);
}

static uint64_t time_of(uint64_t state)
{
	return state & TIME_MASK;
}

static uint64_t with_time(uint64_t state, uint64_t time)
{
	return (state & ~TIME_MASK) | (time & TIME_MASK);
}

/* A slot as it was read: its state before its key. */
struct place {
	struct gcra_slot *slot;
	uint64_t state;
};

/* What was seen of a bucket. */
struct bucket {
	struct place own;  /* of the key */
	struct place best; /* to give to another key: the one nearest to its time */
	bool busy;         /* somebody is giving one away */
};

static struct bucket look(const struct gcra *g, uint64_t key)
{
	struct gcra_slot *first = &g->slots[key & g->mask & ~(uint64_t)(BUCKET - 1)];
	struct bucket b = {0};
	for (size_t i = 0; i < BUCKET && !b.own.slot; i++) {
		struct place at = {&first[i], atomic_load(&first[i].state)};
		if (time_of(at.state) == BUSY)
			b.busy = true;
		else if (atomic_load(&at.slot->key) == key)
			b.own = at;
		else if (!b.best.slot || time_of(at.state) < time_of(b.best.state))
			b.best = at;
	}
	return b;
}

/* The slot becomes the key's. returns false when another was faster */
static bool claim(struct gcra *g, struct place *at, uint64_t key, uint64_t now)
{
	uint64_t next = ((at->state >> TIME_BITS) + 1) << TIME_BITS;
	if (!atomic_compare_exchange_strong(&at->slot->state, &at->state, next | BUSY))
		return false;
	if (time_of(at->state) > now)
		(void)atomic_fetch_add_explicit(&g->n_evicted, 1, memory_order_relaxed);
	atomic_store(&at->slot->key, key);
	atomic_store(&at->slot->state, next);
	at->state = next;
	return true;
}

/* The key's slot, made when there is none. returns false when that did not work this time */
static bool find(struct gcra *g, uint64_t key, uint64_t now, struct place *ret)
{
	struct bucket b = look(g, key);
	*ret = b.own.slot ? b.own : b.best;
	if (b.own.slot)
		return true;
	/* it may be given to this very key */
	return !b.busy && b.best.slot && claim(g, ret, key, now);
}

static void answer(struct gcra_answer *ret, const struct gcra_rate *rate, uint64_t now,
                   uint64_t time, bool granted)
{
	uint64_t ahead = time > now ? time - now : 0;
	uint64_t room = rate->interval * rate->burst;
	*ret = (struct gcra_answer){.granted = granted, .reset_ns = ahead << TICK_SHIFT};
	if (ahead < room && rate->interval)
		ret->n_left = (room - ahead) / rate->interval;
	if (!granted)
		ret->retry_ns = (ahead + rate->interval - room) << TICK_SHIFT;
}

void gcra_take(struct gcra *gcra, uint64_t key, const struct gcra_rate *rate, uint64_t now_ns,
               struct gcra_answer *ret)
{
	uint64_t now = now_ns >> TICK_SHIFT;
	uint64_t room = rate->interval * rate->burst;
	struct place at;
	key |= 1U << 31; /* never the 0 of an empty slot */
	for (unsigned i = 0; i < TRIES; i++) {
		if (!find(gcra, key, now, &at))
			continue;
		uint64_t time = time_of(at.state) > now ? time_of(at.state) : now;
		bool granted = time + rate->interval - now <= room;
		uint64_t after = granted ? time + rate->interval : time;
		if (granted && !atomic_compare_exchange_strong(&at.slot->state, &at.state,
		                                               with_time(at.state, after)))
			continue;
		answer(ret, rate, now, after, granted);
		return;
	}
	/* the thread that was giving a slot away does not run: nothing is granted for that long */
	*ret = (struct gcra_answer){.retry_ns = rate->interval << TICK_SHIFT};
}

void gcra_give_back(struct gcra *gcra, uint64_t key, const struct gcra_rate *rate, uint64_t now_ns)
{
	uint64_t now = now_ns >> TICK_SHIFT;
	key |= 1U << 31;
	for (unsigned i = 0; i < TRIES; i++) {
		struct bucket b = look(gcra, key);
		if (!b.own.slot && !b.busy)
			return;
		if (!b.own.slot)
			continue;
		uint64_t time = time_of(b.own.state);
		if (time <= now) /* it is as good as new already */
			return;
		if (atomic_compare_exchange_strong(&b.own.slot->state, &b.own.state,
		                                   with_time(b.own.state, time - rate->interval)))
			return;
	}
}

size_t gcra_slots(const struct gcra *gcra)
{
	return gcra->mask + 1;
}

uint64_t gcra_evicted(const struct gcra *gcra)
{
	return atomic_load_explicit(&gcra->n_evicted, memory_order_relaxed);
}
