/* Shown once: by one thread, by many at the same moment, until it is over, and when there is no room. */
#include "authn/replay.h"
#include "support/cmocka_prelude.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { NOW = 1700000000 };

static void digest_of(unsigned number, uint8_t digest[SHA256_BYTES])
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%u", number);
	assert_true(sha256_of((struct sv){text, (size_t)n}, digest));
}

static enum replay_outcome note(struct replay *replay, unsigned number, int64_t now_s,
                                int64_t until_s)
{
	uint8_t digest[SHA256_BYTES];
	digest_of(number, digest);
	return replay_note(replay, digest, now_s, until_s);
}

static void what_was_shown_is_not_taken_again(void **state)
{
	struct replay *replay = replay_new(1024, NOW);
	(void)state;
	assert_non_null(replay);
	assert_int_equal(note(replay, 1, NOW, NOW + 60), REPLAY_NEW);
	assert_int_equal(note(replay, 1, NOW, NOW + 60), REPLAY_SEEN);
	assert_int_equal(note(replay, 2, NOW, NOW + 60), REPLAY_NEW);
	for (int64_t at = NOW; at <= NOW + 60; at++)
		assert_int_equal(note(replay, 1, at, NOW + 60), REPLAY_SEEN);
	assert_int_equal(note(replay, 2, NOW + 60, NOW + 70), REPLAY_SEEN);
	assert_int_equal(note(replay, 2, NOW + 600, NOW + 660), REPLAY_NEW);
	assert_int_equal(note(replay, 2, NOW + 600, NOW + 660), REPLAY_SEEN);
	replay_free(replay);
}

static void times_it_cannot_hold_are_refused(void **state)
{
	static const struct {
		int64_t now_s, until_s;
	} rows[] = {
		{NOW, NOW - 1},
		{NOW - 90000, NOW - 89000},
		{0, 60},
		{INT64_C(1) << 40, (INT64_C(1) << 40) + 60},
		{NOW + (INT64_C(1) << 28), NOW + (INT64_C(1) << 28) + 60},
	};
	struct replay *replay = replay_new(1024, NOW);
	(void)state;
	assert_non_null(replay);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(note(replay, 1, rows[i].now_s, rows[i].until_s), REPLAY_FULL);
	assert_int_equal(note(replay, 1, NOW - 3600, NOW), REPLAY_NEW);
	replay_free(replay);
}

/* Nothing is pushed out to make room, and room comes back when its time is over. */
static void a_full_table_refuses(void **state)
{
	enum { ENTRIES = 4096 };
	struct replay *replay = replay_new(ENTRIES, NOW);
	unsigned n_new = 0, n_seen = 0, n_full = 0;
	(void)state;
	assert_non_null(replay);
	for (unsigned i = 0; i < 2 * ENTRIES; i++) {
		enum replay_outcome outcome = note(replay, i, NOW, NOW + 60);
		assert_true(outcome != REPLAY_SEEN);
		n_new += outcome == REPLAY_NEW;
		n_full += outcome == REPLAY_FULL;
	}
	assert_true(n_full > 0 && n_new <= ENTRIES);
	for (unsigned i = 0; i < 2 * ENTRIES; i++)
		n_seen += note(replay, i, NOW + 60, NOW + 60) == REPLAY_SEEN;
	assert_int_equal(n_seen, n_new);
	for (unsigned i = 0; i < ENTRIES / 2; i++)
		assert_int_equal(note(replay, i, NOW + 66, NOW + 100), REPLAY_NEW);
	replay_free(replay);
}

/* The size that is said of it: no refusal up to two thirds. */
static void it_holds_what_it_says(void **state)
{
	enum { ENTRIES = 65536 };
	struct replay *replay = replay_new(ENTRIES, NOW);
	(void)state;
	assert_non_null(replay);
	for (unsigned i = 0; i < ENTRIES / 3 * 2; i++)
		assert_int_equal(note(replay, i, NOW, NOW + 60), REPLAY_NEW);
	replay_free(replay);
}

enum { THREADS = 4, DIGESTS = 20000 };

/* Threads that show the same proofs at the same time, in the same order, on clocks that differ by a second. */
struct race {
	struct replay *replay;
	atomic_uint *n_new; /* DIGESTS */
	atomic_uint n_full;
	atomic_uint ready;
};

struct runner {
	struct race *race;
	int64_t now_s;
	pthread_t thread;
};

static void *show_all(void *user)
{
	struct runner *runner = user;
	struct race *race = runner->race;
	atomic_fetch_add(&race->ready, 1);
	while (atomic_load(&race->ready) < THREADS)
		;
	for (unsigned i = 0; i < DIGESTS; i++) {
		enum replay_outcome outcome =
			note(race->replay, i, runner->now_s + i / 2000, NOW + 60 + i / 2000);
		if (outcome == REPLAY_NEW)
			atomic_fetch_add(&race->n_new[i], 1);
		if (outcome == REPLAY_FULL)
			atomic_fetch_add(&race->n_full, 1);
	}
	return NULL;
}

static void of_many_at_once_one_is_taken(void **state)
{
	static atomic_uint n_new[DIGESTS];
	struct race race = {.replay = replay_new(32768, NOW), .n_new = n_new};
	struct runner runners[THREADS];
	unsigned n_taken = 0;
	(void)state;
	assert_non_null(race.replay);
	for (unsigned i = 0; i < THREADS; i++) {
		runners[i] = (struct runner){.race = &race, .now_s = NOW + i % 2};
		assert_int_equal(pthread_create(&runners[i].thread, NULL, show_all, &runners[i]),
		                 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(runners[i].thread, NULL), 0);
	for (unsigned i = 0; i < DIGESTS; i++) {
		assert_true(n_new[i] <= 1);
		n_taken += n_new[i];
	}
	assert_int_equal(race.n_full, 0);
	assert_true(n_taken > DIGESTS / 100 * 99); /* both refused is allowed, and rare */
	replay_free(race.replay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_shown_is_not_taken_again),
		cmocka_unit_test(times_it_cannot_hold_are_refused),
		cmocka_unit_test(a_full_table_refuses),
		cmocka_unit_test(it_holds_what_it_says),
		cmocka_unit_test(of_many_at_once_one_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
