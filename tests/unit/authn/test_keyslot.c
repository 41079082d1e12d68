/* The place of an issuer's current keys: what publishing does to those who look, and how often a fetch is asked
 * for. The last test is for ThreadSanitizer. */
#include "authn/keyslot.h"
#include "support/cmocka_prelude.h"

#include <pthread.h>
#include <stdatomic.h>

enum { N_READERS = 4, N_PUBLISHED = 500 };

static void count(void *user)
{
	atomic_fetch_add((atomic_uint *)user, 1);
}

static void a_set_holds_until_the_last_who_looks(void **state)
{
	(void)state;
	struct keyslot *slot = keyslot_new(NULL, NULL);
	assert_null(keyslot_get(slot));
	assert_int_equal(keyslot_generation(slot), 0);
	struct jwks *first = jwks_empty(), *second = jwks_empty();
	keyslot_publish(slot, first);
	struct jwks *mine = keyslot_get(slot);
	assert_ptr_equal(mine, first);
	assert_int_equal(keyslot_generation(slot), 1);
	keyslot_publish(slot, second);
	assert_int_equal(keyslot_generation(slot), 2);
	assert_int_equal(mine->n, 0); /* still there */
	jwks_unref(mine);
	mine = keyslot_get(slot);
	assert_ptr_equal(mine, second);
	keyslot_unref(keyslot_ref(slot));
	keyslot_unref(slot);
	jwks_unref(mine);
	keyslot_unref(NULL);
}

static void a_fetch_is_asked_for_once_until_it_is_answered(void **state)
{
	(void)state;
	atomic_uint n_asked = 0;
	struct keyslot *slot = keyslot_new(count, &n_asked);
	for (int i = 0; i < 1000; i++)
		keyslot_want(slot);
	assert_int_equal(n_asked, 1);
	keyslot_settle(slot); /* it failed */
	keyslot_want(slot);
	keyslot_want(slot);
	assert_int_equal(n_asked, 2);
	keyslot_publish(slot, jwks_empty()); /* it came */
	keyslot_want(slot);
	assert_int_equal(n_asked, 3);
	keyslot_settle(slot);
	keyslot_disarm(slot);
	keyslot_want(slot);
	assert_int_equal(n_asked, 3);
	keyslot_unref(slot);
}

static void without_a_fetcher_wanting_is_nothing(void **state)
{
	(void)state;
	struct keyslot *slot = keyslot_new(NULL, NULL);
	keyslot_want(slot);
	assert_null(keyslot_get(slot));
	keyslot_unref(slot);
}

struct crowd {
	struct keyslot *slot;
	atomic_uint n_asked;
	atomic_bool over;
};

static void ask(void *user)
{
	struct crowd *crowd = user;
	atomic_fetch_add(&crowd->n_asked, 1);
}

static void *look(void *user)
{
	struct crowd *crowd = user;
	uint64_t last = 0;
	while (!atomic_load(&crowd->over)) {
		uint64_t generation = keyslot_generation(crowd->slot);
		struct jwks *set = keyslot_get(crowd->slot);
		assert_true(generation >= last && (set || generation == 0));
		last = generation;
		jwks_unref(set);
		keyslot_want(crowd->slot);
	}
	return NULL;
}

static void workers_look_while_keys_change(void **state)
{
	(void)state;
	struct crowd crowd = {0};
	pthread_t threads[N_READERS];
	crowd.slot = keyslot_new(ask, &crowd);
	for (int i = 0; i < N_READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, &crowd), 0);
	for (int i = 0; i < N_PUBLISHED; i++)
		keyslot_publish(crowd.slot, jwks_empty());
	keyslot_disarm(crowd.slot); /* no hook runs from here on */
	unsigned n_asked = atomic_load(&crowd.n_asked);
	keyslot_settle(crowd.slot);
	atomic_store(&crowd.over, true);
	for (int i = 0; i < N_READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(crowd.n_asked, n_asked);
	assert_true(n_asked <= N_PUBLISHED + 1); /* once an answer, and once before the first */
	assert_int_equal(keyslot_generation(crowd.slot), N_PUBLISHED);
	keyslot_unref(crowd.slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_holds_until_the_last_who_looks),
		cmocka_unit_test(a_fetch_is_asked_for_once_until_it_is_answered),
		cmocka_unit_test(without_a_fetcher_wanting_is_nothing),
		cmocka_unit_test(workers_look_while_keys_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
