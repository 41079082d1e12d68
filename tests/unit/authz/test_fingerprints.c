#include "authz/fingerprints.h"
#include "support/cmocka_prelude.h"

#include <stdlib.h>

/* Spread over all places, or all of them at one end of the table. */
static struct fingerprint spread(uint64_t i)
{
	return (struct fingerprint){(i + 1) * 0x9e3779b97f4a7c15U, i};
}

static struct fingerprint crowded_low(uint64_t i)
{
	return (struct fingerprint){i % 3, i + 1};
}

static struct fingerprint crowded_high(uint64_t i)
{
	return (struct fingerprint){UINT64_MAX - i % 3, i};
}

typedef struct fingerprint make(uint64_t i);

/* Every second one is there, in any order of coming, twice. */
static void assert_holds(make *of, uint64_t n)
{
	struct fingerprints set = {0};
	for (uint64_t i = 0; i < 2 * n; i++)
		assert_true(fingerprints_add(&set, of(i * 7919 % n * 2)));
	assert_int_equal(set.n, n);
	for (int sealed = 0; sealed < 2; sealed++) {
		for (uint64_t i = 0; i < 2 * n; i++)
			assert_int_equal(fingerprints_has(&set, of(i)), i % 2 == 0);
		fingerprints_seal(&set);
	}
	fingerprints_fini(&set);
}

static void what_was_added_is_there_and_nothing_else(void **state)
{
	(void)state;
	assert_holds(spread, 1);
	assert_holds(spread, 10007);
	assert_holds(crowded_low, 2003);
}

/* All at the end of the table: it grows, and where that does not help says so and goes on with what it has. */
static void a_crowded_end_is_refused_and_breaks_nothing(void **state)
{
	(void)state;
	struct fingerprints set = {0};
	uint64_t n = 0;
	while (n < 500 && fingerprints_add(&set, crowded_high(n)))
		n++;
	assert_true(n >= 64);
	for (int sealed = 0; sealed < 2; sealed++) {
		for (uint64_t i = 0; i < n; i++)
			assert_true(fingerprints_has(&set, crowded_high(i)));
		assert_false(fingerprints_has(&set, crowded_high(n + 1)));
		fingerprints_seal(&set);
	}
	fingerprints_fini(&set);
}

static void nothing_is_in_no_set(void **state)
{
	(void)state;
	struct fingerprints set = {0};
	assert_false(fingerprints_has(&set, (struct fingerprint){0, 0}));
	assert_true(fingerprints_add(&set, spread(5)));
	assert_false(fingerprints_has(&set, (struct fingerprint){0, 0}));
	fingerprints_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_there_and_nothing_else),
		cmocka_unit_test(a_crowded_end_is_refused_and_breaks_nothing),
		cmocka_unit_test(nothing_is_in_no_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
