/* Counting by rate: what is granted and when, keys beside each other, and many threads that share one count. */
#include "core/gcra.h"
#include "support/cmocka_prelude.h"

#include <pthread.h>
#include <stdatomic.h>

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

enum { START_S = 1000 };

static struct gcra *table(size_t n_slots)
{
	struct gcra *g = NULL;
	assert_int_equal(gcra_new(n_slots, &g), 0);
	assert_non_null(g);
	return g;
}

static unsigned granted(struct gcra *g, uint64_t key, const struct gcra_rate *rate, uint64_t now,
                        unsigned n)
{
	struct gcra_answer answer;
	unsigned sum = 0;
	for (unsigned i = 0; i < n; i++) {
		gcra_take(g, key, rate, now, &answer);
		sum += answer.granted;
	}
	return sum;
}

static void a_burst_and_then_evenly(void **state)
{
	(void)state;
	struct gcra *g = table(64);
	const struct gcra_rate rate = {gcra_interval(10, 1), 5};
	uint64_t now = START_S * S;
	struct gcra_answer answer;
	assert_int_equal(granted(g, 7, &rate, now, 20), 5);
	gcra_take(g, 7, &rate, now, &answer);
	assert_false(answer.granted);
	assert_int_equal(answer.n_left, 0);
	assert_in_range(answer.retry_ns, 99 * MS, 100 * MS);
	assert_in_range(answer.reset_ns, 499 * MS, 500 * MS);
	assert_int_equal(granted(g, 7, &rate, now + 99 * MS, 20), 0);
	assert_int_equal(granted(g, 7, &rate, now + 101 * MS, 20), 1);
	assert_int_equal(granted(g, 7, &rate, now + 10 * S, 20), 5);
	gcra_take(g, 8, &rate, now, &answer);
	assert_true(answer.granted);
	assert_int_equal(answer.n_left, 4);
	assert_int_equal(answer.retry_ns, 0);
	gcra_free(g);
}

/* At each millisecond more than enough is asked: what is granted in a second is the rate, at every rate. */
static void the_rate_is_exact(void **state)
{
	(void)state;
	static const struct {
		uint64_t n, period_s;
	} rows[] = {{1, 1}, {3, 1}, {7, 1}, {100, 1}, {997, 1}, {60, 60}, {1000, 3600}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gcra *g = table(64);
		const struct gcra_rate rate = {gcra_interval(rows[i].n, rows[i].period_s), 2};
		uint64_t step = rows[i].period_s * MS, now = START_S * S, sum = 0;
		for (unsigned k = 0; k < 1000; k++, now += step)
			sum += granted(g, 1, &rate, now, 3);
		print_message("%llu in %llu s: %llu\n", (unsigned long long)rows[i].n,
		              (unsigned long long)rows[i].period_s, (unsigned long long)sum);
		assert_in_range(sum, rows[i].n, rows[i].n + 2);
		gcra_free(g);
	}
}

