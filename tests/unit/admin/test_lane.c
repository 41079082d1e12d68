#include "admin/lane.h"
#include "support/cmocka_prelude.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* A job that waits until the test lets it go. */
struct gate_job {
	struct lane_job job;
	atomic_bool *open;
	atomic_uint *n_done;
};

static void wait_for_gate(struct lane_job *job)
{
	struct gate_job *gate = (struct gate_job *)job;
	while (!atomic_load(gate->open))
		usleep(1000);
	atomic_fetch_add(gate->n_done, 1);
	free(gate);
}

static void push(struct lane *lane, atomic_bool *open, atomic_uint *n_done)
{
	struct gate_job *gate = calloc(1, sizeof(*gate));
	gate->job.run = wait_for_gate;
	gate->open = open;
	gate->n_done = n_done;
	lane_push(lane, &gate->job);
}

static void places_are_bounded_and_come_back(void **state)
{
	(void)state;
	struct lane *lane = NULL;
	atomic_bool open = false;
	atomic_uint n_done = 0;
	assert_int_equal(lane_start(2, 5, &lane), 0);
	for (int i = 0; i < 5; i++) {
		assert_true(lane_take_place(lane));
		push(lane, &open, &n_done);
	}
	assert_false(lane_take_place(lane));
	atomic_store(&open, true);
	while (atomic_load(&n_done) < 5)
		usleep(1000);
	while (!lane_take_place(lane))
		usleep(1000);
	push(lane, &open, &n_done);
	lane_close(lane);
	assert_int_equal(atomic_load(&n_done), 6);
	assert_false(lane_take_place(lane));
	lane_stop(lane);
}

static void stopping_does_what_is_queued(void **state)
{
	(void)state;
	struct lane *lane = NULL;
	atomic_bool open = true;
	atomic_uint n_done = 0;
	assert_int_equal(lane_start(1, 100, &lane), 0);
	for (int i = 0; i < 100; i++) {
		assert_true(lane_take_place(lane));
		push(lane, &open, &n_done);
	}
	lane_stop(lane);
	assert_int_equal(atomic_load(&n_done), 100);
	lane_stop(NULL);
	lane_close(NULL);
}

static void too_many_threads_are_refused(void **state)
{
	(void)state;
	struct lane *lane = NULL;
	assert_true(lane_start(1000, 1, &lane) < 0);
	assert_null(lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_bounded_and_come_back),
		cmocka_unit_test(stopping_does_what_is_queued),
		cmocka_unit_test(too_many_threads_are_refused),
	};
	return cmocka_run_group_tests_name("admin/lane", tests, NULL, NULL);
}
