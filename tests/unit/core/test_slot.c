#include "core/slot.h"
#include "support/cmocka_prelude.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Something that is published: whole when both numbers are the same. */
struct thing {
	struct shared shared;
	uint64_t number, again;
};

static atomic_int n_alive;

static void thing_free(struct shared *shared)
{
	struct thing *thing = (struct thing *)shared;
	thing->number = thing->again = UINT64_MAX;
	atomic_fetch_sub(&n_alive, 1);
	free(thing);
}

static struct shared *thing_new(uint64_t number)
{
	struct thing *thing = calloc(1, sizeof(*thing));
	assert_non_null(thing);
	shared_init(&thing->shared, thing_free);
	thing->number = thing->again = number;
	atomic_fetch_add(&n_alive, 1);
	return &thing->shared;
}

static uint64_t number_of(const struct shared *shared)
{
	return ((const struct thing *)shared)->number;
}

static void refresh_follows_what_is_published(void **state)
{
	(void)state;
	struct slot *slot = slot_new();
	struct shared *mine = slot_refresh(slot, NULL);
	assert_null(mine);
	slot_publish(slot, thing_new(1));
	mine = slot_refresh(slot, mine);
	assert_int_equal(number_of(mine), 1);
	struct shared *same = slot_refresh(slot, mine);
	assert_ptr_equal(same, mine);
	slot_publish(slot, thing_new(2));
	assert_int_equal(atomic_load(&n_alive), 2); /* ours is kept until we let go */
	assert_int_equal(number_of(mine), 1);
	mine = slot_refresh(slot, mine);
	assert_int_equal(number_of(mine), 2);
	assert_int_equal(atomic_load(&n_alive), 1);
	slot_publish(slot, NULL);
	mine = slot_refresh(slot, mine);
	assert_null(mine);
	slot_free(slot);
	assert_int_equal(atomic_load(&n_alive), 0);
}

static void no_two_things_have_one_generation(void **state)
{
	(void)state;
	struct shared *one = thing_new(1), *two = thing_new(1);
	assert_true(one->generation != 0 && two->generation != 0);
	assert_true(one->generation != two->generation);
	shared_unref(shared_ref(one));
	shared_unref(one);
	shared_unref(two);
	shared_unref(NULL);
	assert_null(shared_ref(NULL));
	assert_int_equal(atomic_load(&n_alive), 0);
}

enum { N_READERS = 3, N_THINGS = 2000 };

struct reading {
	struct slot *slot;
	atomic_bool stop;
};

/* A worker's loop: numbers only rise, and what it holds stays whole. */
static void *read_on(void *arg)
{
	struct reading *r = arg;
	struct shared *mine = NULL;
	uint64_t last = 0;
	while (!atomic_load(&r->stop)) {
		mine = slot_refresh(r->slot, mine);
		const struct thing *thing = (const struct thing *)mine;
		if (thing && (thing->number < last || thing->number != thing->again))
			return (void *)1;
		last = thing ? thing->number : 0;
	}
	shared_unref(mine);
	return NULL;
}

static void readers_see_only_whole_and_newer_things(void **state)
{
	(void)state;
	struct reading r = {.slot = slot_new()};
	pthread_t threads[N_READERS];
	for (size_t i = 0; i < N_READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r), 0);
	for (uint64_t n = 1; n <= N_THINGS; n++)
		slot_publish(r.slot, thing_new(n));
	atomic_store(&r.stop, true);
	for (size_t i = 0; i < N_READERS; i++) {
		void *failed = NULL;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	slot_free(r.slot);
	assert_int_equal(atomic_load(&n_alive), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refresh_follows_what_is_published),
		cmocka_unit_test(no_two_things_have_one_generation),
		cmocka_unit_test(readers_see_only_whole_and_newer_things),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
