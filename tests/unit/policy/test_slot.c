#include "policy/load.h"
#include "policy/policy.h"
#include "policy/slot.h"
#include "support/cmocka_prelude.h"

#include <pthread.h>
#include <stdatomic.h>

static struct policy *load_version(uint64_t version)
{
	struct policy *policy = NULL;
	assert_int_equal(
		policy_load(SVL("{\"defaultAction\":\"DENY\"}"), NULL, version, NULL, &policy), 0);
	return policy;
}

static void refresh_follows_what_is_published(void **state)
{
	(void)state;
	struct policy_slot *slot = policy_slot_new();
	struct policy *mine = policy_slot_refresh(slot, NULL);
	assert_null(mine);
	policy_slot_publish(slot, load_version(1));
	mine = policy_slot_refresh(slot, mine);
	assert_int_equal(policy_version(mine), 1);
	struct policy *same = policy_slot_refresh(slot, mine);
	assert_ptr_equal(same, mine);
	policy_slot_publish(slot, load_version(1));
	mine = policy_slot_refresh(slot, mine);
	assert_ptr_not_equal(mine, same); /* the same version loaded again is another generation */
	policy_unref(mine);
	policy_slot_free(slot);
}

static void an_older_version_does_not_displace_a_newer(void **state)
{
	(void)state;
	struct policy_slot *slot = policy_slot_new();
	assert_true(policy_slot_publish_newer(slot, load_version(2)));
	assert_false(policy_slot_publish_newer(slot, load_version(1)));
	assert_false(policy_slot_publish_newer(slot, load_version(2)));
	assert_true(policy_slot_publish_newer(slot, load_version(3)));
	struct policy *now = policy_slot_get(slot);
	assert_int_equal(policy_version(now), 3);
	policy_unref(now);
	policy_slot_free(slot);
}

enum { N_READERS = 3, N_VERSIONS = 200 };

struct reading {
	struct policy_slot *slot;
	atomic_bool stop;
	atomic_uint_fast64_t n_turns;
};

/* A worker's loop: versions only rise, and what it holds stays whole. */
static void *read_on(void *arg)
{
	struct reading *r = arg;
	struct policy *mine = NULL;
	uint64_t last = 0;
	while (!atomic_load(&r->stop)) {
		mine = policy_slot_refresh(r->slot, mine);
		uint64_t version = mine ? policy_version(mine) : 0;
		if (version < last || (mine && policy_count(mine).policies != 0))
			return (void *)1;
		last = version;
		atomic_fetch_add(&r->n_turns, 1);
	}
	policy_unref(mine);
	return NULL;
}

static void readers_see_only_whole_and_newer_policies(void **state)
{
	(void)state;
	struct reading r = {.slot = policy_slot_new()};
	pthread_t threads[N_READERS];
	for (size_t i = 0; i < N_READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r), 0);
	for (uint64_t v = 1; v <= N_VERSIONS; v++)
		policy_slot_publish(r.slot, load_version(v));
	atomic_store(&r.stop, true);
	for (size_t i = 0; i < N_READERS; i++) {
		void *failed = NULL;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	policy_slot_free(r.slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refresh_follows_what_is_published),
		cmocka_unit_test(an_older_version_does_not_displace_a_newer),
		cmocka_unit_test(readers_see_only_whole_and_newer_policies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
