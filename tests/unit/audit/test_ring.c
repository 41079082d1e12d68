#include "audit/ring.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AREA = 4096, MEMORY = RING_HEADER_BYTES + AREA };

static const uint8_t id[RING_ID_BYTES] = {7};

static int setup(void **state)
{
	*state = aligned_alloc(64, MEMORY);
	assert_non_null(*state);
	memset(*state, 0, MEMORY); /* as a file is; the heap may hold an earlier test's slots */
	ring_format(*state, MEMORY, id);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct ring attach(void *memory)
{
	struct ring ring;
	assert_int_equal(ring_attach(memory, MEMORY, &ring), 0);
	return ring;
}

static bool put(struct ring *ring, unsigned i)
{
	uint8_t *room = ring_reserve(ring, 300);
	if (!room)
		return false;
	size_t n = (size_t)snprintf((char *)room, 300, "record %u %.*s", i, (int)(i % 200),
	                            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	                            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	                            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	                            "xxxxxxxxxxxxxxxxxxxx");
	ring_publish(ring, n);
	return true;
}

static void expect(struct ring *ring, struct ring_place *place, unsigned i)
{
	struct sv record;
	char start[32];
	snprintf(start, sizeof(start), "record %u ", i);
	assert_int_equal(ring_next(ring, place, &record), RING_SLOT);
	assert_true(sv_starts(record, sv_of(start)));
}

static void records_come_out_in_order_over_many_laps(void **state)
{
	struct ring ring = attach(*state);
	struct ring_place place = {0};
	struct sv record;
	unsigned in = 0, out = 0;
	for (int round = 0; round < 500; round++) {
		while (in - out < 9 && put(&ring, in))
			in++;
		assert_true(in > out);
		while (out < in)
			expect(&ring, &place, out++);
		assert_int_equal(ring_next(&ring, &place, &record), RING_EMPTY);
		ring_release(&ring, place);
	}
	assert_true(in > 1000);
}

static void full_ring_refuses_until_released(void **state)
{
	struct ring ring = attach(*state);
	struct ring_place place = {0};
	unsigned n = 0;
	while (put(&ring, n))
		n++;
	assert_true(n > 5);
	assert_false(put(&ring, n));
	for (unsigned i = 0; i < n; i++)
		expect(&ring, &place, i);
	assert_false(put(&ring, n));
	ring_release(&ring, place);
	assert_true(put(&ring, n));
	expect(&ring, &place, n);
}

static void resume_goes_on_where_the_book_is(void **state)
{
	struct ring ring = attach(*state);
	struct ring_place place = {0}, committed, start;
	uint64_t lost;
	for (unsigned i = 0; i < 8; i++)
		assert_true(put(&ring, i));
	expect(&ring, &place, 0);
	expect(&ring, &place, 1);
	ring_release(&ring, place); /* the ring knows of two */
	expect(&ring, &place, 2);
	committed = place; /* the book has three */
	ring = attach(*state);
	ring_resume(&ring, &committed, &start, &lost);
	assert_int_equal(lost, 0);
	for (unsigned i = 3; i < 8; i++)
		expect(&ring, &start, i);
}

static void resume_without_a_book_starts_at_the_tail(void **state)
{
	struct ring ring = attach(*state);
	struct ring_place place = {0}, start;
	uint64_t lost;
	for (unsigned i = 0; i < 5; i++)
		assert_true(put(&ring, i));
	expect(&ring, &place, 0);
	ring_release(&ring, place);
	ring_resume(&ring, NULL, &start, &lost);
	assert_int_equal(lost, 0);
	for (unsigned i = 1; i < 5; i++)
		expect(&ring, &start, i);
}

static void torn_slot_ends_the_replay_and_is_counted(void **state)
{
	struct ring ring = attach(*state);
	struct ring_place start, place = {0};
	uint64_t lost;
	for (unsigned i = 0; i < 6; i++)
		assert_true(put(&ring, i));
	for (unsigned i = 0; i < 3; i++)
		expect(&ring, &place, i);
	ring.area[place.at + RING_SLOT_HEADER_BYTES + 2] ^= 1; /* in record 3 */
	ring_resume(&ring, NULL, &start, &lost);
	assert_int_equal(lost, 3);
	for (unsigned i = 0; i < 3; i++)
		expect(&ring, &start, i);
	struct sv record;
	assert_int_equal(ring_next(&ring, &start, &record), RING_EMPTY);
	assert_true(put(&ring, 100));
	expect(&ring, &start, 100);
}

static void slot_written_but_not_announced_is_kept(void **state)
{
	struct ring ring = attach(*state);
	struct ring_place start;
	uint64_t lost;
	assert_true(put(&ring, 0));
	uint64_t head = ring.header->head;
	assert_true(put(&ring, 1));
	ring.header->head = head; /* what a death right before the announcement leaves */
	ring.header->next_sequence = 1;
	ring_resume(&ring, NULL, &start, &lost);
	assert_int_equal(lost, 0);
	expect(&ring, &start, 0);
	expect(&ring, &start, 1);
	assert_true(put(&ring, 2));
	expect(&ring, &start, 2);
}

static void book_ahead_of_the_ring_is_followed(void **state)
{
	struct ring ring = attach(*state);
	struct ring_place committed = {.at = 96, .sequence = 3}, start;
	uint64_t lost;
	ring_resume(&ring, &committed, &start, &lost);
	assert_int_equal(lost, 1);
	assert_int_equal(start.at, 96);
	assert_true(put(&ring, 5));
	expect(&ring, &start, 5);
	assert_int_equal(start.sequence, 4);
}

static void producer_mends_a_sequence_left_behind(void **state)
{
	struct ring ring = attach(*state);
	struct ring_place place = {0};
	assert_true(put(&ring, 0) && put(&ring, 1));
	ring.header->next_sequence = 1; /* died between head and sequence */
	ring_producer_sync(&ring);
	assert_true(put(&ring, 2));
	for (unsigned i = 0; i < 3; i++)
		expect(&ring, &place, i);
	ring_release(&ring, place);
	ring.header->next_sequence = 2; /* the same, and the consumer has all */
	ring_producer_sync(&ring);
	assert_true(put(&ring, 3));
	expect(&ring, &place, 3);
}

static void foreign_memory_is_no_ring(void **state)
{
	struct ring ring;
	struct ring_header *header = *state;
	assert_int_equal(ring_attach(*state, RING_HEADER_BYTES, &ring), -EBADMSG);
	header->head = 4;
	assert_int_equal(ring_attach(*state, MEMORY, &ring), -EBADMSG);
	header->head = AREA + 8;
	assert_int_equal(ring_attach(*state, MEMORY, &ring), -EBADMSG);
	header->head = 0;
	header->tail = 8;
	assert_int_equal(ring_attach(*state, MEMORY, &ring), -EBADMSG);
	header->tail = 0;
	header->area_bytes += 8;
	assert_int_equal(ring_attach(*state, MEMORY, &ring), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_come_out_in_order_over_many_laps, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(full_ring_refuses_until_released, setup, teardown),
		cmocka_unit_test_setup_teardown(resume_goes_on_where_the_book_is, setup, teardown),
		cmocka_unit_test_setup_teardown(resume_without_a_book_starts_at_the_tail, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(torn_slot_ends_the_replay_and_is_counted, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(slot_written_but_not_announced_is_kept, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(book_ahead_of_the_ring_is_followed, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(producer_mends_a_sequence_left_behind, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(foreign_memory_is_no_ring, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
