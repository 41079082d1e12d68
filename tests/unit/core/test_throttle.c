#include "core/throttle.h"
#include "support/cmocka_prelude.h"

#include <stdio.h>

#define NOW    INT64_C(1764000000000000)
#define SECOND INT64_C(1000000)

static struct netaddr address(uint8_t last)
{
	return netaddr_v4((const uint8_t[]){192, 0, 2, last});
}

static int setup(void **state)
{
	struct throttle *throttle = NULL;
	assert_int_equal(throttle_new(&throttle), 0);
	*state = throttle;
	return 0;
}

static int teardown(void **state)
{
	throttle_free(*state);
	return 0;
}

static void tries_wait_longer_each_time_but_never_for_ever(void **state)
{
	struct throttle *throttle = *state;
	struct netaddr src = address(1);
	int64_t now = NOW;
	unsigned last = 0;
	assert_false(throttle_failed(throttle, SVL("alice"), &src, now));
	assert_false(throttle_failed(throttle, SVL("alice"), &src, now));
	assert_int_equal(throttle_wait(throttle, SVL("alice"), &src, now), 0);
	for (int i = 0; i < 6; i++) {
		assert_true(throttle_failed(throttle, SVL("alice"), &src, now));
		unsigned wait = throttle_wait(throttle, SVL("alice"), &src, now);
		assert_true(wait >= last && wait > 0 && wait <= 15);
		last = wait;
		now += (int64_t)wait * SECOND;
		assert_int_equal(throttle_wait(throttle, SVL("alice"), &src, now), 0);
	}
	assert_int_equal(last, 15);
}

static void success_and_time_forgive(void **state)
{
	struct throttle *throttle = *state;
	struct netaddr src = {0};
	for (int i = 0; i < 5; i++)
		throttle_failed(throttle, SVL("alice"), &src, NOW);
	assert_true(throttle_wait(throttle, SVL("alice"), &src, NOW) > 0);
	assert_int_equal(throttle_wait(throttle, SVL("bob"), &src, NOW), 0);
	throttle_good(throttle, SVL("alice"));
	assert_int_equal(throttle_wait(throttle, SVL("alice"), &src, NOW), 0);
	for (int i = 0; i < 5; i++)
		throttle_failed(throttle, SVL("alice"), &src, NOW);
	assert_int_equal(throttle_wait(throttle, SVL("alice"), &src, NOW + 3600 * SECOND), 0);
}

static void one_network_cannot_try_many_names(void **state)
{
	struct throttle *throttle = *state;
	char name[16];
	for (int i = 0; i < 12; i++) {
		struct netaddr src = address((uint8_t)i);
		snprintf(name, sizeof(name), "user%d", i);
		throttle_failed(throttle, sv_of(name), &src, NOW);
	}
	struct netaddr same = address(200);
	struct netaddr other = netaddr_v4((const uint8_t[]){198, 51, 100, 1});
	assert_true(throttle_wait(throttle, SVL("fresh"), &same, NOW) > 0);
	assert_int_equal(throttle_wait(throttle, SVL("fresh"), &other, NOW), 0);
}

static void behind_a_proxy_nobody_keeps_the_others_out(void **state)
{
	struct throttle *throttle = *state;
	static const uint8_t v6[16] = {[15] = 1};
	const struct netaddr proxies[] = {netaddr_v4((const uint8_t[]){127, 0, 0, 1}),
	                                  netaddr_v6(v6)};
	char name[16];
	for (size_t i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "user%zu", i);
		throttle_failed(throttle, sv_of(name), &proxies[i % 2], NOW);
	}
	for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
		assert_int_equal(throttle_wait(throttle, SVL("fresh"), &proxies[i], NOW), 0);
		for (int k = 0; k < 5; k++)
			throttle_failed(throttle, SVL("alice"), &proxies[i], NOW);
		assert_true(throttle_wait(throttle, SVL("alice"), &proxies[i], NOW) > 0);
		throttle_good(throttle, SVL("alice"));
	}
}

static void a_flood_of_names_stays_within_the_table(void **state)
{
	struct throttle *throttle = *state;
	struct netaddr src = {0};
	char name[16];
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		throttle_failed(throttle, sv_of(name), &src, NOW + i);
	}
	for (int i = 0; i < 5; i++)
		throttle_failed(throttle, SVL("alice"), &src, NOW + 30000);
	assert_true(throttle_wait(throttle, SVL("alice"), &src, NOW + 30000) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tries_wait_longer_each_time_but_never_for_ever,
	                                        setup, teardown),
		cmocka_unit_test_setup_teardown(success_and_time_forgive, setup, teardown),
		cmocka_unit_test_setup_teardown(one_network_cannot_try_many_names, setup, teardown),
		cmocka_unit_test_setup_teardown(behind_a_proxy_nobody_keeps_the_others_out, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(a_flood_of_names_stays_within_the_table, setup,
	                                        teardown),
	};
	return cmocka_run_group_tests_name("admin/throttle", tests, NULL, NULL);
}
