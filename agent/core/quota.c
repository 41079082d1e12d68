#include "core/quota.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

const char *const quota_period_names[] = {
	[QUOTA_NONE] = "none",
	[QUOTA_DAY] = "day",
	[QUOTA_MONTH] = "month",
};
static_assert(ARRAY_LEN(quota_period_names) == QUOTA_PERIOD_COUNT, "one name each");

enum {
	DAY_S = 86400,
	PROBES = 16,
	GRACE_S =
		60, /* behind a period's end: no thread can still be in the middle of taking from it */
};

/* A key of 0 is none. */
struct quota_slot {
	atomic_uint_fast64_t key, used, ceiling;
	atomic_int_fast64_t ends_s;
};

struct quota {
	struct quota_slot *slots;
	size_t mask;
	atomic_uint_fast64_t n_full;
};

int64_t quota_ends(enum quota_period period, int64_t now_s)
{
	time_t now = (time_t)now_s;
	struct tm date;
	if (period != QUOTA_MONTH || !gmtime_r(&now, &date))
		return (now_s / DAY_S + 1) * DAY_S;
	struct tm first = {.tm_year = date.tm_year, .tm_mon = date.tm_mon + 1, .tm_mday = 1};
	return (int64_t)timegm(&first);
}

int quota_new(size_t n_slots, struct quota **ret)
{
	size_t n = PROBES;
	while (n < n_slots)
		n *= 2;
	struct quota *quota = calloc(1, sizeof(*quota));
	struct quota_slot *slots = quota ? calloc(n, sizeof(*slots)) : NULL;
	if (!slots) {
		free(quota);
		return -ENOMEM;
	}
	quota->slots = slots;
	quota->mask = n - 1;
	*ret = quota;
	return 0;
}

void quota_free(struct quota *quota)
{
	if (!quota)
		return;
	free(quota->slots);
	free(quota);
}

static uint64_t whole(uint64_t key)
{
	return key ? key : 1;
}

/* What stands in the slot was written before its key. NULL: there is none */
static struct quota_slot *find(const struct quota *quota, uint64_t key)
{
	for (size_t i = 0; i < PROBES; i++) {
		struct quota_slot *slot = &quota->slots[(key + i) & quota->mask];
		if (atomic_load_explicit(&slot->key, memory_order_acquire) == key)
			return slot;
	}
	return NULL;
}

enum quota_outcome quota_take(struct quota *quota, uint64_t key, uint64_t max, uint64_t *ret_left)
{
	struct quota_slot *slot = find(quota, whole(key));
	*ret_left = 0;
	if (!slot)
		return QUOTA_UNRESERVED;
	uint64_t used = atomic_load_explicit(&slot->used, memory_order_relaxed);
	for (;;) {
		if (used >= max)
			return QUOTA_USED_UP;
		if (used >= atomic_load_explicit(&slot->ceiling, memory_order_relaxed))
			return QUOTA_UNRESERVED;
		if (atomic_compare_exchange_weak_explicit(&slot->used, &used, used + 1,
		                                          memory_order_relaxed,
		                                          memory_order_relaxed))
			break;
	}
	*ret_left = max - used - 1;
	return QUOTA_TAKEN;
}

void quota_give_back(struct quota *quota, uint64_t key)
{
	struct quota_slot *slot = find(quota, whole(key));
	uint64_t used = slot ? atomic_load_explicit(&slot->used, memory_order_relaxed) : 0;
	while (used > 0 &&
	       !atomic_compare_exchange_weak_explicit(&slot->used, &used, used - 1,
	                                              memory_order_relaxed, memory_order_relaxed))
		continue;
}

/* Empty, or of a period that has been over for a while. NULL: there is none */
static struct quota_slot *room(const struct quota *quota, uint64_t key, int64_t now_s)
{
	for (size_t i = 0; i < PROBES; i++) {
		struct quota_slot *slot = &quota->slots[(key + i) & quota->mask];
		if (atomic_load_explicit(&slot->key, memory_order_relaxed) == 0 ||
		    atomic_load_explicit(&slot->ends_s, memory_order_relaxed) + GRACE_S <= now_s)
			return slot;
	}
	return NULL;
}

int quota_reserve(struct quota *quota, uint64_t key, int64_t ends_s, uint64_t used,
                  uint64_t ceiling, int64_t now_s)
{
	uint64_t mine = whole(key);
	struct quota_slot *slot = find(quota, mine);
	if (slot) {
		atomic_store_explicit(&slot->ceiling, ceiling, memory_order_relaxed);
		return 0;
	}
	slot = room(quota, mine, now_s);
	if (!slot) {
		atomic_fetch_add_explicit(&quota->n_full, 1, memory_order_relaxed);
		return -ENOSPC;
	}
	atomic_store_explicit(&slot->key, 0, memory_order_release);
	atomic_store_explicit(&slot->ends_s, ends_s, memory_order_relaxed);
	atomic_store_explicit(&slot->used, used, memory_order_relaxed);
	atomic_store_explicit(&slot->ceiling, ceiling, memory_order_relaxed);
	atomic_store_explicit(&slot->key, mine, memory_order_release);
	return 0;
}

void quota_each(const struct quota *quota,
                void (*visit)(void *user, uint64_t key, int64_t ends_s, uint64_t used), void *user)
{
	for (size_t i = 0; i <= quota->mask; i++) {
		const struct quota_slot *slot = &quota->slots[i];
		uint64_t key = atomic_load_explicit(&slot->key, memory_order_acquire);
		if (key)
			visit(user, key, atomic_load(&slot->ends_s), atomic_load(&slot->used));
	}
}

void quota_stats(const struct quota *quota, struct quota_stats *ret)
{
	*ret = (struct quota_stats){
		.n_slots = quota->mask + 1,
		.n_full = atomic_load_explicit(&quota->n_full, memory_order_relaxed)};
}