/* A count that would run ahead further than it can be kept is no rate: it would be as good as new in the middle. */
static void a_burst_of_centuries_is_refused(void **state)
{
	(void)state;
	static const struct {
		uint64_t n, period_s, burst;
		bool good;
	} rows[] = {
		{1, 86400, 6000, true},     {1, 86400, 7000, false}, {1, 86400, 1000000, false},
		{1, 3600, 400000, false},   {1, 3600, 100000, true}, {100, 1, 1000000, true},
		{100, 86400, 600000, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct gcra_rate rate = {gcra_interval(rows[i].n, rows[i].period_s),
		                               rows[i].burst};
		print_message("%zu\n", i);
		assert_int_equal(gcra_rate_ok(&rate), rows[i].good);
		if (!rows[i].good)
			continue;
		struct gcra *g = table(64);
		assert_int_equal(granted(g, 5, &rate, START_S * S, (unsigned)rate.burst * 2),
		                 rate.burst);
		gcra_free(g);
	}
	assert_false(gcra_rate_ok(&(struct gcra_rate){0}));
}

static void what_is_given_back_may_be_taken_again(void **state)
{
	(void)state;
	struct gcra *g = table(64);
	const struct gcra_rate rate = {gcra_interval(1, 60), 2};
	uint64_t now = START_S * S;
	assert_int_equal(granted(g, 3, &rate, now, 5), 2);
	gcra_give_back(g, 3, &rate, now);
	assert_int_equal(granted(g, 3, &rate, now, 5), 1);
	for (unsigned i = 0; i < 10; i++)
		gcra_give_back(g, 3, &rate, now);
	assert_int_equal(granted(g, 3, &rate, now, 5), 2);
	gcra_give_back(g, 4, &rate, now); /* nobody took it */
	assert_int_equal(granted(g, 4, &rate, now, 5), 2);
	gcra_free(g);
}

/* Keys beyond the room take the place of those that are nearest to being as good as new; rested ones cost nothing. */
static void a_full_table_gives_up_the_nearest(void **state)
{
	(void)state;
	struct gcra *g = table(8);
	const struct gcra_rate slow = {gcra_interval(1, 3600), 1},
			       fast = {gcra_interval(1000, 1), 1};
	uint64_t now = START_S * S;
	assert_int_equal(gcra_slots(g), 8);
	for (uint64_t key = 1; key <= 7; key++)
		assert_int_equal(granted(g, key << 8, &slow, now, 2), 1);
	for (uint64_t key = 100; key < 200; key++)
		assert_int_equal(granted(g, key << 8, &fast, now, 2), 1);
	assert_int_equal(gcra_evicted(g), 99);
	for (uint64_t key = 1; key <= 7; key++)
		assert_int_equal(granted(g, key << 8, &slow, now, 2), 0);
	now += S;
	assert_int_equal(granted(g, 300 << 8, &fast, now, 1), 1);
	assert_int_equal(gcra_evicted(g), 99);
	gcra_free(g);
}

/* ---- threads ---- */

enum { THREADS = 4, ASKS = 20000, KEYS = 3 };

struct shared_count {
	struct gcra *g;
	atomic_uint n_granted[KEYS];
	atomic_bool go;
};

static const struct gcra_rate ten = {.burst = 10};

static void *ask_often(void *context)
{
	struct shared_count *c = context;
	const struct gcra_rate rate = {gcra_interval(1, 3600), ten.burst};
	while (!atomic_load(&c->go))
		;
	for (unsigned i = 0; i < ASKS; i++) {
		struct gcra_answer answer;
		unsigned key = i % KEYS;
		gcra_take(c->g, key + 1, &rate, START_S * S, &answer);
		if (answer.granted)
			atomic_fetch_add(&c->n_granted[key], 1);
	}
	return NULL;
}

static void threads_share_a_count(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct shared_count c = {.g = table(64)};
		pthread_t threads[THREADS];
		for (unsigned i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &c), 0);
		atomic_store(&c.go, true);
		for (unsigned i = 0; i < THREADS; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		for (unsigned i = 0; i < KEYS; i++)
			assert_int_equal(atomic_load(&c.n_granted[i]), ten.burst);
		gcra_free(c.g);
	}
}

/* Keys push each other out all the time: no count goes wrong, and every question is answered. */
static void *push_out(void *context)
{
	struct shared_count *c = context;
	const struct gcra_rate rate = {gcra_interval(1, 1), 1};
	for (uint64_t i = 0; i < ASKS; i++) {
		struct gcra_answer answer;
		gcra_take(c->g, (i * 7919) << 8, &rate, START_S * S + i * MS, &answer);
		if (i % 3 == 0)
			gcra_give_back(c->g, (i * 7919) << 8, &rate, START_S * S + i * MS);
		assert_true(answer.granted || answer.retry_ns > 0);
	}
	return NULL;
}

static void threads_push_keys_out(void **state)
{
	(void)state;
	struct shared_count c = {.g = table(8)};
	pthread_t threads[THREADS];
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, push_out, &c), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	gcra_free(c.g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_then_evenly),
		cmocka_unit_test(the_rate_is_exact),
		cmocka_unit_test(a_burst_of_centuries_is_refused),
		cmocka_unit_test(what_is_given_back_may_be_taken_again),
		cmocka_unit_test(a_full_table_gives_up_the_nearest),
		cmocka_unit_test(threads_share_a_count),
		cmocka_unit_test(threads_push_keys_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
