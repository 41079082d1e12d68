/* Quotas: when a day and a month end, what is granted, keys beside each other, and many threads that share one. */
#include "core/quota.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum { NOW = 1795000000, ENDS = NOW + 1000 };

static struct quota *table(size_t n_slots)
{
	struct quota *q = NULL;
	assert_int_equal(quota_new(n_slots, &q), 0);
	assert_non_null(q);
	return q;
}

static void days_and_months_end_as_the_calendar_says(void **state)
{
	(void)state;
	static const struct {
		enum quota_period period;
		int64_t now, ends;
	} rows[] = {
		{QUOTA_DAY, 0, 86400},
		{QUOTA_DAY, 86399, 86400},
		{QUOTA_DAY, 86400, 172800},
		{QUOTA_DAY, 1795000000, 1795046400},   /* 2026-11-18 */
		{QUOTA_MONTH, 1795000000, 1796083200}, /* November ends */
		{QUOTA_MONTH, 1796083199, 1796083200},
		{QUOTA_MONTH, 1796083200, 1798761600}, /* December, and the year */
		{QUOTA_MONTH, 1801440000, 1803859200}, /* February of 28 days */
		{QUOTA_MONTH, 1832976000, 1835481600}, /* and of 29: 2028-02-01 to 2028-03-01 */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(quota_ends(rows[i].period, rows[i].now), rows[i].ends);
}

static void what_is_reserved_is_granted_and_no_more_than_the_quota(void **state)
{
	(void)state;
	struct quota *q = table(64);
	uint64_t left = 99;
	assert_int_equal(quota_take(q, 7, 5, &left), QUOTA_UNRESERVED);
	assert_int_equal(left, 0);
	assert_int_equal(quota_reserve(q, 7, ENDS, 2, 4, NOW), 0);
	assert_int_equal(quota_take(q, 7, 5, &left), QUOTA_TAKEN);
	assert_int_equal(left, 2);
	assert_int_equal(quota_take(q, 7, 5, &left), QUOTA_TAKEN);
	assert_int_equal(quota_take(q, 7, 5, &left), QUOTA_UNRESERVED);
	assert_int_equal(quota_take(q, 8, 5, &left), QUOTA_UNRESERVED);
	quota_give_back(q, 7);
	quota_give_back(q, 8);
	assert_int_equal(quota_take(q, 7, 5, &left), QUOTA_TAKEN);
	assert_int_equal(quota_reserve(q, 7, ENDS, 4, 5, NOW), 0);
	assert_int_equal(quota_take(q, 7, 5, &left), QUOTA_TAKEN);
	assert_int_equal(left, 0);
	assert_int_equal(quota_take(q, 7, 5, &left), QUOTA_USED_UP);
	quota_give_back(q, 7);
	assert_int_equal(quota_take(q, 7, 5, &left), QUOTA_TAKEN);
	/* the key of nothing is a key as well */
	assert_int_equal(quota_reserve(q, 0, ENDS, 0, 1, NOW), 0);
	assert_int_equal(quota_take(q, 0, 1, &left), QUOTA_TAKEN);
	quota_free(q);
}

static void no_live_key_is_given_up_and_one_that_is_over_is(void **state)
{
	(void)state;
	struct quota *q = table(16);
	struct quota_stats stats;
	uint64_t left;
	for (uint64_t key = 1; key <= 16; key++)
		assert_int_equal(quota_reserve(q, key, ENDS, 0, 1, NOW), 0);
	assert_int_equal(quota_reserve(q, 17, ENDS, 0, 1, NOW), -ENOSPC);
	assert_int_equal(quota_reserve(q, 17, ENDS, 0, 1, ENDS + 59), -ENOSPC);
	assert_int_equal(quota_take(q, 17, 1, &left), QUOTA_UNRESERVED);
	for (uint64_t key = 1; key <= 16; key++)
		assert_int_equal(quota_take(q, key, 1, &left), QUOTA_TAKEN);
	quota_stats(q, &stats);
	assert_int_equal(stats.n_slots, 16);
	assert_int_equal(stats.n_full, 2);
	assert_int_equal(quota_reserve(q, 17, ENDS + 1000, 0, 1, ENDS + 60), 0);
	assert_int_equal(quota_take(q, 17, 1, &left), QUOTA_TAKEN);
	quota_free(q);
}

/* ---- many threads ---- */

enum { TAKERS = 4, KEYS = 3, MAX = 20000, BLOCK = 37 };

struct shared {
	struct quota *quota;
	atomic_ullong wanted[KEYS]; /* how often somebody found nothing reserved */
	atomic_ullong granted[KEYS];
	atomic_uint n_done;
};

static void *take(void *user)
{
	struct shared *s = user;
	unsigned seed = (unsigned)(uintptr_t)&seed;
	for (size_t key = 0; key < KEYS;) {
		uint64_t left;
		switch (quota_take(s->quota, key + 1, MAX, &left)) {
		case QUOTA_TAKEN:
			seed = seed * 1664525 + 1013904223;
			if (seed >> 28 == 0)
				quota_give_back(s->quota, key + 1);
			else
				atomic_fetch_add(&s->granted[key], 1);
			break;
		case QUOTA_UNRESERVED:
			atomic_fetch_add(&s->wanted[key], 1);
			break;
		case QUOTA_USED_UP:
			key++;
			break;
		}
	}
	atomic_fetch_add(&s->n_done, 1);
	return NULL;
}

/* One reserves, a block at a time, what four take and give back: in the end exactly the quota is granted. */
static void threads_share_exactly_the_quota(void **state)
{
	(void)state;
	struct shared s = {.quota = table(64)};
	pthread_t threads[TAKERS];
	uint64_t seen[KEYS] = {0}, ceiling[KEYS] = {0};
	for (size_t i = 0; i < TAKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take, &s), 0);
	while (atomic_load(&s.n_done) < TAKERS) {
		for (size_t key = 0; key < KEYS; key++) {
			uint64_t wanted = atomic_load(&s.wanted[key]);
			if (wanted == seen[key])
				continue;
			seen[key] = wanted;
			uint64_t before = ceiling[key];
			ceiling[key] = MIN_OF(ceiling[key] + BLOCK, (uint64_t)MAX);
			assert_int_equal(
				quota_reserve(s.quota, key + 1, ENDS, before, ceiling[key], NOW),
				0);
		}
	}
	for (size_t i = 0; i < TAKERS; i++)
		(void)pthread_join(threads[i], NULL);
	for (size_t key = 0; key < KEYS; key++) {
		uint64_t left;
		/* what was given back behind the last look is there still */
		while (quota_take(s.quota, key + 1, MAX, &left) == QUOTA_TAKEN)
			atomic_fetch_add(&s.granted[key], 1);
		assert_int_equal(atomic_load(&s.granted[key]), MAX);
	}
	quota_free(s.quota);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_and_months_end_as_the_calendar_says),
		cmocka_unit_test(what_is_reserved_is_granted_and_no_more_than_the_quota),
		cmocka_unit_test(no_live_key_is_given_up_and_one_that_is_over_is),
		cmocka_unit_test(threads_share_exactly_the_quota),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
